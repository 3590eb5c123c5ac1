/** Every source of the registry, with its own example's options, against a world that has what the example names. */
import { Clock, Effect, Layer, Result } from "effect"
import { assert, describe } from "vitest"
import type { JsonObject } from "#cluster/api/json"
import { listAt, metadataOf, nameOf, objectAt, textAt } from "#cluster/api/json"
import * as Cluster from "#cluster/Cluster"
import type { WorkloadSpec } from "#cluster/world/WorkloadSpec"
import { projectPod } from "#operator/projections"
import type { Reading } from "#schemas/Reading"
import { Egress } from "#services/Egress"
import { bindSource, SOURCES, type SourceName } from "#sources/index"
import { simulated } from "#test/simulation/inSimulation"
import { signal } from "#test/sources/sourceWorld"

const steady = (rate: number) => ({ pattern: "steady", rate })

const WORKLOADS: ReadonlyArray<WorkloadSpec> = [
  {
    name: "my-app",
    replicas: 3,
    traffic: steady(60),
    pages: [{ url: "https://billing.example.com/queue", at: ["depth"], tells: "requestsPerSecond" }]
  },
  {
    name: "orders",
    queue: { system: "nats", server: "nats.messaging", stream: "ORDERS", consumer: "workers", subject: "orders.>" },
    traffic: steady(20)
  },
  {
    name: "worker",
    queue: { system: "redis", server: "redis.default", key: "job-queue", type: "list" },
    traffic: steady(20)
  },
  {
    name: "jobs",
    queue: { system: "kafka", server: "kafka.default", topic: "jobs", group: "workers", partitions: 4 },
    traffic: steady(20)
  },
  {
    name: "subscriber",
    queue: { system: "pubsub", project: "my-project", subscription: "my-subscription" },
    traffic: steady(20)
  }
]

const secret = (name: string, key: string): JsonObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: "default" },
  data: { [key]: "c2VjcmV0" }
})

const running = Effect.gen(function* () {
  const cluster = yield* Cluster.make({ seed: 1, workloads: WORKLOADS })
  cluster.api.create(secret("redis", "password"))
  cluster.api.create(secret("gcp-credentials", "credentials.json"))
  yield* cluster.run
  yield* Effect.sleep("5 minutes")
  return cluster
})

/** What one source makes of these options now. */
const sampleOf = (cluster: Cluster.Cluster, source: string, options: unknown, more: object = {}) =>
  Effect.gen(function* () {
    const bound = bindSource(signal(source, options, more))
    if (Result.isFailure(bound)) throw new Error(bound.failure.message)
    const pods = cluster.api.list("Pod", "default").flatMap((pod) => projectPod(pod) ?? [])
    return yield* bound.success.sample({
      namespace: "default",
      target: { apiVersion: "apps/v1", kind: "Deployment", namespace: "default", name: "my-app" },
      pods: pods.filter(({ name }) => name.startsWith("my-app-")),
      at: yield* Clock.currentTimeMillis
    })
  }).pipe(Effect.provide(Layer.fresh(cluster.layerSources)))

const numberOf = (reading: Reading): number => {
  assert.strictEqual(reading._tag, "Measured", JSON.stringify(reading))
  return reading._tag === "Measured" ? reading.value : Number.NaN
}

/** Twenty a second with one worker of five a second leaves most of five minutes' messages. */
const backlog = [3000, 5000] as const

const EXPECTED: Readonly<Record<SourceName, readonly [least: number, most: number]>> = {
  prometheus: [50, 70],
  resource: [0.03, 0.07],
  nats: backlog,
  redis: backlog,
  kafka: backlog,
  pubsub: backlog,
  http: [30, 95]
}

describe("the world behind the ports", () => {
  simulated(
    "gives every source of the registry a number for its own example",
    Effect.gen(function* () {
      const cluster = yield* running
      for (const [name, { example }] of Object.entries(SOURCES)) {
        const value = numberOf(yield* sampleOf(cluster, name, example))
        const [least, most] = EXPECTED[name as SourceName]
        assert.isTrue(value >= least && value <= most, `${name} is ${value}, not within ${least} to ${most}`)
      }
    }),
    { seeds: 1 }
  )

  simulated(
    "reads CPU of the pods from Prometheus where metrics.k8s.io is not asked, and both agree",
    Effect.gen(function* () {
      const cluster = yield* running
      const resource = numberOf(yield* sampleOf(cluster, "resource", { resource: "cpu" }))
      const query =
        'sum by (pod, container) (rate(container_cpu_usage_seconds_total{namespace="default",container!="",container!="POD",pod=~"my-app-.*"}[2m]))'
      const asked = numberOf(yield* sampleOf(cluster, "prometheus", { query, reduce: "avg" }))
      assert.closeTo(asked, resource, resource * 0.25)
    }),
    { seeds: 1 }
  )

  simulated(
    "serves metrics.k8s.io with the window, the time and the labels that kubectl top reads",
    Effect.gen(function* () {
      const cluster = yield* running
      const { body } = cluster.api.handle({
        method: "GET",
        path: "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods"
      })
      const items = listAt(body as JsonObject, "items") as ReadonlyArray<JsonObject>
      const now = yield* Clock.currentTimeMillis
      assert.strictEqual(items.length, 7)
      for (const item of items) {
        assert.strictEqual(item["window"], "15s")
        const age = now - Date.parse(textAt(item, "timestamp"))
        assert.isTrue(age >= 0 && age <= 15_000, `sampled ${age} ms ago`)
        assert.match(JSON.stringify(item["containers"]), /"usage":\{"cpu":"\d+n","memory":"\d+Ki"\}/u)
        assert.isString(objectAt(metadataOf(item), "labels")["app"])
      }
      const { body: nodes } = cluster.api.handle({ method: "GET", path: "/apis/metrics.k8s.io/v1beta1/nodes" })
      const names = (listAt(nodes as JsonObject, "items") as ReadonlyArray<JsonObject>).map(nameOf)
      assert.deepStrictEqual(names, ["node-a", "node-b"])
    }),
    { seeds: 1 }
  )

  simulated(
    "says of a server that is not there who is, and of a queue that is not there what it lacks",
    Effect.gen(function* () {
      const cluster = yield* running
      const cases = [
        ["http", { url: "http://elsewhere.example.com/", jsonPointer: "/a" }, "Unreachable", "nats.messaging"],
        ["http", { url: "https://billing.example.com/queue", jsonPointer: "/none" }, "Malformed", "nothing at /none"],
        ["prometheus", { query: "topk(1, up)" }, "BadOptions", "does not support it"],
        ["prometheus", { query: "up[5m]" }, "Malformed", "a matrix"],
        ["nats", { natsMonitoringURL: "http://nats:8222", subject: "bills.open" }, "NoStream", "ORDERS (orders.>)"],
        ["redis", { host: "redis", queueName: "none" }, "Empty", "no such key"],
        ["redis", { host: "elsewhere", queueName: "none" }, "Unreachable", "redis.default"],
        [
          "kafka",
          { bootstrapServers: ["kafka:9092"], consumerGroup: "workers", topic: "none" },
          "NotFound",
          "which has jobs"
        ],
        [
          "kafka",
          { bootstrapServers: ["kafka:9092"], consumerGroup: "none", topic: "jobs" },
          "NoConsumer",
          "no offset committed"
        ],
        ["kafka", { bootstrapServers: ["nowhere:9092"], consumerGroup: "workers" }, "Unreachable", "kafka.default"],
        ["pubsub", { projectId: "my-project", subscriptionId: "none" }, "Empty", "no point of the subscription"]
      ] as const
      for (const [source, options, why, words] of cases) {
        const reading = yield* sampleOf(cluster, source, options)
        assert.strictEqual(
          reading._tag === "Missing" ? reading.why : reading._tag,
          why,
          JSON.stringify([source, reading])
        )
        assert.include(JSON.stringify(reading), words)
      }
    }),
    { seeds: 1 }
  )

  simulated(
    "knows a Service by every name that a cluster has for it",
    Effect.gen(function* () {
      const cluster = yield* running
      const egress = yield* Egress.pipe(Effect.provide(cluster.layerPorts))
      const statuses = yield* Effect.forEach(
        [
          ...["prometheus:9090", "prometheus-server.monitoring.svc.cluster.local", "prometheus-k8s.any.svc"].map(
            (host) => `http://${host}/api/v1/query?query=1`
          ),
          ...["nats:8222", "nats.messaging:8222", "NATS.messaging.svc.cluster.local"].map(
            (host) => `http://${host}/jsz`
          )
        ],
        (url) => Effect.map(egress.request({ method: "GET", url }), ({ status }) => status)
      )
      assert.deepStrictEqual([...new Set(statuses)], [200])
      const elsewhere = yield* Effect.flip(egress.request({ method: "GET", url: "http://nats.default:8222/jsz" }))
      assert.strictEqual(elsewhere.reason._tag, "Unreachable")
    }),
    { seeds: 1 }
  )
})
