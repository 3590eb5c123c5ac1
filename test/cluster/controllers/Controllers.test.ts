import { Effect } from "effect"
import { assert, describe } from "vitest"
import type { JsonObject } from "#cluster/api/json"
import { nameOf, valueAt } from "#cluster/api/json"
import { uidOf } from "#cluster/controllers/Hands"
import { deployment, makeCluster } from "#test/cluster/controllers/workloads"
import { simulated } from "#test/simulation/inSimulation"

const conditionOf = (object: JsonObject, type: string) => {
  const conditions = (valueAt(object, "status.conditions") ?? []) as ReadonlyArray<JsonObject>
  return conditions.find((one) => one["type"] === type)
}

describe("the controllers of the embedded cluster", () => {
  simulated(
    "bring a Deployment to its size, with pods that take their time, and say so in its status",
    Effect.gen(function* () {
      const { at, names, read, server } = yield* makeCluster({
        behaviour: () => ({ startupMillis: 20_000, fate: { _tag: "Runs" } })
      })
      server.create(deployment("web", 3))
      yield* Effect.sleep("10 seconds")
      assert.lengthOf(names("Pod"), 3)
      assert.deepInclude(read("Deployment", "web")["status"], {
        observedGeneration: 1,
        replicas: 3,
        updatedReplicas: 3,
        unavailableReplicas: 3
      })
      assert.deepInclude(conditionOf(read("Deployment", "web"), "Available"), { status: "False" })
      assert.deepInclude(conditionOf(read("Deployment", "web"), "Progressing"), { status: "True" })
      yield* Effect.sleep("11 seconds")
      const { conditions: _, ...status } = read("Deployment", "web")["status"] as JsonObject
      assert.deepStrictEqual(status, {
        observedGeneration: 1,
        replicas: 3,
        updatedReplicas: 3,
        readyReplicas: 3,
        availableReplicas: 3,
        terminatingReplicas: 0
      })
      assert.deepInclude(conditionOf(read("Deployment", "web"), "Available"), { status: "True" })
      assert.deepInclude(conditionOf(read("Deployment", "web"), "Progressing"), {
        status: "True",
        reason: "NewReplicaSetAvailable"
      })
      assert.strictEqual(at("Deployment", "web", "metadata.generation"), 1)
      const [set = ""] = names("ReplicaSet")
      assert.match(set, /^web-[a-z0-9]+$/u)
      assert.isTrue(names("Pod").every((name) => name.startsWith(`${set}-`)))
      const before = server.store.version
      yield* Effect.sleep("30 minutes")
      assert.strictEqual(server.store.version, before)
    })
  )

  simulated(
    "follow /scale at once, and lose the pods first that are not ready, then the youngest",
    Effect.gen(function* () {
      let startup = 1000
      const { at, controllers, names, patch, read, server } = yield* makeCluster({
        behaviour: () => ({ startupMillis: startup, fate: { _tag: "Runs" } })
      })
      server.create(deployment("web", 2))
      yield* Effect.sleep("10 seconds")
      const oldest = names("Pod")
      patch("Deployment", "web", { spec: { replicas: 4 } })
      yield* Effect.sleep("10 seconds")
      const ready = names("Pod")
      assert.lengthOf(ready, 4)
      startup = 1_000_000
      patch("Deployment", "web", { spec: { replicas: 6 } })
      yield* Effect.sleep("10 seconds")
      assert.strictEqual(at("Deployment", "web", "status.readyReplicas"), 4)
      patch("Deployment", "web", { spec: { replicas: 4 } })
      yield* Effect.sleep("1 second")
      assert.deepStrictEqual(names("Pod"), ready)
      patch("Deployment", "web", { spec: { replicas: 2 } })
      yield* Effect.sleep("1 second")
      assert.deepStrictEqual(names("Pod"), oldest)
      assert.deepStrictEqual(controllers.podsOf(read("Deployment", "web")).map(nameOf).sort(), oldest)
      assert.lengthOf(names("ReplicaSet"), 1)
    })
  )

  simulated(
    "take dependents away after their owner, and Events after an hour",
    Effect.gen(function* () {
      const { names, server } = yield* makeCluster()
      server.create(deployment("web", 2))
      yield* Effect.sleep("10 seconds")
      const owner = server.find("Deployment", "shop", "web") ?? {}
      const owned = (name: string, uid: string) => ({
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: {
          ...{ name, namespace: "shop" },
          ownerReferences: [{ apiVersion: "apps/v1", kind: "Deployment", name: "web", uid }]
        }
      })
      server.create(owned("kept", uidOf(owner)))
      server.create(owned("lost", "another"))
      yield* Effect.sleep("1 second")
      assert.deepStrictEqual(names("ConfigMap"), ["kept"])
      assert.isAbove(names("Event").length, 0)
      server.remove("Deployment", "shop", "web")
      yield* Effect.sleep("1 second")
      for (const kind of ["ConfigMap", "ReplicaSet", "Pod"]) assert.deepStrictEqual(names(kind), [], kind)
      yield* Effect.sleep("61 minutes")
      assert.deepStrictEqual(names("Event"), [])
    })
  )
})
