import { Effect } from "effect"
import { assert, describe } from "vitest"
import type { JsonObject } from "#cluster/api/json"
import { listAt, nameOf, objectAt, valueAt } from "#cluster/api/json"
import type { Fate, PodBehaviour } from "#cluster/controllers/PodBehaviour"
import { deployment, makeCluster, NAMESPACE, template } from "#test/cluster/controllers/workloads"
import { simulated } from "#test/simulation/inSimulation"

const fated =
  (fate: Fate, startupMillis = 2000): PodBehaviour =>
  () => ({ startupMillis, fate })

const pod = (name: string, spec: JsonObject = {}): JsonObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: NAMESPACE },
  spec: { ...objectAt(template("a"), "spec"), ...spec }
})

const containerOf = (object: JsonObject): JsonObject =>
  (listAt(objectAt(object, "status"), "containerStatuses")[0] ?? {}) as JsonObject

/** As `kubectl get pods` tells it. */
const toldOf = (object: JsonObject) => {
  const container = containerOf(object)
  const state = objectAt(container, "state")
  return [
    valueAt(object, "status.phase"),
    valueAt(state, "waiting.reason") ?? valueAt(state, "terminated.reason") ?? Object.keys(state)[0],
    container["ready"],
    container["restartCount"]
  ]
}

describe("the kubelet of the embedded cluster", () => {
  simulated(
    "creates, starts and readies a pod, each in its time, and gives it an address and a node",
    Effect.gen(function* () {
      const { read, server } = yield* makeCluster({ behaviour: fated({ _tag: "Runs" }, 10_000) })
      server.create(pod("a"))
      yield* Effect.sleep("500 millis")
      assert.deepStrictEqual(toldOf(read("Pod", "a")), ["Pending", "ContainerCreating", false, 0])
      yield* Effect.sleep("1 second")
      assert.deepStrictEqual(toldOf(read("Pod", "a")), ["Running", "running", false, 0])
      yield* Effect.sleep("9 seconds")
      assert.deepStrictEqual(toldOf(read("Pod", "a")), ["Running", "running", true, 0])
      assert.deepInclude(read("Pod", "a")["status"], {
        podIP: "10.244.0.1",
        hostIP: "10.0.0.1",
        qosClass: "BestEffort"
      })
      assert.strictEqual(valueAt(read("Pod", "a"), "spec.nodeName"), "node-a")
    })
  )

  simulated(
    "restarts what crashes at once, then waits longer and longer, and forgets that after ten good minutes",
    Effect.gen(function* () {
      const { names, read, server } = yield* makeCluster({
        behaviour: (_, restarts) => ({
          startupMillis: 1000,
          fate: { _tag: "Exits", afterMillis: restarts === 4 ? 700_000 : 5000, exitCode: 1 }
        })
      })
      server.create(pod("a"))
      const told = Effect.sync(() => toldOf(read("Pod", "a")))
      yield* Effect.sleep("3 seconds")
      assert.deepStrictEqual(yield* told, ["Running", "running", true, 0])
      yield* Effect.sleep("3 seconds")
      assert.deepStrictEqual(yield* told, ["Running", "running", false, 1])
      yield* Effect.sleep("6 seconds")
      assert.deepStrictEqual(yield* told, ["Running", "CrashLoopBackOff", false, 1])
      assert.deepInclude(valueAt(containerOf(read("Pod", "a")), "lastState.terminated"), {
        exitCode: 1,
        reason: "Error"
      })
      // 10 s of waiting and 5 s of running, 20 and 5, then it lives.
      yield* Effect.sleep("16 seconds")
      assert.deepStrictEqual(yield* told, ["Running", "CrashLoopBackOff", false, 2])
      yield* Effect.sleep("80 seconds")
      assert.deepStrictEqual(yield* told, ["Running", "running", true, 4])
      yield* Effect.sleep("684 seconds")
      assert.deepStrictEqual(yield* told, ["Running", "running", true, 5])
      assert.include(
        server.list("Event", NAMESPACE).map((event) => event["reason"]),
        "BackOff"
      )
      assert.deepStrictEqual(names("Pod"), ["a"])
    }),
    { seeds: 1 }
  )

  simulated(
    "ends a pod for good where its policy says so",
    Effect.gen(function* () {
      const { read, server } = yield* makeCluster({
        behaviour: (object) => ({
          startupMillis: 100,
          fate: { _tag: "Exits", afterMillis: 1000, exitCode: nameOf(object) === "good" ? 0 : 2 }
        })
      })
      server.create(pod("good", { restartPolicy: "OnFailure" }))
      server.create(pod("bad", { restartPolicy: "Never" }))
      yield* Effect.sleep("5 seconds")
      assert.deepStrictEqual(toldOf(read("Pod", "good")), ["Succeeded", "Completed", false, 0])
      assert.deepStrictEqual(toldOf(read("Pod", "bad")), ["Failed", "Error", false, 0])
    }),
    { seeds: 1 }
  )

  simulated(
    "leaves pods without readiness, without an image and without a node as a cluster leaves them",
    Effect.gen(function* () {
      const fates: Readonly<Record<string, Fate>> = {
        dull: { _tag: "NeverReady" },
        bare: { _tag: "NoImage" },
        lost: { _tag: "Unschedulable" }
      }
      const { read, server } = yield* makeCluster({
        behaviour: (object) => ({ startupMillis: 1000, fate: fates[nameOf(object)] ?? { _tag: "Runs" } })
      })
      for (const name of Object.keys(fates)) server.create(pod(name))
      yield* Effect.sleep("1 hour")
      assert.deepStrictEqual(toldOf(read("Pod", "dull")), ["Running", "running", false, 0])
      assert.deepStrictEqual(toldOf(read("Pod", "bare")), ["Pending", "ImagePullBackOff", false, 0])
      assert.deepStrictEqual(toldOf(read("Pod", "lost")).slice(0, 1), ["Pending"])
      assert.deepInclude(listAt(objectAt(read("Pod", "lost"), "status"), "conditions")[0], {
        reason: "Unschedulable",
        message: "0/2 nodes are available: 2 Insufficient cpu."
      })
    }),
    { seeds: 1 }
  )

  simulated(
    "fills nodes as far as they go, passes those by that are cordoned, and uses room that is made",
    Effect.gen(function* () {
      const size = { cpu: "1", memory: "1Gi", pods: 10 }
      const { at, controllers, names, patch, read, server } = yield* makeCluster({
        behaviour: fated({ _tag: "Runs" }, 1000),
        nodes: [
          { name: "one", ...size },
          { name: "two", ...size }
        ]
      })
      const half = template("web", { resources: { requests: { cpu: "500m" } } })
      server.create(deployment("web", 5, { template: half }))
      yield* Effect.sleep("5 seconds")
      assert.strictEqual(at("Deployment", "web", "status.readyReplicas"), 4)
      const waiting = controllers
        .podsOf(read("Deployment", "web"))
        .find((one) => valueAt(one, "spec.nodeName") === undefined)
      assert.deepInclude(listAt(objectAt(waiting ?? {}, "status"), "conditions")[0], {
        message: "0/2 nodes are available: 2 Insufficient cpu."
      })
      server.patch("Node", "", "two", { spec: { unschedulable: true } })
      const onTwo = names("Pod").find((name) => valueAt(read("Pod", name), "spec.nodeName") === "two") ?? ""
      server.remove("Pod", NAMESPACE, onTwo)
      yield* Effect.sleep("5 seconds")
      assert.strictEqual(at("Deployment", "web", "status.readyReplicas"), 3)
      server.patch("Node", "", "two", { spec: { unschedulable: null } })
      yield* Effect.sleep("5 seconds")
      assert.strictEqual(at("Deployment", "web", "status.readyReplicas"), 4)
      patch("Deployment", "web", { spec: { replicas: 4 } })
      yield* Effect.sleep("5 seconds")
      assert.deepInclude(read("Deployment", "web")["status"], { replicas: 4, readyReplicas: 4, availableReplicas: 4 })
    })
  )

  simulated(
    "kills a running pod for whoever asks, and what asks twice in vain is told so",
    Effect.gen(function* () {
      const { controllers, read, server } = yield* makeCluster({ behaviour: fated({ _tag: "Runs" }, 1000) })
      server.create(pod("a"))
      yield* Effect.sleep("5 seconds")
      const kill = () => controllers.kill(NAMESPACE, "a", { exitCode: 137, reason: "OOMKilled" })
      assert.isTrue(kill())
      assert.deepStrictEqual(toldOf(read("Pod", "a")), ["Running", "running", false, 1])
      assert.isTrue(kill())
      assert.deepStrictEqual(toldOf(read("Pod", "a")), ["Running", "CrashLoopBackOff", false, 1])
      assert.strictEqual(valueAt(containerOf(read("Pod", "a")), "lastState.terminated.reason"), "OOMKilled")
      assert.isFalse(kill())
      assert.isFalse(controllers.kill(NAMESPACE, "b", { exitCode: 1, reason: "Error" }))
      yield* Effect.sleep("15 seconds")
      assert.deepStrictEqual(toldOf(read("Pod", "a")), ["Running", "running", true, 2])
    }),
    { seeds: 1 }
  )
})
