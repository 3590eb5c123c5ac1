import { Effect, Fiber } from "effect"
import { assert, describe } from "vitest"
import { Ledger } from "#operator/Ledger"
import { HELD, makeWorld, NAMESPACE, running } from "#test/operator/operatorWorld"
import { simulated } from "#test/simulation/inSimulation"

describe("a target pursued", () => {
  simulated(
    "keeps its windows over an orderly restart, and never shrinks blindly after a crash",
    Effect.gen(function* () {
      const world = yield* makeWorld
      world.deploy("web", 8)
      world.policy("web", { scaling: { minReplicas: 1, maxReplicas: 10, ...HELD } })
      world.load("web", 8)
      yield* running(world, Effect.sleep("10 minutes"), "a")
      const start = world.api.now()
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
    "never shrinks blindly a target that was gone for a while",
    Effect.gen(function* () {
      const world = yield* makeWorld
      world.deploy("web", 2)
      world.policy("web", { scaling: { minReplicas: 1, maxReplicas: 10, ...HELD } })
      world.load("web", 2)
      yield* running(
        world,
        Effect.gen(function* () {
          yield* Effect.sleep("2 minutes")
          world.api.remove("Deployment", NAMESPACE, "web")
          yield* Effect.sleep("10 minutes")
          const back = world.api.now()
          world.deploy("web", 8)
          yield* Effect.sleep("4 minutes")
          assert.deepStrictEqual(world.writes, [])
          yield* Effect.sleep("3 minutes")
          assert.strictEqual(world.replicas("web"), 2)
          assert.isAtLeast((world.writes[0]?.at ?? 0) - back, 280_000)
        })
      )
    }),
    { seeds: 3 }
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
})
