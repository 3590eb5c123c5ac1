import { Clock, Effect, Fiber, Layer, Logger, References, Schema, Tracer } from "effect"
import { TestClock } from "effect/testing"
import { assert, describe, it } from "@effect/vitest"
import { Metrics } from "#services/Metrics"
import { OpenAi, type OpenAiError, type Question } from "#services/OpenAi"
import { retryAfterMillis } from "#services/OpenAiLive"
import type { Values } from "#services/Settings"
import { Body, completion, KEY, limited, modelOf, modelServer, type Reply } from "#test/services/modelServer"

const Advice = Schema.Struct({
  replicas: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100 })),
  note: Schema.optionalKey(Schema.String)
})
const PROMPT = "a prompt that nobody else may see"

const question = (user = PROMPT): Question<typeof Advice.Type> => ({
  name: "advice",
  system: "Answer.",
  user,
  answer: Advice,
  outputTokensMax: 50
})

const good: Reply = { body: completion({ replicas: 4, note: null }) }

interface Heard {
  readonly asked: (user?: string) => Effect.Effect<typeof Advice.Type, OpenAiError, never>
  readonly bodies: ReadonlyArray<string>
  readonly authorization: () => string | undefined
  readonly metric: (series: string) => Effect.Effect<number | undefined>
}

const against = <A, E>(
  replies: ReadonlyArray<Reply>,
  body: (heard: Heard) => Effect.Effect<A, E>,
  over: Partial<Values> = {}
) =>
  Effect.gen(function* () {
    const { bodies, seen, url } = yield* modelServer(replies)
    return yield* Effect.gen(function* () {
      const { ask } = yield* OpenAi
      const { render } = yield* Metrics
      return yield* body({
        asked: (user) => ask(question(user)),
        bodies,
        authorization: () => seen[0]?.headers.authorization,
        metric: (series) =>
          Effect.map(render, ({ body: page }) => {
            const line = page.split("\n").find((each) => each.startsWith(`${series} `))
            return line === undefined ? undefined : Number(line.slice(series.length + 1))
          })
      })
    }).pipe(Effect.provide(modelOf(url, over)))
  }).pipe(Effect.scoped)

const reasonOf = <A, R>(effect: Effect.Effect<A, OpenAiError, R>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason._tag)

describe("the language model", () => {
  it.live("is asked in the published shape, and answers in the shape that was asked for", () =>
    against(
      [good],
      ({ asked, authorization, bodies, metric }) =>
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* asked(), { replicas: 4 })
          assert.strictEqual(authorization(), `Bearer ${KEY}`)
          const body = Schema.decodeUnknownSync(Schema.fromJsonString(Body))(bodies[0])
          assert.strictEqual(body.messages[1]?.content, PROMPT)
          assert.deepInclude(body.response_format.json_schema.schema, {
            type: "object",
            required: ["replicas", "note"],
            additionalProperties: false
          })
          assert.strictEqual(yield* metric('nimbusguard_openai_tokens_total{type="input"}'), 190)
          assert.strictEqual(yield* metric('nimbusguard_openai_tokens_total{type="output"}'), 10)
          assert.strictEqual(yield* metric('nimbusguard_openai_requests_total{result="answered"}'), 1)
          assert.closeTo((yield* metric("nimbusguard_openai_cost_total")) ?? 0, (190 * 2 + 10 * 4) / 1e6, 1e-12)
        }),
      { openaiInputPrice: 2, openaiOutputPrice: 4 }
    )
  )

  it.live("is asked once for the same question within five minutes", () =>
    against([good], ({ asked, bodies }) =>
      Effect.gen(function* () {
        yield* Effect.all([asked(), asked(), asked("another")], { concurrency: "unbounded" })
        yield* asked()
        assert.strictEqual(bodies.length, 2)
      })
    )
  )

  it.live("is asked anew after five minutes, although the wall clock was put back meanwhile", () =>
    Effect.gen(function* () {
      const real = yield* Clock.Clock
      const passed = { wallMillis: 0, steadyMillis: 0 }
      const currentTimeMillisUnsafe = () => real.currentTimeMillisUnsafe() + passed.wallMillis
      const monotonicTimeNanosUnsafe = () => real.monotonicTimeNanosUnsafe() + BigInt(passed.steadyMillis) * 1_000_000n
      const machine: Clock.Clock = {
        currentTimeMillisUnsafe,
        currentTimeMillis: Effect.sync(currentTimeMillisUnsafe),
        currentTimeNanosUnsafe: () => real.currentTimeNanosUnsafe(),
        currentTimeNanos: real.currentTimeNanos,
        monotonicTimeNanosUnsafe,
        monotonicTimeNanos: Effect.sync(monotonicTimeNanosUnsafe),
        sleep: (duration) => real.sleep(duration)
      }
      yield* against([good], ({ asked, bodies }) =>
        Effect.gen(function* () {
          yield* asked()
          passed.wallMillis -= 3_600_000
          yield* asked()
          assert.strictEqual(bodies.length, 1)
          passed.wallMillis += 300_000
          passed.steadyMillis += 300_000
          yield* asked()
          assert.strictEqual(bodies.length, 2)
        })
      ).pipe(Effect.provideService(Clock.Clock, machine))
    })
  )

  const METADATA = { location: "http://169.254.169.254/latest/meta-data/" }
  const refusal = { message: { role: "assistant", content: null, refusal: "I cannot help with that." } }
  it.live.each([
    ["a refusal", { body: completion("", {}, refusal) }, "Refused"],
    ["another shape", { body: completion({ pods: 4 }) }, "Malformed"],
    ["4,000 replicas where 100 are allowed", { body: completion({ replicas: 4000, note: null }) }, "Malformed"],
    ["prose", { body: completion("Scale to 4 replicas, please.") }, "Malformed"],
    ["an answer that ends early", { body: completion('{"replicas":', {}, { finish_reason: "length" }) }, "Malformed"],
    ["replicas as words", { body: completion({ replicas: "4", note: null }) }, "Malformed"],
    ["more than any number", { body: completion('{"replicas":1e999,"note":null}') }, "Malformed"],
    ["a call of a tool", { body: completion(null, {}, { message: { content: null, tool_calls: [{}] } }) }, "Malformed"],
    ["its own key", { body: completion(`{"replicas":4,"note":"\\u0073${KEY.slice(1)}"}`) }, "Malformed"],
    ["ten megabytes", { body: completion("x".repeat(10_000_000)) }, "Malformed"],
    ["what is packed", { headers: { "content-encoding": "gzip" }, body: "packed" }, "Malformed"],
    ["half of what was promised", { headers: { "content-length": "900" }, body: "{", cut: true }, "Unreachable"],
    ["a redirect to the machine's metadata", { status: 307, headers: METADATA, body: "" }, "Unreachable"],
    ["a gateway's page with the key", { status: 502, body: `<html>${KEY}</html>` }, "ServerError"],
    ["no choice at all", { body: completion({}, { choices: [] }) }, "Malformed"],
    ["a page of HTML", { body: "<html>gateway</html>" }, "Malformed"],
    ["half a stream", { body: completion({ replicas: 4 }).slice(0, 80), cut: true }, "Unreachable"],
    ["a bad key", { status: 401, body: limited }, "Unauthorized"],
    ["no such model", { status: 404, body: limited }, "Rejected"]
  ] as ReadonlyArray<readonly [string, Reply, string]>)("takes %s for no answer", ([, reply, want]) =>
    against([reply], ({ asked, metric }) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Effect.timeout(asked(), "25 seconds"))
        assert.strictEqual(error._tag === "OpenAiError" ? error.reason._tag : error._tag, want)
        assert.notInclude(error.message, KEY)
        assert.notInclude(error.message, PROMPT)
        if (want !== "Malformed") {
          assert.isAtLeast((yield* metric(`nimbusguard_openai_requests_total{result="${want}"}`)) ?? 0, 1)
        }
      })
    )
  )

  it.live("is tried again when it says when, and is then answered", () =>
    against(
      [{ status: 429, headers: { "retry-after": "0" }, body: limited }, { status: 503, body: "{}" }, good],
      ({ asked, bodies }) =>
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* asked(), { replicas: 4 })
          assert.strictEqual(bodies.length, 3)
        })
    )
  )

  it.live("is left alone by everybody for as long as a 429 says, in a storm of them", () =>
    against([{ status: 429, headers: { "retry-after": "120" }, body: limited }], ({ asked, bodies }) =>
      Effect.gen(function* () {
        for (const user of ["a", "b", "c", "d"]) assert.strictEqual(yield* reasonOf(asked(user)), "Throttled")
        assert.strictEqual(bodies.length, 1)
      })
    )
  )

  it.live("costs no more than its budget of the hour", () =>
    against(
      [good],
      ({ asked, bodies }) =>
        Effect.gen(function* () {
          yield* asked("a")
          yield* asked("b")
          assert.strictEqual(yield* reasonOf(asked("c")), "Budget")
          assert.strictEqual(bodies.length, 2)
        }),
      { openaiCallsPerHour: 2 }
    )
  )

  it.live("costs what it may where the server says a number of tokens that nobody can use", () =>
    against(
      [{ body: completion({ replicas: 4, note: null }, { usage: { prompt_tokens: 1e300, completion_tokens: -5 } }) }],
      ({ asked, metric }) =>
        Effect.gen(function* () {
          yield* asked("a")
          yield* asked("b")
          assert.strictEqual(yield* metric('nimbusguard_openai_tokens_total{type="input"}'), 0)
        })
    )
  )

  it.live("is not asked more than fits a question", () =>
    against([good], ({ asked }) =>
      Effect.map(reasonOf(asked("x".repeat(70_000))), (tag) => assert.strictEqual(tag, "TooLong"))
    )
  )

  it.effect("is given up after twenty of thirty seconds of silence", () =>
    against([{}], ({ asked, bodies }) =>
      Effect.gen(function* () {
        const asking = yield* Effect.forkChild(reasonOf(asked()))
        while (bodies.length === 0) yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
        yield* TestClock.adjust("30 seconds")
        assert.strictEqual(yield* Fiber.join(asking), "Timeout")
      })
    )
  )

  it.live("lets neither key nor prompt nor answer into spans and logs", () =>
    Effect.gen(function* () {
      const seen: Array<unknown> = []
      const tracer = Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          seen.push(span)
          return span
        }
      })
      const logger = Logger.make(({ cause, message }) => void seen.push({ message, cause: String(cause) }))
      const nasty: Reply = { body: completion({ replicas: "an answer that leaks" }) }
      const echo = { body: completion("no", { id: KEY, model: `m-${KEY}` }, { finish_reason: `${KEY} ${PROMPT}` }) }
      yield* against(
        [good, nasty, echo, { status: 429, headers: { "retry-after": "99" }, body: limited }],
        ({ asked }) =>
          Effect.all([asked(), Effect.result(asked("2")), Effect.result(asked("3")), Effect.result(asked("4"))])
      ).pipe(
        Effect.provideService(Tracer.Tracer, tracer),
        Effect.provide(Logger.layer([logger])),
        Effect.provide(Layer.succeed(References.MinimumLogLevel, "All"))
      )
      const spans = seen.filter((each): each is Tracer.NativeSpan => each instanceof Tracer.NativeSpan)
      const text = JSON.stringify([
        seen.filter((each) => !(each instanceof Tracer.NativeSpan)),
        spans.map(({ attributes, events, name }) => [name, [...attributes], events])
      ])
      for (const secret of [KEY, PROMPT, "an answer that leaks", "Rate limit reached"]) assert.notInclude(text, secret)
      const chat = spans.find(({ name }) => name === "chat gpt-4o-mini")
      assert.deepInclude(Object.fromEntries(chat?.attributes ?? []), {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
        "gen_ai.usage.input_tokens": 190,
        "gen_ai.usage.output_tokens": 10,
        "server.address": "127.0.0.1"
      })
      assert.strictEqual(chat?.kind, "client")
    })
  )

  it.live("is not there without a key", () =>
    against(
      [good],
      ({ asked, bodies }) =>
        Effect.gen(function* () {
          assert.strictEqual(yield* reasonOf(asked()), "NotConfigured")
          assert.strictEqual(bodies.length, 0)
        }),
      { openaiApiKey: undefined }
    )
  )
})

describe("Retry-After", () => {
  it("is seconds or a date, and no longer than an hour", () => {
    const now = Date.UTC(2026, 0, 1)
    assert.strictEqual(retryAfterMillis("7", now), 7000)
    assert.strictEqual(retryAfterMillis("Thu, 01 Jan 2026 00:00:09 GMT", now), 9000)
    assert.strictEqual(retryAfterMillis("Wed, 31 Dec 2025 00:00:09 GMT", now), 0)
    assert.strictEqual(retryAfterMillis("999999999", now), 3_600_000)
    assert.isUndefined(retryAfterMillis("soon", now))
    assert.isUndefined(retryAfterMillis(undefined, now))
  })
})
