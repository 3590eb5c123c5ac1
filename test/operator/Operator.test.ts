import { Effect, Fiber } from "effect"
import { assert, describe } from "vitest"
import { measured } from "#schemas/Reading"
import { Checkpoints } from "#operator/checkpoint"
import { Health } from "#operator/Health"
import { Ledger } from "#operator/Ledger"
import { Supervisor } from "#operator/Supervisor"
import { makeWorld, NAMESPACE, running, HELD } from "#test/operator/operatorWorld"
import { simulated } from "#test/simulation/inSimulation"

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
    "lets policies that ask the same tick together, however far apart they began",
    Effect.gen(function* () {
      const world = yield* makeWorld
      const asked = new Map<string, Array<number>>()
      const names = Array.from({ length: 12 }, (_, at) => `web-${at}`)
      for (const name of names) {
        asked.set(name, [])
        world.deploy(name, 2)
        world.sources.set(name, ({ at }) => Effect.sync(() => (asked.get(name)?.push(at), measured(2, at))))
      }
      yield* running(
        world,
        Effect.gen(function* () {
          for (const name of names) {
            world.policy(name)
            yield* Effect.sleep("1300 millis")
          }
          yield* Effect.sleep("1 minute")
          const since = [...asked.values()].map((times) => times.length)
          yield* Effect.sleep("2 minutes")
          const later = [...asked.values()].map((times, at) => times.slice(since[at]))
          assert.isAtLeast(later[0]?.length ?? 0, 8)
          for (const times of later) assert.strictEqual(times.length, later[0]?.length)
          // Within a moment, which is shorter than an answer is shared.
          for (const [tick, at] of (later[0] ?? []).entries()) {
            for (const times of later) assert.isBelow(Math.abs((times[tick] ?? 0) - at), 100)
          }
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

  simulated(
    "begins to lead with what is true by then, and not with what it had heard before it was cut off",
    Effect.gen(function* () {
      const world = yield* makeWorld
      world.deploy("web", 3)
      const behavior = { scaleDown: { stabilizationWindowSeconds: 0 } }
      world.policy("web", { scaling: { minReplicas: 1, maxReplicas: 10, cooldownPeriod: 300, behavior } })
      world.load("web", 3)
      yield* Effect.forkScoped(Effect.provide(Effect.never, world.operator("a").layer))
      yield* Effect.sleep("20 seconds")
      const b = world.operator("b")
      const second = yield* Effect.forkScoped(Effect.provide(Effect.never, b.layer))
      yield* Effect.sleep("40 seconds")
      world.api.setPartitioned("a", true)
      yield* Effect.sleep("30 seconds")
      world.load("web", 6)
      yield* Effect.sleep("30 seconds")
      assert.strictEqual(world.replicas("web"), 6)
      world.load("web", 2)
      world.api.setPartitioned("a", false)
      b.port.cut()
      yield* Fiber.interrupt(second)
      yield* Effect.sleep("6 minutes")
      const [up, down] = world.writes
      assert.deepStrictEqual(
        world.writes.map(({ client, to }) => [client, to]),
        [
          ["b", 6],
          ["a", 2]
        ]
      )
      // A cooldown counts from when a tick looked; the write comes moments later.
      assert.isAtLeast((down?.at ?? 0) - (up?.at ?? 0), 299_000)
      assert.notInclude(world.events(), "web: ReplicasChanged")
    }),
    { seeds: 5 }
  )
})
