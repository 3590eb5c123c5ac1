/** A whole operator in virtual time on the embedded API: the same watches, election, actors and writes as on a real one. */
import { Effect, Fiber, Layer, Result, Stream } from "effect"
import { assert, describe } from "vitest"
import type { JsonObject } from "#cluster/api/json"
import { metadataOf, valueAt } from "#cluster/api/json"
import { makePort } from "#cluster/ClusterKubernetes"
import { Plugs } from "#operator/bind"
import { measured } from "#schemas/Reading"
import { Metrics } from "#services/Metrics"
import { deployment } from "#test/cluster/controllers/workloads"
import { makeCluster, operatorOn } from "#test/cluster/operatorCluster"
import { simulated } from "#test/simulation/inSimulation"

const PER_REPLICA = 10

const policy = (name: string): JsonObject => ({
  apiVersion: "nimbusguard.io/v1",
  kind: "ScalingPolicy",
  metadata: { name, namespace: "shop" },
  spec: {
    target: { apiVersion: "apps/v1", kind: "Deployment", name },
    scaling: { minReplicas: 1, maxReplicas: 10, behavior: { scaleDown: { stabilizationWindowSeconds: 60 } } },
    signals: [
      {
        name: "load",
        prometheus: { serverUrl: "http://prometheus:9090", query: "load" },
        target: { type: "AverageValue", value: String(PER_REPLICA) }
      }
    ]
  }
})

describe("the embedded cluster behind the Kubernetes port", () => {
  simulated(
    "lets an operator scale a Deployment up and down, own the field, report once, and say it in Events",
    Effect.gen(function* () {
      const cluster = yield* makeCluster
      const { server } = cluster
      server.create(deployment("web", 2))
      server.create(policy("web"))
      let wanted = 5
      const plugs = Layer.succeed(Plugs, {
        signal: (signal) =>
          Result.succeed({
            signal,
            built: true,
            sample: ({ at }) => Effect.succeed(measured(wanted * PER_REPLICA, at))
          })
      })
      const operator = operatorOn(cluster, plugs, Metrics.layerNone)
      const writes: Array<unknown> = []
      server.store.onCommit(({ before, manager, object, resource }) => {
        const replicas = valueAt(object, "spec.replicas")
        const changed = before !== undefined && replicas !== valueAt(before, "spec.replicas")
        if (resource === "deployments.apps" && changed) writes.push([manager, replicas])
      })
      yield* Effect.gen(function* () {
        yield* Effect.sleep("1 minute")
        assert.deepStrictEqual(writes, [["nimbusguard", 5]])
        wanted = 3
        yield* Effect.sleep("3 minutes")
        assert.deepStrictEqual(writes.at(-1), ["nimbusguard", 3])
        const object = server.find("ScalingPolicy", "shop", "web") ?? {}
        assert.deepInclude(valueAt(object, "status"), { phase: "Active", currentReplicas: 3, targetReplicas: 3 })
        assert.strictEqual(metadataOf(object)["generation"], 1)
        assert.includeMembers(
          server.list("Event", "shop").map((event) => event["reason"]),
          ["ScaledUp", "ScaledDown"]
        )
        const holder = valueAt(server.list("Lease", "nimbusguard")[0], "spec.holderIdentity")
        assert.isTrue(typeof holder === "string" && holder.startsWith("a_"))
        const before = server.store.version
        const quiet = writes.length
        yield* Effect.sleep("20 minutes")
        assert.strictEqual(writes.length, quiet)
        // The Lease, and a status every five minutes; nothing else moves a quiet cluster.
        assert.isBelow(server.store.version - before, 1200 / 2 + 50)
      }).pipe(Effect.provide(operator))
    }),
    { seeds: 1 }
  )

  simulated(
    "ends a watch when its time is over, marks how far it is, and closes with its reader",
    Effect.gen(function* () {
      const { now, server } = yield* makeCluster
      const port = makePort(server, now)
      const path = "/api/v1/namespaces/shop/configmaps"
      const query = { watch: "true", allowWatchBookmarks: "true", timeoutSeconds: "90", resourceVersion: "0" }
      const reading = yield* Effect.forkChild(Stream.runCollect(port.watch(path, query)))
      yield* Effect.sleep("10 seconds")
      server.create({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", namespace: "shop" } })
      const events = yield* Fiber.join(reading)
      assert.deepStrictEqual(
        [...events].map(({ type }) => type),
        ["ADDED", "BOOKMARK", "BOOKMARK"]
      )
    })
  )

  simulated(
    "fails in the port's own words",
    Effect.gen(function* () {
      const { now, server } = yield* makeCluster
      const port = makePort(server, now)
      const tagOf = (path: string) =>
        Effect.map(Effect.flip(port.request({ method: "GET", path })), ({ reason }) => reason._tag)
      assert.strictEqual(yield* tagOf("/api/v1/namespaces/shop/configmaps/none"), "NotFound")
      assert.strictEqual(yield* tagOf("/api/v1/configmaps?fieldSelector=x=y"), "NotFound")
      server.store.compact()
      const query = { watch: "true", resourceVersion: "1" }
      const gone = yield* Effect.flip(Stream.runDrain(port.watch("/api/v1/configmaps", query)))
      assert.strictEqual(gone.reason._tag, "Gone")
      const none = yield* Effect.flip(Stream.runDrain(port.watch("/api/v1/nothings", query)))
      assert.strictEqual(none.reason._tag, "NotFound")
    })
  )
})
