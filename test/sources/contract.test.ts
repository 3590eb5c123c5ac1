import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import type { Signal } from "#schemas/Policy"
import type { MissingReason, Reading } from "#schemas/Reading"
import type { EgressReason } from "#services/Egress"
import type { KubernetesReason } from "#services/Kubernetes"
import type { Reply } from "#services/resp"
import { SourceError } from "#services/SourceError"
import { SOURCES } from "#sources/index"
import { simulated } from "#test/simulation/inSimulation"
import { consumer, int64, jsz, podMetrics, stream, timeSeries, vector } from "#test/sources/answers"
import { inTime, ok, refused, sampleIn, signal, SILENCE } from "#test/sources/sourceWorld"
import type { Behaviour, World } from "#test/sources/sourceWorld"

/** A source in front of a world in which all is well, and how to break that world. */
interface Case {
  readonly signal: Signal
  readonly healthy: unknown
  readonly value: number
  /** The world in which this body, or this behaviour, is the answer to everything. */
  readonly world: (answer: Behaviour) => Partial<World>
}

const overHttp = (answer: Behaviour): Partial<World> => ({ http: () => answer })

/** A Kubernetes API gives decoded JSON; what is not JSON is its port's Malformed. */
const overKubernetes = (answer: Behaviour): Partial<World> => ({
  kubernetes: () => {
    if (typeof answer === "string" || "fails" in answer) return refused({ _tag: "Unknown" })
    try {
      return JSON.parse(answer.body) as unknown
    } catch {
      return refused({ _tag: "Malformed" })
    }
  }
})

/** The body holds the reply to each command by its name; what is not JSON is its port's Malformed. */
const overRedis = (answer: Behaviour): Partial<World> => ({
  redis: (_, [command]) => {
    if (typeof answer === "string") return SILENCE
    const malformed = new SourceError({ why: "Malformed", detail: "Redis said something else. Check its port." })
    if ("fails" in answer) return malformed
    try {
      const replies = JSON.parse(answer.body) as Readonly<Record<string, Reply>> | null
      return replies?.[command] ?? null
    } catch {
      return malformed
    }
  }
})

/** The body holds what is committed and where the log ends, of one partition; what is not is its port's Malformed. */
const overKafka = (answer: Behaviour): Partial<World> => ({
  kafka: () => {
    const malformed = new SourceError({ why: "Malformed", detail: "Kafka said something else. Check its port." })
    if (answer === "hangs") return new SourceError({ why: "Timeout", detail: "Kafka did not answer. Look why." })
    if ("fails" in answer) return malformed
    const told = Schema.decodeUnknownResult(Schema.fromJsonString(KafkaAnswer))(answer.body)
    if (Result.isFailure(told)) return malformed
    const [committed, latest] = [BigInt(told.success.committed), BigInt(told.success.latest)]
    return [{ topic: "jobs", partition: 0, committed, earliest: 0n, latest, standsSince: 0, hasMoved: false }]
  }
})
const KafkaAnswer = Schema.Struct({ committed: Schema.Int, latest: Schema.Int })

const CASES: Readonly<Partial<Record<string, Case>>> = {
  prometheus: {
    signal: signal("prometheus", { ...(SOURCES.prometheus.example as object), reduce: "sum" }),
    healthy: vector("41.5", "0.5"),
    value: 42,
    world: overHttp
  },
  nats: {
    signal: signal("nats", SOURCES.nats.example),
    healthy: jsz([
      stream({
        name: "ORDERS",
        subjects: ["orders.>"],
        consumers: [consumer({ name: "workers", filter: "orders.processing", pending: 40, ackPending: 2 })]
      })
    ]),
    value: 42,
    world: overHttp
  },
  http: {
    signal: signal("http", { url: "https://billing.example.com/queue", jsonPointer: "/depth of queue" }),
    healthy: { "depth of queue": "42", at: "noon" },
    value: 42,
    world: overHttp
  },
  pubsub: {
    // Without credentials, as an emulator is asked: one request, and its answer.
    signal: signal("pubsub", {
      projectId: "my-project",
      subscriptionId: "my-subscription",
      endpoint: "http://emulator:8085"
    }),
    healthy: { timeSeries: [timeSeries([{ agoMillis: 0, value: int64(42) }])], unit: "1" },
    value: 42,
    world: overHttp
  },
  kafka: {
    signal: signal("kafka", SOURCES.kafka.example),
    healthy: { committed: 58, latest: 100 },
    value: 42,
    world: overKafka
  },
  redis: {
    signal: signal("redis", { host: "redis", queueName: "jobs" }),
    healthy: { TYPE: "list", LLEN: 42 },
    value: 42,
    world: overRedis
  },
  resource: {
    signal: signal("resource", SOURCES.resource.example, { target: { type: "Utilization", milli: 70 } }),
    healthy: podMetrics({ "web-1": { cpu: "250m" }, "web-2": { cpu: "170000000n" } }),
    value: 42,
    world: overKubernetes
  }
}

const built = Object.values(SOURCES).filter((source) => source.built)

const expectMissing = (reading: Reading, why: MissingReason, what = "") => {
  assert.strictEqual(reading._tag, "Missing", `${what} ${JSON.stringify(reading)}`)
  if (reading._tag !== "Missing") return
  assert.strictEqual(reading.why, why, `${what} ${reading.detail}`)
  assert.match(reading.detail, /\. [A-Z].+\.$/su, "says what to do")
}

describe.each(built.map(({ name }) => ({ name })))("the source $name", ({ name }) => {
  const one = CASES[name]
  if (one === undefined) throw new Error(`CASES has no world for ${name}`)
  const body = JSON.stringify(one.healthy)
  const read = (answer: Behaviour) => inTime(sampleIn(one.world(answer), one.signal))

  it.effect("measures where all is well", () =>
    Effect.gen(function* () {
      const reading = yield* read(ok(one.healthy))
      assert.strictEqual(reading._tag, "Measured", JSON.stringify(reading))
      if (reading._tag !== "Measured") return
      assert.strictEqual(reading.value, one.value)
      assert.strictEqual(reading.coverage, 1)
    })
  )

  it.effect("takes nothing else that parses for an answer", () =>
    Effect.forEach(
      ["null", "[]", "{}", "42", '"42"', "true", '{"status":"success"}', '[{"value":42}]', '{"items":42}'],
      (text) =>
        Effect.map(read(ok(text)), (reading) => {
          assert.strictEqual(reading._tag, "Missing", `${text} ${JSON.stringify(reading)}`)
        })
    )
  )

  it.effect("takes no text for an answer: an empty body, a page, a number", () =>
    Effect.forEach(["", " ", "<html>42</html>", "42 ", "NaN", "up 42", "\u0000"], (text) =>
      Effect.map(read(ok(text)), (reading) => expectMissing(reading, "Malformed", text))
    )
  )

  it.effect("takes no beginning of an answer for the answer", () =>
    Effect.forEach(
      Array.from({ length: body.length }, (_, length) => length),
      (length) =>
        Effect.map(read(ok(body.slice(0, length))), (reading) => expectMissing(reading, "Malformed", String(length)))
    )
  )

  it.effect.prop(
    "gives no number for arbitrary JSON",
    [Schema.Json],
    ([json]) =>
      Effect.map(read(ok(json)), (reading) => {
        assert.notStrictEqual(reading._tag, "Measured")
      }),
    { arbitrary: { runs: 100 } }
  )

  simulated(
    "gives the same answer in every order of things, and leaves nothing running",
    Effect.gen(function* () {
      const samples = Array.from({ length: 5 }, () => sampleIn(one.world(ok(one.healthy)), one.signal))
      const readings = yield* Effect.all([...samples, sampleIn(one.world("hangs"), one.signal)], {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(
        readings.map((reading) => (reading._tag === "Measured" ? reading.value : reading._tag)),
        [...samples.map(() => one.value), "Missing"]
      )
    })
  )

  it.effect("names every way in which a system stays silent", () =>
    Effect.map(read("hangs"), (reading) => expectMissing(reading, "Timeout"))
  )
})

describe("every source that is asked over HTTP", () => {
  const overHttpOnly = ["prometheus", "nats", "http"].flatMap((name) => CASES[name] ?? [])
  const statuses: ReadonlyArray<readonly [number, MissingReason]> = [
    [204, "Malformed"],
    [301, "HttpStatus"],
    [400, "HttpStatus"],
    [401, "Unauthorized"],
    [403, "Forbidden"],
    [404, "NotFound"],
    [405, "HttpStatus"],
    [418, "HttpStatus"],
    [429, "Throttled"],
    [500, "HttpStatus"],
    [502, "HttpStatus"],
    [503, "HttpStatus"]
  ]

  it.effect.each(statuses)("has no number for HTTP %s, whatever its body says", ([status, why]) =>
    Effect.forEach(overHttpOnly, (one) =>
      Effect.gen(function* () {
        const empty = yield* inTime(sampleIn(one.world({ status, body: "" }), one.signal))
        if (status === 204) assert.strictEqual(empty._tag, "Missing")
        else expectMissing(empty, why, one.signal.source)
        const full = yield* inTime(sampleIn(one.world({ status, body: JSON.stringify(one.healthy) }), one.signal))
        if (status > 204) expectMissing(full, why, one.signal.source)
      })
    )
  )

  const failures: ReadonlyArray<EgressReason> = [
    { _tag: "BadOptions" },
    { _tag: "Blocked", rule: "Metadata" },
    { _tag: "Unreachable" },
    { _tag: "Timeout" },
    { _tag: "TooLarge" },
    { _tag: "Malformed" },
    { _tag: "HttpStatus", status: 302 }
  ]

  it.effect.each(failures)("passes on %j as what it is", (fails) =>
    Effect.forEach(overHttpOnly, (one) =>
      Effect.map(inTime(sampleIn(one.world({ fails }), one.signal)), (reading) => expectMissing(reading, fails._tag))
    )
  )

  it.effect("looks up its credentials, and says which Secret is missing", () =>
    Effect.forEach(overHttpOnly, (one) =>
      Effect.gen(function* () {
        const options = { ...(one.signal.options as object), bearerSecret: { name: "token", key: "value" } }
        const reading = yield* inTime(sampleIn(one.world(ok(one.healthy)), { ...one.signal, options }))
        expectMissing(reading, "NoSecret")
        assert.include(JSON.stringify(reading), "shop/token")
      })
    )
  )
})

describe("every source that is asked of Kubernetes", () => {
  const failures: ReadonlyArray<readonly [KubernetesReason, MissingReason]> = [
    [{ _tag: "NotFound" }, "NotFound"],
    [{ _tag: "Forbidden" }, "Forbidden"],
    [{ _tag: "Unauthorized" }, "Unauthorized"],
    [{ _tag: "Throttled", retryAfterMillis: 1000 }, "Throttled"],
    [{ _tag: "ServerError", status: 503 }, "HttpStatus"],
    [{ _tag: "Unreachable" }, "Unreachable"],
    [{ _tag: "Unknown" }, "Timeout"],
    [{ _tag: "Malformed" }, "Malformed"],
    [{ _tag: "Invalid" }, "Malformed"],
    [{ _tag: "Gone" }, "Unreachable"]
  ]

  it.effect.each(failures)("has no number for %j", ([reason, why]) =>
    Effect.map(
      inTime(sampleIn({ kubernetes: () => refused(reason) }, CASES["resource"]?.signal ?? signal("", {}))),
      (reading) => expectMissing(reading, why)
    )
  )
})

describe("every source that is not built yet", () => {
  it.effect("says so, and that nothing is lowered meanwhile", () =>
    Effect.forEach(
      Object.values(SOURCES).filter((source) => !source.built),
      (source) =>
        Effect.map(inTime(sampleIn({}, signal(source.name, source.example))), (reading) => {
          expectMissing(reading, "NotBuilt")
          assert.include(JSON.stringify(reading), `${source.name} is not in this version yet`)
        })
    )
  )
})
