import { Clock, Effect, Layer, Option, Result, Stream } from "effect"
import { assert, describe } from "vitest"
import type { Policy, Signal } from "#schemas/Policy"
import { measured, missing, type Reading } from "#schemas/Reading"
import type { TargetState } from "#schemas/Observation"
import { KubernetesError, type KubernetesReason } from "#services/Kubernetes"
import { Metrics } from "#services/Metrics"
import type { BoundPolicy } from "#operator/bind"
import { Health } from "#operator/Health"
import { observe, resolveTargets } from "#operator/observe"
import { Ownership } from "#operator/Ownership"
import { Workloads } from "#operator/Workloads"
import { deployment, policyOf, refOf, state } from "#test/operator/records"
import { simulated } from "#test/simulation/inSimulation"

const web = deployment("web")
const [stub] = policyOf("a").signals as readonly [Signal]

const boundTo = (
  samples: Readonly<Record<string, Effect.Effect<Reading>>>,
  over: Partial<Policy> = {},
  role: Signal["role"] = "demand"
): BoundPolicy => ({
  policy: policyOf("a", { targets: { _tag: "Ref", target: web }, ...over }),
  signals: Object.entries(samples).map(([name, sample]) => ({
    signal: { ...stub, name, ...(role === undefined ? {} : { role }) },
    built: true,
    sample: () => sample
  })),
  engines: [],
  findings: []
})

const workloads = (states: Effect.Effect<Option.Option<TargetState>, KubernetesError>) =>
  Layer.succeed(Workloads, {
    refresh: Effect.void,
    state: () => states,
    pods: () => Effect.succeed([]),
    matching: (namespace, labels) =>
      Effect.succeed(
        Array.from({ length: Number(labels["count"]) }, (_, index) => deployment(`web-${index}`, namespace))
      ),
    changes: Stream.empty,
    synced: Effect.void,
    troubles: Effect.succeed([])
  })

const there = Effect.succeed(Option.some(state(3)))

const observed = (bound: BoundPolicy, states = there, ownership = new Ownership()) =>
  observe({ bound, target: web, ownership }).pipe(
    Effect.provide(Layer.mergeAll(Health.layer, workloads(states)).pipe(Layer.provideMerge(Metrics.layerNone)))
  )

const failing = (reason: KubernetesReason) =>
  Effect.fail(new KubernetesError({ request: "GET /x", reason, detail: "in the server's words" }))

const readingsOf = (result: Effect.Success<ReturnType<typeof observed>>) =>
  Object.fromEntries(
    Result.getOrThrow(result).readings.map(({ reading, signal }) => [
      signal,
      reading._tag === "Missing" ? reading.why : reading._tag
    ])
  )

describe("observe", () => {
  simulated(
    "reads all signals at once, each within its own deadline: one that hangs costs only itself",
    Effect.gen(function* () {
      const start = yield* Clock.currentTimeMillis
      const slow = Effect.delay(Effect.succeed(measured(1, 0)), "4 seconds")
      const samples = { fast: Effect.succeed(measured(2, 0)), slow, slower: slow, never: Effect.never }
      const result = yield* observed(boundTo(samples))
      assert.deepStrictEqual(readingsOf(result), {
        fast: "Measured",
        slow: "Measured",
        slower: "Measured",
        never: "Timeout"
      })
      assert.strictEqual((yield* Clock.currentTimeMillis) - start, 10_000)
      const hasty = yield* observed(boundTo({ never: Effect.never }, { intervalMillis: 2_000 }))
      assert.strictEqual(Result.getOrThrow(hasty).at - start, 12_000)
    }),
    { seeds: 10 }
  )

  simulated(
    "lets no number through that is none",
    Effect.gen(function* () {
      const value = (number: number) => Effect.succeed<Reading>({ ...measured(0, 0), value: number })
      const samples = { nan: value(Number.NaN), infinite: value(Infinity), negative: value(-1), zero: value(0) }
      assert.deepStrictEqual(readingsOf(yield* observed(boundTo(samples, {}, "backlog"))), {
        nan: "NotANumber",
        infinite: "NotANumber",
        negative: "Negative",
        zero: "Measured"
      })
      const below = yield* observed(boundTo({ negative: value(-1) }, {}, "demand"))
      assert.deepStrictEqual(readingsOf(below), { negative: "Negative" })
    })
  )

  simulated(
    "takes the replicas as they are after the readings",
    Effect.gen(function* () {
      let replicas = 3
      const states = Effect.sync(() => Option.some(state(replicas)))
      const slow = Effect.sync(() => {
        replicas = 9
        return measured(1, 0)
      })
      const result = yield* observed(boundTo({ slow }), states)
      assert.strictEqual(Result.getOrThrow(result).state.specReplicas, 9)
    })
  )

  simulated(
    "says why a target cannot be observed, and whether a person has to do something",
    Effect.gen(function* () {
      const bound = boundTo({ load: Effect.succeed(missing("Empty", "")) })
      const table: ReadonlyArray<readonly [typeof there | ReturnType<typeof failing>, string, boolean]> = [
        [Effect.succeed(Option.none()), "TargetNotFound", true],
        [failing({ _tag: "NotFound" }), "TargetNotFound", true],
        [failing({ _tag: "Invalid" }), "InvalidTarget", true],
        [failing({ _tag: "Forbidden" }), "Forbidden", true],
        [failing({ _tag: "Unreachable" }), "TargetUnreadable", false],
        [failing({ _tag: "ServerError", status: 500 }), "TargetUnreadable", false]
      ]
      for (const [states, reason, lasting] of table) {
        const result = yield* observed(bound, states as typeof there)
        if (Result.isSuccess(result)) return assert.fail("there is no target")
        assert.deepInclude(result.failure, { reason, lasting })
        assert.isNotEmpty(result.failure.message)
      }
    })
  )

  simulated(
    "sees an older policy on the same target as a conflict, before any other autoscaler",
    Effect.gen(function* () {
      const hpa = { reason: "OtherAutoscaler" as const, message: "An HPA." }
      const states = Effect.succeed(Option.some(state(3, { conflict: hpa })))
      const bound = boundTo({})
      const ownership = new Ownership()
      ownership.claim(bound.policy.ref, [web])
      const alone = Result.getOrThrow(yield* observed(bound, states, ownership))
      assert.strictEqual(alone.state.conflict?.reason, "OtherAutoscaler")
      ownership.claim(refOf("elder", { createdAt: -1 }), [web])
      const second = Result.getOrThrow(yield* observed(bound, states, ownership))
      assert.strictEqual(second.state.conflict?.reason, "AlreadyManaged")
      assert.include(second.state.conflict?.message, "shop/elder")
    })
  )

  simulated(
    "selects by labels up to the limit, and says what to change beyond it or without a match",
    Effect.gen(function* () {
      const selecting = (count: number) =>
        resolveTargets(
          policyOf("a", { targets: { _tag: "Labels", namespace: "shop", labels: { count: String(count) }, limit: 20 } })
        ).pipe(Effect.provide(workloads(there)))
      assert.strictEqual((yield* selecting(20)).claimed.length, 20)
      const many = yield* selecting(21)
      assert.deepStrictEqual([many.claimed.length, many.refusals[0]?.reason], [0, "TooManyTargets"])
      const none = yield* selecting(0)
      assert.deepStrictEqual([none.trouble?.reason, none.trouble?.lasting], ["TargetNotFound", true])
      assert.include(none.trouble?.message, "count=0")
    })
  )
})
