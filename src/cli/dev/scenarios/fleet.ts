/**
 * The services of the demo and what scales them: one policy at least of each kind, with the names, queries and numbers
 * of the seeds' examples, so that what the seeds type works here. Scenarios differ in what comes over them.
 */
import type { JsonObject } from "#cluster/api/json"
import type { TrafficSpec, WorkloadSpec } from "#cluster/world/WorkloadSpec"

const PROMETHEUS = "http://prometheus-server.monitoring.svc.cluster.local"

/** Seed 2's, word for word: CPU steers. */
const consumerWorkload: JsonObject = {
  apiVersion: "nimbusguard.io/v1",
  kind: "ScalingPolicy",
  metadata: { name: "consumer-workload-ai-scaling", namespace: "default" },
  spec: {
    target: { apiVersion: "apps/v1", kind: "Deployment", name: "consumer-workload" },
    scaling: { minReplicas: 1, maxReplicas: 10, cooldownPeriod: 300 },
    aiConfig: { qLearning: { learningRate: 0.1, epsilonStart: 1, epsilonEnd: 0.01 } }
  }
}

/** Seed 5's HTTP service, word for word. */
const myApp: JsonObject = {
  apiVersion: "autoscaling.generalscaler.io/v1alpha1",
  kind: "GeneralScaler",
  metadata: { name: "my-app-scaler", namespace: "default" },
  spec: {
    targetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "my-app" },
    minReplicas: 2,
    maxReplicas: 20,
    metric: {
      type: "prometheus",
      targetValue: 100,
      prometheus: {
        serverUrl: PROMETHEUS,
        query: 'sum(rate(http_requests_total{app="my-app"}[1m])) / count(up{app="my-app"})'
      }
    },
    policy: { type: "slo", slo: { targetLatencyMs: 200, targetErrorRate: 0.01 } },
    behavior: {
      scaleUp: { maxIncrement: 5, cooldownSeconds: 60 },
      scaleDown: { maxDecrement: 2, cooldownSeconds: 300 }
    },
    syncIntervalSeconds: 30
  }
}

/** Seed 5's workers on a Redis list, word for word: a budget caps them at 27. */
const worker: JsonObject = {
  apiVersion: "autoscaling.generalscaler.io/v1alpha1",
  kind: "GeneralScaler",
  metadata: { name: "worker-scaler", namespace: "default" },
  spec: {
    targetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "worker" },
    minReplicas: 1,
    maxReplicas: 50,
    metric: {
      type: "redis",
      targetValue: 50,
      redis: { host: "redis.default.svc.cluster.local", port: 6379, db: 0, queueName: "job-queue" }
    },
    policy: {
      type: "costAware",
      costAware: { maxMonthlyCost: 1000, costPerPodPerHour: 0.05, preferredScaleDirection: "down" }
    },
    behavior: {
      scaleUp: { maxIncrement: 10, cooldownSeconds: 30 },
      scaleDown: { maxDecrement: 5, cooldownSeconds: 300 }
    }
  }
}

/** Seed 4's, for a Deployment of its own: the seeds call two different ones my-app. */
const orders: JsonObject = {
  apiVersion: "scaling.example.com/v1",
  kind: "ScalingRule",
  metadata: { name: "orders-scaling", namespace: "default" },
  spec: {
    deploymentName: "orders",
    namespace: "default",
    minReplicas: 1,
    maxReplicas: 10,
    natsMonitoringURL: "http://nats:8222",
    subject: "orders.processing",
    scaleUpThreshold: 50,
    scaleDownThreshold: 10,
    pollIntervalSeconds: 15
  }
}

/** Seed 1's, for two Deployments that carry the label; each is scaled by itself. */
const shop: JsonObject = {
  apiVersion: "nimbusguard.io/v1alpha1",
  kind: "IntelligentScaling",
  metadata: { name: "example-scaling", namespace: "default" },
  spec: {
    namespace: "default",
    target_labels: { tier: "shop" },
    min_replicas: 1,
    max_replicas: 10,
    metrics_config: {
      prometheus_url: "http://prometheus:9090",
      metrics: [
        {
          query: 'sum by (app) (rate(http_requests_total{app=~"shop-.*"}[1m])) / count by (app) (up{app=~"shop-.*"})',
          threshold: 25,
          condition: "gt"
        }
      ]
    }
  }
}

const asked = (name: string, role: string, query: string): JsonObject => ({
  name,
  role,
  prometheus: { serverUrl: PROMETHEUS, query }
})

/** What an HTTP service tells of itself: what came, what was answered, how busy it was, and what took too long. */
export const told = (app: string, targetMs: number): ReadonlyArray<JsonObject> => {
  const rate = (metric: string, labels = "") => `sum(rate(${metric}{app="${app}"${labels}}[30s]))`
  const good = rate("http_request_duration_seconds_bucket", `,le="${targetMs / 1000}"`)
  return [
    asked("requests", "demand", rate("http_requests_total")),
    asked("answers", "served", rate("http_request_duration_seconds_count")),
    { name: "cpu", resource: { resource: "cpu" }, target: { type: "Utilization", value: "70" } },
    // Counters of one scrape are not read at one instant: a little more than all may have been good.
    asked("slow", "badFraction", `clamp_min(1 - ${good} / ${rate("http_requests_total")}, 0)`)
  ]
}

/** What nobody has to tune: an objective, and the engine `auto`. */
const catalog: JsonObject = {
  apiVersion: "nimbusguard.io/v1",
  kind: "ScalingPolicy",
  metadata: { name: "catalog-fast-enough", namespace: "default" },
  spec: {
    target: { apiVersion: "apps/v1", kind: "Deployment", name: "catalog" },
    scaling: { minReplicas: 1, maxReplicas: 20 },
    signals: [...told("catalog", 500)],
    objectives: { latency: { targetMs: 500, goodFraction: 0.99 } }
  }
}

/** Eight workers on short requests: one pod answers 160 a second, and the seed asks for 100. */
const QUICK = { workers: 8, serviceSeconds: 0.05, startupSeconds: 10 } as const
/** Starts sooner than most, so that a demo shows what follows from it. */
const STARTS = { startupSeconds: 10 } as const

type Name = "consumer-workload" | "my-app" | "worker" | "orders" | "shop-web" | "shop-api" | "catalog"

const WORKLOADS: Readonly<Record<Name, WorkloadSpec>> = {
  "consumer-workload": { name: "consumer-workload", replicas: 1, plant: STARTS },
  "my-app": { name: "my-app", replicas: 2, plant: QUICK },
  worker: {
    name: "worker",
    replicas: 1,
    plant: STARTS,
    queue: { system: "redis", server: "redis", key: "job-queue", type: "list" }
  },
  orders: {
    name: "orders",
    replicas: 1,
    plant: STARTS,
    queue: { system: "nats", server: "nats", stream: "ORDERS", consumer: "orders", subject: "orders.processing" }
  },
  "shop-web": { name: "shop-web", replicas: 1, labels: { tier: "shop" }, plant: STARTS },
  "shop-api": { name: "shop-api", replicas: 1, labels: { tier: "shop" }, plant: STARTS },
  catalog: { name: "catalog", replicas: 4, plant: STARTS }
}

export const POLICIES: ReadonlyArray<JsonObject> = [consumerWorkload, shop, orders, myApp, worker, catalog]

export const withTraffic = (traffic: Readonly<Record<Name, TrafficSpec>>): ReadonlyArray<WorkloadSpec> =>
  Object.values(WORKLOADS).map((workload) => ({ ...workload, traffic: traffic[workload.name as Name] }))

/** Where the seeds' load goes by the words that they use. */
export const TARGETS: Readonly<Record<string, string>> = {
  cpu: "consumer-workload",
  http: "my-app",
  queue: "worker",
  nats: "orders"
}
