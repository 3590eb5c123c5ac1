/**
 * The ScalingPolicy that somebody would write for the workload of a protocol's init message: its bounds, its objective
 * and the usual signals, and nothing that is tuned. The queries are what one would ask of a Prometheus; nothing asks them.
 */
import { GENERATED_BY, toYaml } from "#manifests/yaml"

type Json = Readonly<Record<string, unknown>>

const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

const numberIn = (json: unknown, field: string, absent: number): number => {
  const value = isJson(json) ? json[field] : undefined
  return typeof value === "number" && Number.isFinite(value) ? value : absent
}

const asked = (name: string, role: string, query: string, worksAtZero = false) => ({
  name,
  role,
  prometheus: { serverUrl: "http://prometheus.monitoring:9090", query, ...(worksAtZero ? { worksAtZero } : {}) }
})

/** Of the pods, in percent of what they request. */
const CPU = { name: "cpu", resource: { resource: "cpu" }, target: { type: "Utilization", value: "70" } }

const requests = (targetMs: number) => [
  asked("requests", "demand", "sum(rate(http_requests_total[15s]))", true),
  asked("answers", "served", "sum(rate(http_request_duration_seconds_count[15s]))"),
  CPU,
  asked("waiting", "backlog", "sum(http_requests_waiting)"),
  asked(
    "bad",
    "badFraction",
    `1 - sum(rate(http_request_duration_seconds_bucket{le="${targetMs / 1000}"}[15s])) / sum(rate(http_requests_total[15s]))`
  )
]

const messages = [
  asked("arrivals", "demand", "sum(rate(queue_messages_published_total[15s]))", true),
  asked("done", "served", "sum(rate(queue_messages_processed_total[15s]))"),
  CPU,
  asked("backlog", "backlog", "sum(queue_messages_waiting)", true)
]

const COOLDOWN_SECONDS = 300

export interface Choices {
  /** Absent: the engine's own. */
  readonly intervalSeconds?: number
  /** The use of the CPU is all that is measured. */
  readonly cpuOnly?: boolean
  /** Options of the engine auto. */
  readonly auto?: Json
  /** CPU at its target steers, as for whoever has no objective, and no objective changes that. */
  readonly byTarget?: boolean
  /** Q-learning beside it, as aiConfig says it. */
  readonly qLearning?: Json
}

/** As YAML, the way a person would apply it. */
export const workloadPolicy = (
  init: Json,
  { auto, byTarget = false, cpuOnly = false, intervalSeconds, qLearning }: Choices = {}
): string => {
  const { kind, limits, slo } = init
  const targetMs = numberIn(slo, "latencyMs", 500)
  const goodFraction = numberIn(slo, "target", 0.99)
  const startupSeconds = numberIn(init, "startupSecondsHint", 0)
  const isQueue = kind === "queue"
  const yaml = toYaml([
    {
      apiVersion: "nimbusguard.io/v1",
      kind: "ScalingPolicy",
      metadata: { name: "workload", namespace: "default" },
      spec: {
        target: { apiVersion: "apps/v1", kind: "Deployment", name: "workload" },
        scaling: {
          // Who goes by the CPU alone sees nothing where no pod is.
          minReplicas: Math.max(byTarget || cpuOnly ? 1 : 0, numberIn(limits, "min", 1)),
          maxReplicas: numberIn(limits, "max", 50),
          // Else it would be another one with aiConfig than without.
          ...(byTarget ? { cooldownPeriod: COOLDOWN_SECONDS } : {})
        },
        ...(intervalSeconds === undefined ? {} : { interval: `${intervalSeconds}s` }),
        signals: cpuOnly ? [CPU] : isQueue ? messages : requests(targetMs),
        ...(byTarget ? { engines: [{ target: {} }] } : auto === undefined ? {} : { engines: [{ auto }] }),
        ...(qLearning === undefined ? {} : { aiConfig: { qLearning } }),
        objectives: {
          ...(isQueue
            ? { queue: { drainSeconds: numberIn(slo, "drainSeconds", 60) } }
            : { latency: { targetMs, goodFraction } }),
          ...(startupSeconds > 0 ? { startupSeconds } : {})
        }
      }
    }
  ])
  // It is a person's from here on.
  return yaml.slice(GENERATED_BY.length)
}
