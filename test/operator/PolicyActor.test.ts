import { Effect } from "effect"
import { assert, describe } from "vitest"
import { measured, missing } from "#schemas/Reading"
import { Health } from "#operator/Health"
import { Supervisor } from "#operator/Supervisor"
import { makeWorld, NAMESPACE, PER_REPLICA, running } from "#test/operator/operatorWorld"
import { simulated } from "#test/simulation/inSimulation"

describe("an actor", () => {
  simulated(
    "says which target is not there, and goes on at once when it appears",
    Effect.gen(function* () {
      const world = yield* makeWorld
      world.policy("web", { interval: "5m" })
      world.load("web", 4)
      yield* running(
        world,
        Effect.gen(function* () {
          yield* Effect.sleep("30 seconds")
          const ready = world.condition("web", "Ready")
          assert.deepInclude(ready, { status: "False", reason: "TargetNotFound" })
          assert.include(ready?.message, "Deployment/web")
          assert.strictEqual(world.status("web").phase, "Error")
          world.deploy("web", 1)
          yield* Effect.sleep("5 seconds")
          assert.strictEqual(world.replicas("web"), 4)
          yield* Effect.sleep("5 seconds")
          assert.strictEqual(world.condition("web", "Ready")?.status, "True")
          world.api.remove("Deployment", NAMESPACE, "web")
          yield* Effect.sleep("5 seconds")
          assert.strictEqual(world.condition("web", "Ready")?.reason, "TargetNotFound")
        })
      )
    }),
    { seeds: 5 }
  )

  simulated(
    "obeys a changed spec at once, in the same actor",
    Effect.gen(function* () {
      const world = yield* makeWorld
      world.deploy("web", 2)
      world.policy("web", { interval: "10m" })
      world.load("web", 2)
      yield* running(
        world,
        Effect.gen(function* () {
          yield* Effect.sleep("30 seconds")
          world.api.patch("ScalingPolicy", NAMESPACE, "web", { spec: { scaling: { minReplicas: 6 } } })
          yield* Effect.sleep("2 seconds")
          assert.strictEqual(world.replicas("web"), 6)
          assert.strictEqual(yield* (yield* Supervisor).size, 1)
          yield* Effect.sleep("2 seconds")
          assert.strictEqual(world.status("web").observedGeneration, 2)
        })
      )
    }),
    { seeds: 10 }
  )

  simulated(
    "does not write what it decided on an older spec when the spec changes in mid-tick",
    Effect.gen(function* () {
      const world = yield* makeWorld
      world.deploy("web", 2)
      world.policy("web")
      world.sources.set("web", ({ at }) => Effect.delay(Effect.succeed(measured(9 * PER_REPLICA, at)), "4 seconds"))
      yield* running(
        world,
        Effect.gen(function* () {
          yield* Effect.sleep("2 seconds")
          world.api.patch("ScalingPolicy", NAMESPACE, "web", { spec: { mode: "Recommend" } })
          yield* Effect.sleep("2 minutes")
          assert.deepStrictEqual(world.writes, [])
          assert.deepInclude(world.condition("web", "ScalingActive"), { status: "False", reason: "Recommend" })
          assert.deepInclude(world.status("web"), { recommendedReplicas: 9, currentReplicas: 2 })
        })
      )
    }),
    { seeds: 10 }
  )

  simulated(
    "writes nothing while paused, and takes up where it was when resumed",
    Effect.gen(function* () {
      const world = yield* makeWorld
      world.deploy("web", 2)
      world.policy("web", { mode: "Paused" })
      world.load("web", 7)
      yield* running(
        world,
        Effect.gen(function* () {
          yield* Effect.sleep("2 minutes")
          assert.deepStrictEqual(world.writes, [])
          assert.strictEqual(world.status("web").phase, "Paused")
          world.api.patch("ScalingPolicy", NAMESPACE, "web", { spec: { mode: "Active" } })
          yield* Effect.sleep("1 minute")
          assert.strictEqual(world.replicas("web"), 7)
          assert.sameMembers([...world.events()], ["web: Paused", "web: Resumed", "web: ScaledUp", "web: ScaledUp"])
        })
      )
    }),
    { seeds: 5 }
  )

  simulated(
    "lets a source that hangs, throws or answers nonsense cost only its own policy",
    Effect.gen(function* () {
      const world = yield* makeWorld
      for (const name of ["hangs", "nonsense", "missing", "dies", "fine"]) {
        world.deploy(name, 3)
        world.policy(name)
        world.load(name, 3)
      }
      yield* running(
        world,
        Effect.gen(function* () {
          yield* Effect.sleep("1 minute")
          const ticks: Array<number> = []
          world.sources.set("hangs", () => Effect.never)
          world.sources.set("nonsense", ({ at }) =>
            Effect.succeed({ _tag: "Measured", value: Number.NaN, at, coverage: 1 })
          )
          world.sources.set("missing", () => Effect.succeed(missing("HttpStatus", "HTTP 500 of Prometheus.")))
          world.sources.set("dies", () => Effect.die(new Error("a broken invariant")))
          world.sources.set("fine", ({ at }) => {
            ticks.push(at)
            return Effect.succeed(measured(3 * PER_REPLICA, at))
          })
          yield* Effect.sleep("10 minutes")
          const gaps = ticks.slice(1).map((at, index) => at - (ticks[index] ?? 0))
          assert.isAtLeast(ticks.length, 39)
          assert.isAtMost(Math.max(...gaps), 15_100)
          assert.deepStrictEqual(world.writes, [])
          assert.strictEqual(world.condition("hangs", "MetricsAvailable")?.reason, "Timeout")
          assert.strictEqual(world.condition("nonsense", "MetricsAvailable")?.reason, "NotANumber")
          assert.strictEqual(world.condition("missing", "MetricsAvailable")?.reason, "HttpStatus")
          assert.deepInclude(world.condition("dies", "Degraded"), { status: "True", reason: "ActorCrashed" })
          assert.include(world.condition("dies", "Degraded")?.message, "a broken invariant")
          assert.include(world.events(), "dies: ActorCrashed")
          assert.strictEqual(world.condition("fine", "Degraded")?.status, "False")
          assert.isFalse((yield* (yield* Health).report).components["decision_engine"]?.healthy)

          world.load("dies", 5)
          yield* Effect.sleep("5 minutes")
          assert.strictEqual(world.replicas("dies"), 5)
          assert.strictEqual(world.condition("dies", "Degraded")?.status, "False")
          assert.isTrue((yield* (yield* Health).report).components["decision_engine"]?.healthy)
        })
      )
    }),
    { seeds: 3 }
  )

  simulated(
    "selects several Deployments by their labels, each with its own decision, and none when there are too many",
    Effect.gen(function* () {
      const world = yield* makeWorld
      const labels = { tier: "front" }
      world.deploy("one", 2, labels)
      world.deploy("two", 2, labels)
      world.deploy("other", 2)
      world.sources.set("one", ({ at }) => Effect.succeed(measured(200, at)))
      world.sources.set("two", ({ at }) => Effect.succeed(measured(90, at)))
      world.api.create({
        apiVersion: "nimbusguard.io/v1alpha1",
        kind: "IntelligentScaling",
        metadata: { name: "front", namespace: NAMESPACE },
        spec: {
          target_labels: labels,
          min_replicas: 1,
          max_replicas: 10,
          metrics_config: {
            prometheus_url: "http://prometheus:9090",
            metrics: [{ query: "load", threshold: 100, condition: "gt" }]
          }
        }
      })
      yield* running(
        world,
        Effect.gen(function* () {
          yield* Effect.sleep("45 seconds")
          const status = () =>
            world.api.get("IntelligentScaling", NAMESPACE, "front")["status"] as {
              targets: ReadonlyArray<{ name: string; targetReplicas: number }>
              conditions: ReadonlyArray<{ type: string; reason: string }>
            }
          assert.isAbove(world.replicas("one"), 2)
          assert.strictEqual(world.replicas("two"), 2)
          assert.strictEqual(world.replicas("other"), 2)
          assert.deepStrictEqual(
            status().targets.map(({ name }) => name),
            ["one", "two"]
          )
          for (let index = 0; index < 20; index++) world.deploy(`more-${index}`, 1, labels)
          yield* Effect.sleep("35 seconds")
          const before = world.writes.length
          yield* Effect.sleep("2 minutes")
          assert.strictEqual(status().conditions.find(({ type }) => type === "Ready")?.reason, "TooManyTargets")
          assert.strictEqual(world.writes.length, before)
        })
      )
    }),
    { seeds: 3 }
  )
})
