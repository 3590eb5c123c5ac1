/** One policy for each source, on a workload of which the world can tell in the source's own terms. */
import type { JsonObject } from "#cluster/api/json"
import type { Scenario } from "#cli/dev/scenarios/Scenario"
import type { WorkloadSpec } from "#cluster/world/WorkloadSpec"
import { SOURCES, type SourceName } from "#sources/index"

interface Recipe {
  readonly options: JsonObject
  readonly target: JsonObject
  readonly workload: Omit<WorkloadSpec, "name">
}

const QUEUED = { pattern: "ramp:low=0.3,high=2,rise=150", rate: 12 } as const
const REQUESTED = { pattern: "ramp:low=0.4,high=2,rise=150", rate: 80 } as const
const each = (value: string): JsonObject => ({ type: "AverageValue", value })

/** A source that is added needs a line here, or this does not compile. */
const RECIPES: Readonly<Record<SourceName, Recipe>> = {
  prometheus: {
    options: {
      serverUrl: "http://prometheus-server.monitoring.svc.cluster.local",
      query: 'sum(rate(http_requests_total{app="by-prometheus"}[1m]))'
    },
    target: each("28"),
    workload: { traffic: REQUESTED }
  },
  resource: {
    options: { resource: "cpu" },
    target: { type: "Utilization", value: "70" },
    workload: { traffic: REQUESTED }
  },
  nats: {
    options: { natsMonitoringURL: "http://nats:8222", subject: "events.created" },
    target: each("50"),
    workload: {
      traffic: QUEUED,
      queue: { system: "nats", server: "nats", stream: "EVENTS", consumer: "by-nats", subject: "events.created" }
    }
  },
  redis: {
    options: { host: "redis", port: 6379, db: 0, queueName: "mails" },
    target: each("50"),
    workload: { traffic: QUEUED, queue: { system: "redis", server: "redis", key: "mails", type: "list" } }
  },
  pubsub: {
    options: { projectId: "my-project", subscriptionId: "by-pubsub" },
    target: each("200"),
    workload: { traffic: QUEUED, queue: { system: "pubsub", project: "my-project", subscription: "by-pubsub" } }
  },
  kafka: {
    options: { bootstrapServers: ["kafka:9092"], consumerGroup: "by-kafka", topic: "jobs" },
    target: each("50"),
    workload: {
      traffic: QUEUED,
      queue: { system: "kafka", server: "kafka", topic: "jobs", group: "by-kafka", partitions: 12 }
    }
  },
  http: {
    options: { url: "http://by-http.default.svc.cluster.local:8080/stats", jsonPointer: "/requests/perSecond" },
    target: each("28"),
    workload: {
      traffic: REQUESTED,
      pages: [
        {
          url: "http://by-http.default.svc.cluster.local:8080/stats",
          at: ["requests", "perSecond"],
          tells: "requestsPerSecond"
        }
      ]
    }
  }
}

const names = Object.keys(SOURCES).filter((name): name is SourceName => Object.hasOwn(RECIPES, name))

const policyOf = (source: SourceName): JsonObject => ({
  apiVersion: "nimbusguard.io/v1",
  kind: "ScalingPolicy",
  metadata: { name: `by-${source}`, namespace: "default" },
  spec: {
    target: { apiVersion: "apps/v1", kind: "Deployment", name: `by-${source}` },
    scaling: {
      minReplicas: 1,
      maxReplicas: 15,
      behavior: { scaleDown: { stabilizationWindowSeconds: 60 } }
    },
    signals: [{ name: source, target: RECIPES[source].target, onEmpty: "Zero", [source]: RECIPES[source].options }]
  }
})

export const everySource: Scenario = {
  says: "one policy for each source of metrics, on a workload of its own",
  policies: names.map(policyOf),
  workloads: names.map((source) => ({
    name: `by-${source}`,
    replicas: 1,
    plant: { startupSeconds: 10 },
    ...RECIPES[source].workload
  }))
}
