import { Effect } from "effect"
import { assert, describe } from "vitest"
import { makeWorld, running } from "#test/operator/operatorWorld"
import { simulated } from "#test/simulation/inSimulation"

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
})
