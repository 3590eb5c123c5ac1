/**
 * What the fleet of a simulation asks, for each source of the registry: the options of a signal about one target, and
 * the name of the question, `source/what/target`, by which the world answers and a checker remembers the answer.
 */
import type { SourceName } from "#sources/index"
import type { JsonObject } from "#cluster/api/json"

/** `total` is the whole load, `each` a ready pod's share of it; the others are made of the two. */
export type What = "total" | "each" | "latency" | "errors" | "served" | "busy" | "bad"

export interface Question {
  readonly options: JsonObject
  readonly key: string
}

export const PROMETHEUS_URL = "http://prometheus.test:9090"

export const promqlOf = (what: What, target: string): string => `${what}{target="${target}"}`

/** How many a queue on each system is asked for; `what` is Prometheus' alone. */
const OPTIONS: Readonly<Record<SourceName, (target: string, what: What) => JsonObject>> = {
  prometheus: (target, what) => ({ serverUrl: PROMETHEUS_URL, query: promqlOf(what, target) }),
  resource: () => ({ resource: "cpu" }),
  nats: (target) => ({ natsMonitoringURL: `http://nats-${target}.test:8222`, subject: `work.${target}` }),
  redis: (target) => ({ host: "redis.test", queueName: target }),
  pubsub: (target) => ({ projectId: "project", subscriptionId: `sub-${target}`, endpoint: "http://pubsub.test" }),
  kafka: (target) => ({ bootstrapServers: ["kafka.test:9092"], consumerGroup: target, topic: "jobs" }),
  http: (target) => ({ url: `http://queues.test/${target}`, jsonPointer: "/waiting" })
}

export const ask = (source: SourceName, target: string, what: What = "total"): Question => ({
  options: OPTIONS[source](target, what),
  key: keyOf(source, what, target)
})

/** What pods use is asked through the API, and what it said is noted by nobody. */
export const isNoted = (key: string): boolean => !key.startsWith("resource/")

export const keyOf = (source: SourceName, what: What, target: string): string => `${source}/${what}/${target}`
