/** The real operator on the embedded cluster: traffic rises and falls, and replicas follow for the reason that there is. */
import { Effect, Layer } from "effect"
import { assert, describe } from "vitest"
import type { JsonObject } from "#cluster/api/json"
import { textAt, valueAt } from "#cluster/api/json"
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

const MINUTES = 35

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
          { name: "web", replicas: 2, traffic: { pattern: "ramp:low=0.5,high=6,rise=900,noise=0", rate: 40 } },
          {
            name: "orders",
            queue: {
              system: "nats",
              server: "nats",
              stream: "ORDERS",
              consumer: "workers",
              subject: "orders.processing"
            },
            traffic: { pattern: "onoff:on=600,off=600,height=4", rate: 10 }
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
})
