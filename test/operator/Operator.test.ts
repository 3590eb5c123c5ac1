import { Effect, Fiber } from "effect"
import { assert, describe } from "vitest"
import { measured, missing } from "#schemas/Reading"
import { Checkpoints } from "#operator/checkpoint"
import { Health } from "#operator/Health"
import { Ledger } from "#operator/Ledger"
import { Supervisor } from "#operator/Supervisor"
import { simulated } from "#test/simulation/inSimulation"
import { makeWorld, NAMESPACE, PER_REPLICA, type World } from "#test/operator/operatorWorld"

/** Runs one operator for as long as the body lasts. */
const running = <A, E, R>(world: World, body: Effect.Effect<A, E, R>, client = "a") =>
  Effect.provide(body, world.operator(client).layer)

const HELD = { behavior: { scaleDown: { stabilizationWindowSeconds: 300 } } }

describe("the operator", () => {
  simulated(
    "scales what a policy names, says so, and leaves the API server alone while nothing changes",
    Effect.gen(function* () {
      const world = yield* makeWorld
      world.deploy("web", 2)
      world.policy("web")
      world.load("web", 5)
      yield* running(
        world,
        Effect.gen(function* () {
          yield* Effect.sleep("1 minute")
          assert.strictEqual(world.replicas("web"), 5)
          assert.deepStrictEqual(
            world.writes.map(({ to }) => to),
            [5]
          )
          assert.deepInclude(world.status("web"), {
            phase: "Active",
            currentReplicas: 5,
            targetReplicas: 5,
            observedGeneration: 1
          })
          assert.deepStrictEqual(world.events(), ["web: ScaledUp"])
          const quiet = world.statusWrites("web")
          yield* Effect.sleep("1 hour")
          assert.isAtMost(world.statusWrites("web") - quiet, 12)
          assert.strictEqual(world.writes.length, 1)
          const ledger = yield* Ledger
          assert.strictEqual((yield* ledger.activity).length, 1)
          const view = [...(yield* ledger.policies).values()]
          assert.deepStrictEqual(
            view.map(({ phase, ref }) => [ref.name, phase]),
            [["web", "Active"]]
          )
          const health = yield* Health
          assert.isTrue(yield* health.ready)
          const { components } = yield* health.report
          for (const name of ["kubernetes", "leader", "decision_engine"]) {
            assert.isTrue(components[name]?.healthy, `${name}: ${components[name]?.detail}`)
          }
        })
      )
    }),
    { seeds: 3 }
  )

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
    "lets the older of two policies on one target win, and the other take over when it goes",
    Effect.gen(function* () {
      const world = yield* makeWorld
      world.deploy("web", 2)
      const target = { apiVersion: "apps/v1", kind: "Deployment", name: "web" }
      world.policy("older", { target })
      yield* Effect.sleep("2 seconds")
      world.policy("younger", { target, scaling: { minReplicas: 8, maxReplicas: 9 }, interval: "10m" })
      world.load("web", 4)
      yield* running(
        world,
        Effect.gen(function* () {
          yield* Effect.sleep("1 minute")
          assert.strictEqual(world.replicas("web"), 4)
          assert.deepInclude(world.condition("younger", "Conflict"), { status: "True", reason: "AlreadyManaged" })
          assert.include(world.condition("younger", "Conflict")?.message, "older")
          assert.strictEqual(world.condition("older", "Conflict")?.status, "False")
          world.api.remove("ScalingPolicy", NAMESPACE, "older")
          yield* Effect.sleep("5 seconds")
          assert.strictEqual(world.replicas("web"), 8)
          yield* Effect.sleep("5 seconds")
          assert.strictEqual(world.condition("younger", "Conflict")?.status, "False")
          assert.notInclude(world.events(), "younger: Recovered")
        })
      )
    }),
    { seeds: 10 }
  )

  simulated(
    "refuses one bad object without disturbing another, and takes it when it is corrected",
    Effect.gen(function* () {
      const world = yield* makeWorld
      world.deploy("bad", 2)
      world.deploy("good", 2)
      world.policy("bad", { scaling: { minReplicas: 9, maxReplicas: 3 } })
      world.policy("good")
      world.load("bad", 4)
      world.load("good", 4)
      yield* running(
        world,
        Effect.gen(function* () {
          yield* Effect.sleep("1 minute")
          assert.strictEqual(world.replicas("good"), 4)
          assert.strictEqual(world.replicas("bad"), 2)
          assert.strictEqual(world.status("bad").phase, "Error")
          assert.deepInclude(world.condition("bad", "Ready"), { status: "False", reason: "InvalidSpec" })
          world.api.patch("ScalingPolicy", NAMESPACE, "bad", { spec: { scaling: { minReplicas: 1 } } })
          yield* Effect.sleep("10 seconds")
          assert.strictEqual(world.condition("bad", "Ready")?.status, "True")
          assert.strictEqual(world.replicas("bad"), 3)
        })
      )
    }),
    { seeds: 5 }
  )

  simulated(
    "forgets a deleted policy whole",
    Effect.gen(function* () {
      const world = yield* makeWorld
      world.deploy("web", 2)
      world.policy("web")
      world.load("web", 4)
      yield* running(
        world,
        Effect.gen(function* () {
          yield* Effect.sleep("2 minutes")
          const ledger = yield* Ledger
          const [uid = ""] = (yield* ledger.policies).keys()
          assert.isNotEmpty(yield* ledger.records(uid))
          assert.isNotEmpty(world.api.list("ConfigMap", "nimbusguard"))
          world.api.remove("ScalingPolicy", NAMESPACE, "web")
          yield* Effect.sleep("2 minutes")
          assert.strictEqual((yield* ledger.policies).size, 0)
          assert.isEmpty(yield* ledger.records(uid))
          assert.strictEqual(yield* (yield* Supervisor).size, 0)
          assert.isEmpty(world.api.list("ConfigMap", "nimbusguard"))
          assert.strictEqual(world.replicas("web"), 4)
        })
      )
    }),
    { seeds: 5 }
  )

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
    "writes nothing while the API server is away, and goes on without a jump",
    Effect.gen(function* () {
      const world = yield* makeWorld
      world.deploy("web", 4)
      world.policy("web", { scaling: { minReplicas: 1, maxReplicas: 10, ...HELD } })
      world.load("web", 4)
      yield* running(
        world,
        Effect.gen(function* () {
          yield* Effect.sleep("10 minutes")
          world.api.setDown(true)
          yield* Effect.sleep("3 minutes")
          const { components, ready } = yield* (yield* Health).report
          assert.isFalse(components["kubernetes"]?.healthy)
          assert.isTrue(ready)
          world.api.setDown(false)
          yield* Effect.sleep("5 minutes")
          assert.deepStrictEqual(world.writes, [])
          assert.isTrue((yield* (yield* Health).report).components["kubernetes"]?.healthy)
          assert.strictEqual(yield* (yield* Supervisor).size, 1)
        })
      )
    }),
    { seeds: 5 }
  )

  simulated(
    "keeps its windows over an orderly restart, and never shrinks blindly after a crash",
    Effect.gen(function* () {
      const world = yield* makeWorld
      world.deploy("web", 8)
      world.policy("web", { scaling: { minReplicas: 1, maxReplicas: 10, ...HELD } })
      world.load("web", 8)
      yield* running(world, Effect.sleep("10 minutes"), "a")
      const start = world.api.store.now()
      world.load("web", 2)
      yield* running(world, Effect.sleep("2 minutes"), "b")
      yield* running(world, Effect.sleep("4 minutes"), "c")
      assert.strictEqual(world.replicas("web"), 2)
      const [shrink] = world.writes
      assert.isAtLeast((shrink?.at ?? 0) - start, 280_000)
      assert.isAtMost((shrink?.at ?? 0) - start, 330_000)

      world.load("web", 6)
      const d = world.operator("d")
      const last = yield* Effect.forkScoped(Effect.provide(Effect.never, d.layer))
      yield* Effect.sleep("3 minutes")
      assert.strictEqual(world.replicas("web"), 6)
      d.port.cut()
      yield* Fiber.interrupt(last)
      world.load("web", 1)
      const before = world.writes.length
      yield* running(world, Effect.sleep("4 minutes"), "e")
      assert.strictEqual(world.writes.length, before)
    }),
    { seeds: 5 }
  )

  simulated(
    "reports a write once whose record died with its operator, and counts it",
    Effect.gen(function* () {
      const world = yield* makeWorld
      world.deploy("web", 3)
      world.policy("web")
      world.load("web", 3)
      const a = world.operator("a")
      const first = yield* Effect.forkScoped(Effect.provide(Effect.never, a.layer))
      yield* Effect.sleep("1 minute")
      assert.strictEqual(world.status("web").currentReplicas, 3)
      world.api.onCommit(({ manager, resource }) => {
        if (resource.plural === "deployments" && manager === "nimbusguard" && world.writes.length === 1) a.port.cut()
      })
      world.load("web", 6)
      yield* Effect.sleep("30 seconds")
      yield* Fiber.interrupt(first)
      assert.strictEqual(world.replicas("web"), 6)
      assert.strictEqual(world.status("web").currentReplicas, 3)
      yield* running(
        world,
        Effect.gen(function* () {
          yield* Effect.sleep("2 minutes")
          const activity = yield* (yield* Ledger).activity
          assert.deepStrictEqual(
            activity.map(({ from, outcome, to }) => [outcome, from, to]),
            [["Recovered", 3, 6]]
          )
          assert.deepInclude(world.status("web").commitments?.[0], { lastWritten: 6 })
          assert.strictEqual(world.events().filter((event) => event === "web: Recovered").length, 1)
          assert.notInclude(world.events(), "web: ReplicasChanged")
        }),
        "b"
      )
      yield* running(world, Effect.sleep("1 minute"), "c")
      assert.strictEqual(world.events().filter((event) => event === "web: Recovered").length, 1)
      assert.strictEqual(world.writes.length, 1)
    }),
    { seeds: 10 }
  )

  simulated(
    "adopts what a human scales, says so, and does not call it its own",
    Effect.gen(function* () {
      const world = yield* makeWorld
      world.deploy("web", 4)
      world.policy("web", { scaling: { minReplicas: 1, maxReplicas: 10, ...HELD } })
      world.load("web", 4)
      yield* running(
        world,
        Effect.gen(function* () {
          yield* Effect.sleep("65 seconds")
          world.api.scale("Deployment", NAMESPACE, "web", 7)
          yield* Effect.sleep("1 minute")
          assert.strictEqual(world.replicas("web"), 4)
          assert.include(world.events(), "web: ReplicasChanged")
          assert.strictEqual(world.status("web").currentReplicas, 4)
          assert.isEmpty((yield* (yield* Ledger).activity).filter(({ outcome }) => outcome === "Recovered"))
        })
      )
    }),
    { seeds: 5 }
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

  simulated(
    "stands by with warm watches, and takes over when the leader dies",
    Effect.gen(function* () {
      const world = yield* makeWorld
      world.deploy("web", 2)
      world.policy("web")
      world.load("web", 4)
      const a = world.operator("a")
      const b = world.operator("b")
      const first = yield* Effect.forkScoped(Effect.provide(Effect.never, a.layer))
      yield* Effect.sleep("20 seconds")
      yield* Effect.gen(function* () {
        yield* Effect.sleep("20 seconds")
        assert.isTrue(yield* (yield* Health).ready)
        assert.strictEqual(yield* (yield* Supervisor).size, 0)
        a.port.cut()
        yield* Fiber.interrupt(first)
        world.load("web", 8)
        yield* Effect.sleep("25 seconds")
        assert.strictEqual(world.replicas("web"), 8)
        assert.deepStrictEqual(
          world.writes.map(({ client, to }) => [client, to]),
          [
            ["a", 4],
            ["b", 8]
          ]
        )
        yield* (yield* Checkpoints).flush
      }).pipe(Effect.provide(b.layer))
    }),
    { seeds: 10 }
  )
})
