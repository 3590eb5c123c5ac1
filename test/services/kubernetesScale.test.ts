import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { assert, describe } from "vitest"
import type { Target } from "#schemas/Policy"
import { KubernetesDiscovery } from "#services/KubernetesDiscovery"
import { getScale, patchScale, readReplicasOwner, replicasOf, SCALE_COMMIT_MILLIS } from "#services/kubernetesScale"
import { simulated } from "#test/simulation/inSimulation"
import { FaultyApi } from "#test/worlds/FaultyApi"
import { ROLLOUT } from "#test/worlds/FaultyApi"
import { objectAt } from "#cluster/api/json"
import { deployment } from "#test/worlds/workloads"

const web: Target = { apiVersion: "apps/v1", kind: "Deployment", namespace: "shop", name: "web" }
const services = (api: FaultyApi) => Layer.provideMerge(KubernetesDiscovery.layer, api.layer())
const replicas = (api: FaultyApi, kind = "Deployment") => objectAt(api.get(kind, "shop", "web"), "spec")["replicas"]

describe("scaling", () => {
  simulated(
    "writes under the version that was read, and knows its own hand again",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      api.create(deployment("web", 0))
      yield* Effect.gen(function* () {
        const scale = yield* getScale(web)
        assert.strictEqual(replicasOf(scale), 0)
        assert.isFalse((yield* readReplicasOwner(web)).ours)
        const { resourceVersion } = scale.metadata
        assert.strictEqual(replicasOf(yield* patchScale(web, 4, resourceVersion)), 4)
        const owner = yield* readReplicasOwner(web)
        assert.deepStrictEqual([owner.ours, owner.managers], [true, ["nimbusguard"]])
        assert.strictEqual((yield* Effect.flip(patchScale(web, 5, resourceVersion))).reason._tag, "Conflict")
        api.scale("Deployment", "shop", "web", 2)
        const after = yield* readReplicasOwner(web)
        assert.deepStrictEqual([after.ours, after.managers], [false, ["kubectl"]])
      }).pipe(Effect.provide(services(api)))
    })
  )

  simulated(
    "is never committed later than the leader's act window allows for",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      api.create(deployment("web", 1))
      api.fault((call) => (call.method === "PATCH" ? { kind: "slow", millis: SCALE_COMMIT_MILLIS + 1 } : undefined))
      yield* Effect.gen(function* () {
        const { metadata } = yield* getScale(web)
        const error = yield* Effect.flip(patchScale(web, 4, metadata.resourceVersion))
        assert.strictEqual(error.reason._tag, "Unknown")
        yield* Effect.sleep("1 hour")
        assert.strictEqual(replicas(api), 1)
      }).pipe(Effect.provide(services(api)))
    })
  )

  simulated(
    "is awaited once it has been sent, whoever interrupts",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      api.create(deployment("web", 1))
      api.fault((call) => (call.method === "PATCH" ? { kind: "slow", millis: 3_000 } : undefined))
      yield* Effect.gen(function* () {
        const { metadata } = yield* getScale(web)
        const fiber = yield* Effect.forkScoped(patchScale(web, 4, metadata.resourceVersion))
        yield* Effect.sleep(500)
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(replicas(api), 4)
      }).pipe(Effect.provide(services(api)))
    })
  )

  simulated(
    "asks what an unusual kind is, but does not let a write wait for the answer once it is known",
    Effect.gen(function* () {
      const api = yield* FaultyApi.make({ resources: [ROLLOUT] })
      const rollout: Target = { ...web, apiVersion: "argoproj.io/v1alpha1", kind: "Rollout" }
      api.create({
        apiVersion: rollout.apiVersion,
        kind: "Rollout",
        metadata: { name: "web", namespace: "shop" },
        spec: { replicas: 2 },
        status: { replicas: 2, selector: "app=web" }
      })
      yield* Effect.gen(function* () {
        const scale = yield* getScale(rollout)
        assert.strictEqual(scale.status?.selector, "app=web")
        yield* Effect.sleep("1 hour")
        const before = api.calls.length
        yield* patchScale(rollout, 3, scale.metadata.resourceVersion)
        assert.strictEqual(api.calls.length, before + 1)
        assert.strictEqual(replicas(api, "Rollout"), 3)
      }).pipe(Effect.provide(services(api)))
    })
  )
})
