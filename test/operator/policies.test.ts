import { Effect } from "effect"
import { assert, describe, it } from "vitest"
import { Ledger } from "#operator/Ledger"
import { readPolicy } from "#operator/policies"
import { Supervisor } from "#operator/Supervisor"
import { DECODE_SETTINGS } from "#schemas/crd/Crd"
import { KINDS } from "#schemas/crd/index"
import { makeWorld, NAMESPACE, running } from "#test/operator/operatorWorld"
import { simulated } from "#test/simulation/inSimulation"

describe("policies", () => {
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

  it("reads a spec once for each generation, and of a status what is one", () => {
    const kind = KINDS.find((each) => each.kind === "ScalingPolicy") ?? KINDS[0]!
    const metadata = {
      name: "web",
      namespace: "shop",
      uid: "u",
      resourceVersion: "1",
      creationTimestamp: "2026-01-01T00:00:00Z"
    }
    const object = (generation: number, status?: unknown) => ({
      metadata: { ...metadata, generation },
      spec: {},
      ...(status === undefined ? {} : { status })
    })
    const first = readPolicy(kind, object(1), DECODE_SETTINGS)
    assert.isDefined(first)
    assert.isUndefined(first?.status)
    const second = readPolicy(kind, object(1, { phase: "Active", observedGeneration: 1 }), DECODE_SETTINGS, first)
    assert.strictEqual(second?.decoded, first?.decoded)
    assert.deepStrictEqual(second?.status, { phase: "Active", observedGeneration: 1 })
    assert.strictEqual(second?.status, second?.status)
    const broken = readPolicy(kind, object(2, { phase: 7 }), DECODE_SETTINGS, second)
    assert.notStrictEqual(broken?.decoded, first?.decoded)
    assert.isUndefined(broken?.status)
    assert.isUndefined(readPolicy(kind, { metadata: {} }, DECODE_SETTINGS))
  })
})
