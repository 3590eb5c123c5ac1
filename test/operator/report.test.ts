import { Effect, Layer } from "effect"
import { assert, describe } from "vitest"
import type { DecisionRecord } from "#schemas/Decision"
import { missing } from "#schemas/Reading"
import type { Status } from "#schemas/Status"
import type { Facts } from "#operator/Facts"
import { Ledger } from "#operator/Ledger"
import { report, Reported } from "#operator/report"
import { Metrics } from "#services/Metrics"
import { AT, facts, scaled, target } from "#test/operator/factsOf"
import { leaderWhile } from "#test/operator/leaders"
import { refOf } from "#test/operator/records"
import { FaultyApi } from "#test/worlds/FaultyApi"
import { textAt } from "#cluster/api/json"
import { makeWorld, running } from "#test/operator/operatorWorld"
import { simulated } from "#test/simulation/inSimulation"

/** One policy's reporter over an API server that holds the policy. */
const reporting = Effect.fnUntraced(function* (mayAct: () => boolean) {
  const api = yield* FaultyApi.make()
  const made = api.create({
    apiVersion: "nimbusguard.io/v1",
    kind: "ScalingPolicy",
    metadata: { name: "a", namespace: "shop" },
    spec: {}
  })
  const ref = refOf("a", { uid: (made["metadata"] as { uid: string }).uid })
  const reported = new Reported(undefined)
  const layer = Ledger.layer.pipe(
    Layer.provideMerge(Layer.mergeAll(api.layer(), Metrics.layerNone, leaderWhile(mayAct)))
  )
  const context = yield* Layer.build(layer)
  return {
    api,
    tell: (given: Facts, fresh: ReadonlyArray<DecisionRecord> = []) =>
      Effect.provideContext(report(reported, { ...given, ref }, fresh), context),
    writes: () => api.calls.filter(({ path }) => path.endsWith("/status")).length,
    events: () => api.events("shop").map((event) => textAt(event, "reason"))
  }
})

describe("report", () => {
  simulated(
    "loses no decision when the status cannot be written",
    Effect.gen(function* () {
      const world = yield* makeWorld
      world.deploy("web", 2)
      world.policy("web")
      world.load("web", 5)
      const heal = world.api.fault(({ path }) =>
        path.endsWith("/status") ? { kind: "refuse", status: 500 } : undefined
      )
      yield* running(
        world,
        Effect.gen(function* () {
          yield* Effect.sleep("1 minute")
          assert.strictEqual(world.replicas("web"), 5)
          assert.isUndefined(world.status("web").phase)
          heal()
          yield* Effect.sleep("20 seconds")
          const { commitments, decisions, lastScalingTime } = world.status("web")
          assert.deepInclude(commitments?.[0], { target: "Deployment/web", lastWritten: 5 })
          assert.isString(lastScalingTime)
          assert.isTrue(decisions?.some(({ outcome }) => outcome === "Scaled"))
        })
      )
    }),
    { seeds: 3 }
  )

  simulated(
    "writes a status only when its meaning changes, and refreshes the rest within some minutes",
    Effect.gen(function* () {
      const { api, tell, writes } = yield* reporting(() => true)
      const quiet = facts()
      yield* tell(quiet)
      assert.strictEqual(writes(), 1)
      for (let tick = 1; tick <= 19; tick++) yield* tell({ ...quiet, at: AT + tick * 15_000 })
      assert.strictEqual(writes(), 1)
      for (let tick = 20; tick <= 27; tick++) yield* tell({ ...quiet, at: AT + tick * 15_000 })
      assert.strictEqual(writes(), 2)
      yield* tell({ ...quiet, at: AT + 28 * 15_000, targets: [target({ decision: { desired: 9 } })] })
      assert.strictEqual(writes(), 3)
      const status = api.get("ScalingPolicy", "shop", "a")["status"] as Status
      assert.strictEqual(status.targetReplicas, 9)
    }),
    { seeds: 20 }
  )

  simulated(
    "tells the API server nothing outside the act window, and everything when it may again",
    Effect.gen(function* () {
      let mayAct = false
      const { events, tell, writes } = yield* reporting(() => mayAct)
      const bad = { ...facts(), targets: [target({ reading: missing("Timeout", "No answer.") })] }
      yield* tell(bad)
      assert.deepStrictEqual([writes(), events()], [0, []])
      mayAct = true
      yield* tell({ ...bad, at: AT + 15_000 })
      assert.deepStrictEqual([writes(), events()], [1, ["MetricError"]])
    })
  )

  simulated(
    "leaves an API server alone for as long as it asks, and then says what is true by then",
    Effect.gen(function* () {
      const { api, tell, writes } = yield* reporting(() => true)
      const heal = api.fault(() => ({ kind: "refuse", status: 429, retryAfterSeconds: 30 }))
      yield* tell(facts())
      assert.strictEqual(writes(), 1)
      heal()
      yield* Effect.sleep("15 seconds")
      yield* tell({ ...facts(), at: AT + 15_000 })
      assert.strictEqual(writes(), 1)
      yield* Effect.sleep("15 seconds")
      yield* tell({ ...facts(), at: AT + 30_000, targets: [target({ decision: { desired: 9 } })] })
      assert.strictEqual(writes(), 2)
      assert.strictEqual((api.get("ScalingPolicy", "shop", "a")["status"] as Status).targetReplicas, 9)
    })
  )

  simulated(
    "makes an event of a flapping cause once in a while, and of scaling every time",
    Effect.gen(function* () {
      const { events, tell } = yield* reporting(() => true)
      const bad = [target({ reading: missing("Timeout", "No answer.") })]
      for (let tick = 0; tick < 20; tick++) {
        yield* tell({ ...facts(), at: AT + tick * 15_000, ...(tick % 2 === 0 ? { targets: bad } : {}) })
      }
      assert.deepStrictEqual(events(), ["MetricError"])
      const up = target({ outcome: scaled })
      for (let tick = 20; tick < 23; tick++) {
        const record = up.record === undefined ? [] : [{ ...up.record, id: `a/${tick}` }]
        yield* tell({ ...facts(), at: AT + tick * 15_000, targets: [up] }, record)
      }
      const counts = events().filter((reason) => reason === "ScaledUp").length
      assert.isAtLeast(counts, 1)
    }),
    { seeds: 5 }
  )
})
