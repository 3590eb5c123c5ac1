import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { assert, describe } from "vitest"
import { KubernetesDiscovery } from "#services/KubernetesDiscovery"
import { simulated } from "#test/simulation/inSimulation"
import { FaultyApi } from "#test/worlds/FaultyApi"
import { ROLLOUT } from "#test/worlds/FaultyApi"

const open = Effect.fnUntraced(function* () {
  const api = yield* FaultyApi.make()
  const context = yield* Layer.build(Layer.provide(KubernetesDiscovery.layer, api.layer()))
  return { api, discovery: Context.get(context, KubernetesDiscovery) }
})
const [GROUP, KIND] = ["argoproj.io/v1alpha1", "Rollout"] as const

describe("discovery", () => {
  simulated(
    "knows the usual targets without asking",
    Effect.gen(function* () {
      const { api, discovery } = yield* open()
      api.setDown(true)
      assert.strictEqual((yield* discovery.resolve("apps/v1", "StatefulSet")).plural, "statefulsets")
      assert.strictEqual(discovery.recall("apps/v1", "Deployment")?.plural, "deployments")
      assert.strictEqual(api.calls.length, 0)
    })
  )

  simulated(
    "asks once however many want to know, and again after ten minutes",
    Effect.gen(function* () {
      const { api, discovery } = yield* open()
      api.define(ROLLOUT)
      assert.isUndefined(discovery.recall(GROUP, KIND))
      const many = Array.from({ length: 20 }, () => discovery.resolve(GROUP, KIND))
      const found = yield* Effect.all(many, { concurrency: "unbounded" })
      assert.deepStrictEqual(found[19], {
        apiVersion: GROUP,
        kind: KIND,
        plural: "rollouts",
        namespaced: true,
        hasScale: true
      })
      assert.strictEqual(api.calls.length, 1)
      assert.deepStrictEqual(discovery.recall(GROUP, KIND), found[0])
      yield* Effect.sleep("11 minutes")
      yield* discovery.resolve(GROUP, KIND)
      assert.strictEqual(api.calls.length, 2)
    })
  )

  simulated(
    "finds a kind soon after it was installed, and forgets one that it is told is gone",
    Effect.gen(function* () {
      const { api, discovery } = yield* open()
      assert.isFalse(yield* discovery.serves(GROUP, KIND))
      api.define(ROLLOUT)
      yield* Effect.sleep("6 seconds")
      assert.isTrue(yield* discovery.serves(GROUP, KIND))
      api.server.kinds.undefine("rollouts.argoproj.io")
      assert.isTrue(yield* discovery.serves(GROUP, KIND))
      yield* discovery.forget(GROUP)
      assert.isFalse(yield* discovery.serves(GROUP, KIND))
    })
  )

  simulated(
    "goes by what it knew while the server is away, and fails where it knew nothing",
    Effect.gen(function* () {
      const { api, discovery } = yield* open()
      api.define(ROLLOUT)
      yield* discovery.resolve(GROUP, KIND)
      api.setDown(true)
      yield* Effect.sleep("1 hour")
      assert.strictEqual((yield* discovery.resolve(GROUP, KIND)).plural, "rollouts")
      assert.strictEqual((yield* Effect.flip(discovery.resolve("x.io/v1", "Y"))).reason._tag, "Unreachable")
    })
  )
})
