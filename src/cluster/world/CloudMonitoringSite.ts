/**
 * Cloud Monitoring's list of time series for the Pub/Sub subscriptions of the world: a point a minute, and none of them
 * at once, as with Google.
 */
import type { Json } from "#cluster/api/json"
import type { Queued } from "#cluster/world/queueServers"
import type { Site } from "#cluster/world/Site"
import type { QueueSpec } from "#cluster/world/WorkloadSpec"
import { parseTime, secondTime } from "#services/kubernetesTime"

export type Subscription = Queued<Extract<QueueSpec, { readonly system: "pubsub" }>>

interface Point {
  readonly atMillis: number
  readonly undelivered: number
  readonly oldestSeconds: number
}

/** From being taken until it can be seen. */
const LATE_MILLIS = 30_000
const POINTS_MAX = 1440

const PREFIX = "pubsub.googleapis.com/subscription/"

const TOLD: Readonly<Record<string, (point: Point) => number>> = {
  [`${PREFIX}num_undelivered_messages`]: ({ undelivered }) => undelivered,
  [`${PREFIX}oldest_unacked_message_age`]: ({ oldestSeconds }) => oldestSeconds
}

const CONDITION = /^([a-z_.]+) = "((?:[^"\\]|\\.)*)"$/u

/** The conditions of a filter; undefined: it is not one that is understood. */
const conditionsOf = (filter: string): ReadonlyMap<string, string> | undefined => {
  const parts = filter.split(" AND ").map((part) => CONDITION.exec(part.trim()))
  if (parts.some((part) => part === null)) return undefined
  return new Map(parts.map((part) => [part?.[1] ?? "", (part?.[2] ?? "").replace(/\\(.)/gu, "$1")]))
}

const refusal = (code: number, status: string, message: string): Json => ({ error: { code, message, status } })

export class CloudMonitoringSite {
  readonly #points = new Map<string, Array<Point>>()
  readonly #nowMillis: () => number
  readonly #subscriptions: () => ReadonlyArray<Subscription>

  constructor(subscriptions: () => ReadonlyArray<Subscription>, nowMillis: () => number) {
    this.#subscriptions = subscriptions
    this.#nowMillis = nowMillis
  }

  /** Once a minute. */
  sample(atMillis: number): void {
    for (const { queue, service } of this.#subscriptions()) {
      const key = `${queue.project}/${queue.subscription}`
      const points = this.#points.get(key) ?? []
      this.#points.set(key, points)
      const undelivered = service.waiting + service.inService
      points.unshift({ atMillis, undelivered, oldestSeconds: service.queue?.ageSeconds ?? 0 })
      points.splice(POINTS_MAX)
    }
  }

  readonly site: Site = ({ parameters, path }) => {
    const project = /^\/v3\/projects\/([^/]+)\/timeSeries$/u.exec(path)?.[1]
    if (project === undefined) {
      return { status: 404, json: refusal(404, "NOT_FOUND", `${path} is not served: ask projects.timeSeries.list`) }
    }
    const filter = parameters.get("filter") ?? ""
    const conditions = conditionsOf(filter)
    const type = conditions?.get("metric.type") ?? ""
    const told = Object.hasOwn(TOLD, type) ? TOLD[type] : undefined
    if (conditions === undefined || told === undefined) {
      const message = `The embedded cluster knows no series for the filter ${filter}: name one metric.type of Pub/Sub and labels with =.`
      return { status: 400, json: refusal(400, "INVALID_ARGUMENT", message) }
    }
    const [from = 0, to = Infinity] = ["startTime", "endTime"].map((name) =>
      parseTime(parameters.get(`interval.${name}`))
    )
    const visible = Math.min(to, this.#nowMillis() - LATE_MILLIS)
    const wanted = conditions.get("resource.labels.subscription_id")
    const series = this.#subscriptions()
      .filter(({ queue }) => queue.project === decodeURIComponent(project))
      .filter(({ queue }) => wanted === undefined || queue.subscription === wanted)
      .map(({ queue }) => ({
        labels: { project_id: queue.project, subscription_id: queue.subscription },
        points: (this.#points.get(`${queue.project}/${queue.subscription}`) ?? [])
          .filter(({ atMillis }) => atMillis >= from && atMillis <= visible)
          .slice(0, Number(parameters.get("pageSize") ?? POINTS_MAX))
      }))
      .filter(({ points }) => points.length > 0)
    return {
      status: 200,
      json: {
        timeSeries: series.map(({ labels, points }) => ({
          metric: { type },
          resource: { type: "pubsub_subscription", labels },
          metricKind: "GAUGE",
          valueType: "INT64",
          points: points.map((point) => {
            const endTime = secondTime(point.atMillis)
            return { interval: { startTime: endTime, endTime }, value: { int64Value: String(Math.round(told(point))) } }
          })
        }))
      }
    }
  }
}
