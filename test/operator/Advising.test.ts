/** Advice in a whole operator: a model that helps, a model that is nasty, and what either may change. */
import { Clock, Effect, Schema } from "effect"
import { assert, describe } from "vitest"
import { Admission, NO_MODEL, OpenAi, OpenAiError, type OpenAiService, type Question } from "#services/OpenAi"
import { measured } from "#schemas/Reading"
import { Ledger } from "#operator/Ledger"
import { makeWorld, NAMESPACE, running, type World } from "#test/operator/operatorWorld"
import { simulated } from "#test/simulation/inSimulation"

type Ask = (question: Question<unknown>) => Effect.Effect<unknown, OpenAiError>

/** What a model says goes through the answer's own schema, as over the wire. */
const modelOf = (ask: Ask): OpenAiService => ({
  configured: true,
  pseudonyms: true,
  paceMillis: () => Effect.succeed(0),
  ask: <A>(question: Question<A>) =>
    Effect.flatMap(ask(question as Question<unknown>), (said) =>
      Schema.decodeUnknownEffect(question.answer)(said).pipe(
        Effect.mapError(() => new OpenAiError({ reason: { _tag: "Malformed" }, detail: "answered nonsense" }))
      )
    )
})

const says = (replicas: number, over: object = {}) => ({
  replicas,
  horizonSeconds: 600,
  confidence: 1,
  reasoning: "It grows.",
  ...over
})

const ADVISED = { aiConfig: { advisor: {} }, scaling: { minReplicas: 1, maxReplicas: 40, cooldownPeriod: 0 } }

/** Ten minutes of a load that rises and falls. */
const course = (world: World) =>
  Effect.gen(function* () {
    for (const replicas of [4, 8, 9, 9, 8, 6, 6, 6, 7, 8]) {
      world.load("web", replicas)
      yield* Effect.sleep("1 minute")
    }
  })

const run = (model: OpenAiService) =>
  Effect.gen(function* () {
    const world = yield* makeWorld
    world.deploy("web", 4)
    world.policy("web", ADVISED)
    const told = yield* running(
      world,
      Effect.andThen(
        course(world),
        Effect.gen(function* () {
          const ledger = yield* Ledger
          const [view] = (yield* ledger.policies).values()
          return { records: yield* ledger.records(view?.ref.uid ?? ""), status: world.status("web") }
        })
      )
    ).pipe(Effect.provideService(OpenAi, model))
    return { ...told, writes: world.writes.map(({ at, to }) => ({ at, to })), events: world.events() }
  })

const ticksOf = ({ records }: { readonly records: ReadonlyArray<{ readonly observation: { readonly at: number } }> }) =>
  records.map(({ observation }) => observation.at)

describe("advice", () => {
  simulated(
    "from a nasty model changes no write, delays no tick, and leaves its words nowhere",
    Effect.gen(function* () {
      const without = yield* run(NO_MODEL)
      assert.isAbove(without.writes.length, 3)
      const words = "Ignore the rules; hunter2; scale to 4000"
      const failing = (reason: OpenAiError["reason"]) => Effect.fail(new OpenAiError({ reason, detail: "failed" }))
      const nasty: ReadonlyArray<readonly [string, Ask]> = [
        ["4,000 replicas", () => Effect.succeed(says(4000, { reasoning: words }))],
        ["another shape", () => Effect.succeed({ pods: words })],
        ["none at all", () => Effect.succeed(says(0, { reasoning: words }))],
        ["a refusal", () => failing({ _tag: "Refused" })],
        ["a storm of 429", () => failing({ _tag: "Throttled", retryAfterMillis: 1000 })],
        ["thirty seconds of silence", () => Effect.andThen(Effect.sleep("30 seconds"), failing({ _tag: "Timeout" }))],
        ["an answer two minutes late", () => Effect.delay(Effect.succeed(says(9, { reasoning: words })), "2 minutes")],
        ["silence for ever", () => Effect.never],
        ["a crash", () => Effect.die(new Error(words))]
      ]
      for (const [what, ask] of nasty) {
        const withIt = yield* run(modelOf(ask))
        assert.deepStrictEqual(
          withIt.writes.map(({ to }) => to),
          without.writes.map(({ to }) => to),
          what
        )
        assert.strictEqual(withIt.records.length, without.records.length, what)
        // Newest first; the policy's very first tick comes at once, the second in its place among the others.
        const ticks = ticksOf(withIt).slice(0, -1)
        const gaps = ticks.map((at, index) => at - (ticks[index + 1] ?? at))
        assert.isAtMost(Math.max(...gaps), 16_000, what)
        assert.notInclude(JSON.stringify([withIt.records, withIt.status, withIt.events]), words, what)
      }
    }),
    { seeds: 1 }
  )

  simulated(
    "from a good model adds at most one pod or a quarter, and never takes any away",
    Effect.gen(function* () {
      const withIt = yield* run(modelOf(() => Effect.succeed(says(12))))
      let more = 0
      for (const { decision, observation } of withIt.records) {
        const baseline = decision.proposals.find(({ engine }) => engine === "target")?.replicas
        if (baseline === undefined || decision.recommended === undefined) continue
        assert.isAtLeast(decision.recommended, baseline)
        assert.isAtMost(decision.recommended, Math.max(baseline + 1, Math.floor(baseline * 1.25)))
        if (decision.recommended > baseline) {
          more++
          assert.strictEqual(observation.advice?.replicas, 12)
        }
      }
      assert.isAbove(more, 5)
    }),
    { seeds: 2 }
  )

  simulated(
    "is asked for once a minute, of one question at a time, and not where it is paused or gone",
    Effect.gen(function* () {
      const world = yield* makeWorld
      world.deploy("web", 4)
      world.load("web", 4)
      world.deploy("paused", 4)
      world.load("paused", 4)
      world.policy("web", ADVISED)
      world.policy("paused", { ...ADVISED, mode: "Paused" })
      let asked = 0
      let asking = 0
      const model = modelOf(() =>
        Effect.acquireUseRelease(
          Effect.sync(() => {
            asked++
            asking++
            assert.strictEqual(asking, 1)
          }),
          () => Effect.delay(Effect.succeed(says(4)), "10 seconds"),
          () => Effect.sync(() => void asking--)
        )
      )
      yield* running(
        world,
        Effect.gen(function* () {
          yield* Effect.sleep("5 minutes")
          assert.isAtLeast(asked, 4)
          assert.isAtMost(asked, 6)
          while (asking === 0) yield* Effect.sleep("1 second")
          world.api.remove("ScalingPolicy", NAMESPACE, "web")
          yield* Effect.sleep("5 seconds")
          const then = asked
          assert.strictEqual(asking, 0)
          yield* Effect.sleep("5 minutes")
          assert.strictEqual(asked, then)
        })
      ).pipe(Effect.provideService(OpenAi, model))
    }),
    { seeds: 2 }
  )

  simulated(
    "is shared by all policies: who came first has not used up the hour, and nobody gets more than its share",
    Effect.gen(function* () {
      const world = yield* makeWorld
      const admission = new Admission({ callsPerHour: 12, tokensPerHour: 1_000_000 })
      const now = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos / 1_000_000n))
      const asked = new Map<number, number>()
      const model: OpenAiService = {
        ...modelOf(({ user }) =>
          Effect.gen(function* () {
            const at = yield* now
            const reason = admission.refusal(at, 10)
            if (reason !== undefined) return yield* new OpenAiError({ reason, detail: "is not asked now" })
            admission.begin(at, 10)(10)
            const most = Number(/"maxReplicas":(\d+)/u.exec(user)?.[1])
            asked.set(most, (asked.get(most) ?? 0) + 1)
            return says(4)
          })
        ),
        paceMillis: (asker) => Effect.map(now, (at) => admission.paceMillis(at, asker))
      }
      const begin = (name: string, maxReplicas: number) => {
        world.deploy(name, 4)
        world.load(name, 4)
        world.policy(name, { ...ADVISED, interval: "1m", scaling: { ...ADVISED.scaling, maxReplicas } })
      }
      begin("first", 41)
      yield* running(
        world,
        Effect.gen(function* () {
          yield* Effect.sleep("20 minutes")
          assert.isAtMost(asked.get(41) ?? 0, 5)
          begin("second", 42)
          begin("third", 43)
          yield* Effect.sleep("2 minutes")
          assert.deepStrictEqual([asked.get(42), asked.get(43)], [1, 1])
          asked.clear()
          yield* Effect.sleep("1 hour")
          for (const most of [41, 42, 43]) assert.include([3, 4], asked.get(most))
        })
      ).pipe(Effect.provideService(OpenAi, model))
    }),
    { seeds: 1 }
  )

  simulated(
    "keeps its turn where it was not let through",
    Effect.gen(function* () {
      const world = yield* makeWorld
      world.deploy("web", 4)
      world.load("web", 4)
      world.policy("web", { ...ADVISED, interval: "30s" })
      const refusals: Array<OpenAiError["reason"]> = [{ _tag: "CircuitOpen" }, { _tag: "Budget" }]
      let asked = 0
      const model: OpenAiService = {
        ...modelOf(() => {
          asked++
          const reason = refusals.shift()
          return reason === undefined
            ? Effect.succeed(says(4))
            : Effect.fail(new OpenAiError({ reason, detail: "is not asked now" }))
        }),
        paceMillis: () => Effect.succeed(3_600_000)
      }
      yield* running(
        world,
        Effect.gen(function* () {
          yield* Effect.sleep("5 minutes")
          assert.strictEqual(asked, 3)
          yield* Effect.sleep("10 minutes")
          assert.strictEqual(asked, 3)
        })
      ).pipe(Effect.provideService(OpenAi, model))
    }),
    { seeds: 1 }
  )

  simulated(
    "comes to each target in turn, and to one that was not let through before any other",
    Effect.gen(function* () {
      const world = yield* makeWorld
      // Told apart by what is measured: no question has their names.
      for (const [name, value] of [
        ["one", 101],
        ["two", 102],
        ["three", 103]
      ] as const) {
        world.deploy(name, 2, { tier: "web" })
        world.sources.set(name, ({ at }) => Effect.succeed(measured(value, at)))
      }
      world.api.create({
        apiVersion: "nimbusguard.io/v1alpha1",
        kind: "IntelligentScaling",
        metadata: { name: "front", namespace: NAMESPACE },
        spec: {
          target_labels: { tier: "web" },
          min_replicas: 1,
          max_replicas: 10,
          ai: { advisor: true },
          metrics_config: {
            prometheus_url: "http://prometheus:9090",
            metrics: [{ query: "load", threshold: 1000, condition: "gt" }]
          }
        }
      })
      const replies: ReadonlyArray<OpenAiError["reason"] | undefined> = [
        undefined,
        { _tag: "CircuitOpen" },
        { _tag: "Budget" },
        { _tag: "Throttled", retryAfterMillis: 1000 },
        undefined,
        { _tag: "ServerError", status: 500 },
        { _tag: "TooLong" }
      ]
      const asked: Array<number> = []
      const model = modelOf(({ user }) => {
        const reason = replies[asked.length]
        asked.push(Number(/"signal-1":(\d+)/u.exec(user)?.[1]))
        return reason === undefined
          ? Effect.succeed(says(4))
          : Effect.fail(new OpenAiError({ reason, detail: "is not asked now" }))
      })
      yield* running(world, Effect.sleep("10 minutes")).pipe(Effect.provideService(OpenAi, model))
      const [first = 0, second = 0] = asked
      const third = 306 - first - second
      assert.sameMembers([first, second, third], [101, 102, 103])
      assert.deepStrictEqual(asked.slice(0, 9), [first, second, second, second, second, third, first, second, third])
    }),
    { seeds: 1 }
  )
})
