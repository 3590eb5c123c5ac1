/** The real operator on the embedded cluster: traffic rises and falls, and replicas follow for the reason that there is. */
import { Effect, Layer } from "effect"
import { assert, describe } from "vitest"
import type { JsonObject } from "#cluster/api/json"
import { nameOf, textAt, valueAt } from "#cluster/api/json"
import * as Cluster from "#cluster/Cluster"
import { Plugs } from "#operator/bind"
import * as Operator from "#operator/Operator"
import { DECODE_SETTINGS } from "#schemas/crd/Crd"
import { Metrics } from "#services/Metrics"
import { simulated } from "#test/simulation/inSimulation"

const scalingPolicy = (name: string, spec: JsonObject): JsonObject => ({
  apiVersion: "nimbusguard.io/v1",
  kind: "ScalingPolicy",
  metadata: { name, namespace: "default" },
  spec: {
    target: { apiVersion: "apps/v1", kind: "Deployment", name },
    scaling: { minReplicas: 1, maxReplicas: 20, behavior: { scaleDown: { stabilizationWindowSeconds: 60 } } },
    ...spec
  }
})

/** CPU of the pods as a share of what they request, by what Prometheus scrapes. */
const cpu = 'sum(rate(container_cpu_usage_seconds_total{namespace="default",pod=~"web-.*"}[1m])) * 1000'

const operatorOn = (cluster: Cluster.Cluster) =>
  Operator.layer({
    namespaces: undefined,
    ownNamespace: "nimbusguard",
    identity: "a",
    leaderElection: true,
    decode: DECODE_SETTINGS
  }).pipe(
    Layer.provide(Plugs.layer),
    Layer.provide(Metrics.layerNone),
    Layer.provide(cluster.layerSources),
    Layer.fresh
  )

const statusOf = (cluster: Cluster.Cluster, name: string) =>
  valueAt(cluster.api.find("ScalingPolicy", "default", name), "status")

const MINUTES = 19

interface Seen {
  readonly web: number
  readonly orders: number
  readonly rate: number
  readonly waiting: number
}

const replicasOf = (cluster: Cluster.Cluster, name: string) =>
  Number(valueAt(cluster.api.find("Deployment", "default", name), "spec.replicas"))

describe("an embedded cluster under traffic", () => {
  simulated(
    "scales a Deployment by its CPU and another by a NATS backlog, up and down, for these reasons",
    Effect.gen(function* () {
      const cluster = yield* Cluster.make({
        seed: 7,
        workloads: [
          { name: "web", replicas: 2, traffic: { pattern: "ramp:low=0.5,high=6,rise=480,noise=0", rate: 40 } },
          {
            name: "orders",
            queue: {
              system: "nats",
              server: "nats",
              stream: "ORDERS",
              consumer: "workers",
              subject: "orders.processing"
            },
            traffic: { pattern: "onoff:on=300,off=300,height=4", rate: 10 }
          }
        ]
      })
      yield* cluster.run
      cluster.api.create(
        scalingPolicy("web", {
          signals: [
            {
              name: "cpu",
              target: { type: "AverageValue", value: "70" },
              prometheus: { serverUrl: "http://prometheus.monitoring:9090", query: cpu }
            }
          ]
        })
      )
      cluster.api.create(
        scalingPolicy("orders", {
          signals: [
            {
              name: "orders",
              target: { type: "AverageValue", value: "20" },
              nats: { natsMonitoringURL: "http://nats:8222", subject: "orders.processing" }
            }
          ]
        })
      )
      const seen: Array<Seen> = []
      yield* Effect.gen(function* () {
        for (let half = 0; half < 2 * MINUTES; half++) {
          yield* Effect.sleep("30 seconds")
          const [web, orders] = cluster.services()
          seen.push({
            web: replicasOf(cluster, "web"),
            orders: replicasOf(cluster, "orders"),
            rate: web?.arrived ?? 0,
            waiting: orders?.waiting ?? 0
          })
        }
      }).pipe(Effect.provide(operatorOn(cluster)))

      const peak = seen.find(({ rate }) => rate > 230)
      // 40 requests a second and pod use 100m, so that 240 of them want 9 pods of 70m; a tenth is tolerated.
      assert.oneOf(peak?.web, [7, 8, 9])
      const valley = seen.slice(MINUTES).filter(({ rate }) => rate < 45)
      assert.isTrue(valley.some(({ web }) => web <= 2))
      assert.isTrue(seen.some(({ orders, waiting }) => orders >= 10 && waiting > 200))
      assert.isTrue(seen.slice(MINUTES).some(({ orders, waiting }) => orders === 1 && waiting === 0))
      const told = cluster.api
        .list("Event", "default")
        .map((event) => `${textAt(event, "reason")} ${textAt(event, "message")}`)
      for (const reason of [
        /^ScaledUp Scaled Deployment\/web up from \d+ to \d+: cpu [\d.]+ over 70 per pod/u,
        /^ScaledDown Scaled Deployment\/web down from \d+ to \d+: cpu [\d.]+ under 70 per pod/u,
        /^ScaledUp Scaled Deployment\/orders up from \d+ to \d+: orders [\d.]+ over 20 per pod/u,
        /^ScaledDown Scaled Deployment\/orders down from \d+ to \d+: orders [\d.]+ under 20 per pod/u
      ]) {
        assert.isTrue(
          told.some((line) => reason.test(line)),
          `${String(reason)} in\n${told.join("\n")}`
        )
      }
      assert.deepInclude(statusOf(cluster, "orders"), { phase: "Active" })
    }),
    { seeds: 1 }
  )

  simulated(
    "runs a StatefulSet whose pods crash and come back, in a namespace of its own, under a load that ends",
    Effect.gen(function* () {
      const cluster = yield* Cluster.make({
        seed: 3,
        workloads: [
          {
            name: "ledger",
            namespace: "bank",
            kind: "StatefulSet",
            replicas: 3,
            plant: { startupSeconds: 5 },
            trouble: { crashEverySeconds: 300, reason: "OOMKilled" }
          }
        ]
      })
      yield* cluster.run
      yield* Effect.sleep("1 minute")
      const [ledger] = cluster.services()
      assert.deepStrictEqual([ledger?.desired, ledger?.pods, ledger?.readyPods], [3, 3, 3])
      assert.isTrue(cluster.load("ledger", { durationSeconds: 120, intensity: 40 }, "bank"))
      assert.isFalse(cluster.load("ledger", { durationSeconds: 120, intensity: 40 }))
      yield* Effect.sleep("1 minute")
      // 40 percent of what five pods can do, which is 80 requests a second.
      assert.closeTo(cluster.services()[0]?.arrived ?? 0, 80, 40)
      yield* Effect.sleep("10 minutes")
      assert.strictEqual(cluster.services()[0]?.arrived, 0)
      const pods = cluster.api.list("Pod", "bank")
      assert.deepStrictEqual(pods.map(nameOf), ["ledger-0", "ledger-1", "ledger-2"])
      const restarts = pods.map((pod) => JSON.stringify(valueAt(pod, "status.containerStatuses")))
      assert.isTrue(restarts.some((status) => /"restartCount":[1-9]/u.test(status) && status.includes("OOMKilled")))
    }),
    { seeds: 2 }
  )

  simulated(
    "leaves alone what is there: a Deployment of somebody's own is what its workload runs in",
    Effect.gen(function* () {
      const cluster = yield* Cluster.make({ seed: 3, workloads: [], namespaces: ["shop"] })
      yield* cluster.run
      const labels = { app: "own" }
      cluster.api.create({
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "own", namespace: "shop" },
        spec: {
          replicas: 2,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers: [{ name: "main", image: "none" }] } }
        }
      })
      yield* Effect.sleep("2 minutes")
      assert.deepStrictEqual(
        cluster.services().map(({ name, pods, readyPods }) => [name, pods, readyPods]),
        [["own", 2, 2]]
      )
      assert.isTrue(cluster.setTraffic("own", { pattern: "steady:noise=0", rate: 30 }, "shop"))
      yield* Effect.sleep("1 minute")
      assert.closeTo(cluster.services()[0]?.utilization ?? 0, 30 / 80, 0.3)
    }),
    { seeds: 2 }
  )
})
