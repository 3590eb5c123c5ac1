/**
 * The port to what pods use: one listing of metrics.k8s.io per namespace and moment, whoever asks, and where that API
 * is not served, the operator's Prometheus by the queries below.
 */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { PodMetrics } from "#schemas/kubernetes/PodMetrics"
import { parseQuantityMilli } from "#schemas/quantity"
import type { Millis } from "#schemas/Reading"
import { keptAnswers } from "#services/keptAnswers"
import { Kubernetes } from "#services/Kubernetes"
import type { KubernetesError } from "#services/Kubernetes"
import { Prometheus } from "#services/Prometheus"
import { SourceError } from "#services/SourceError"

export type Resource = "cpu" | "memory"

export interface PodUsage {
  readonly sampledAt: Millis
  /** Usage is the mean over this long, ending at `sampledAt`. */
  readonly windowMillis: number
  /** Milli-units by container; the inner record of a container without a sample is empty. */
  readonly containers: ReadonlyMap<string, Readonly<Partial<Record<Resource, number>>>>
}

/** By pod name. */
export type NamespaceUsage = ReadonlyMap<string, PodUsage>

export class ResourceMetrics extends Context.Service<
  ResourceMetrics,
  { readonly usage: (namespace: string, resource: Resource) => Effect.Effect<NamespaceUsage, SourceError> }
>()("nimbusguard/services/ResourceMetrics") {}

/** metrics-server looks every 15 s: an answer of two seconds ago is as new as one of now. */
const SHARED = "2 seconds"
const NAMESPACES_MAX = 256
const RATE_WINDOW_MILLIS = 120_000

/** Documented in docs/SOURCES: what the operator's Prometheus is asked where metrics.k8s.io is not served. */
export const FALLBACK_QUERIES: Readonly<Record<Resource, (namespace: string) => string>> = {
  cpu: (namespace) =>
    `sum by (pod, container) (rate(container_cpu_usage_seconds_total{namespace=${JSON.stringify(namespace)},container!="",container!="POD"}[2m]))`,
  memory: (namespace) =>
    `sum by (pod, container) (container_memory_working_set_bytes{namespace=${JSON.stringify(namespace)},container!="",container!="POD"})`
}

const UNITS = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 0.001, µs: 0.001, ns: 0.000_001 } as const

/** Go's notation: 30s, 1m0.5s. */
export const parseGoDurationMillis = (text: string): number | undefined => {
  if (!/^(?:\d+(?:\.\d*)?(?:h|m|s|ms|us|µs|ns))+$/u.test(text)) return undefined
  let millis = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d*)?)(ms|us|µs|ns|h|m|s)/gu)) {
    millis += Number(amount) * UNITS[unit as keyof typeof UNITS]
  }
  return Number.isFinite(millis) ? Math.round(millis) : undefined
}

const Listing = Schema.Struct({ items: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.Unknown))) })

const podUsage = (item: unknown): readonly [string, PodUsage] | undefined => {
  const decoded = Schema.decodeUnknownResult(PodMetrics)(item)
  if (Result.isFailure(decoded)) return undefined
  const { containers, metadata, timestamp, window } = decoded.success
  const sampledAt = Option.getOrUndefined(Option.map(DateTime.make(timestamp), DateTime.toEpochMillis))
  const windowMillis = parseGoDurationMillis(window)
  if (sampledAt === undefined || windowMillis === undefined) return undefined
  const milli = (quantity: string | undefined) => {
    const parsed = quantity === undefined ? undefined : parseQuantityMilli(quantity)
    return parsed === undefined || parsed < 0 ? undefined : parsed
  }
  const usages = containers.map(({ name, usage }) => {
    const [cpu, memory] = [milli(usage["cpu"]), milli(usage["memory"])]
    return [name, { ...(cpu === undefined ? {} : { cpu }), ...(memory === undefined ? {} : { memory }) }] as const
  })
  return [metadata.name, { sampledAt, windowMillis, containers: new Map(usages) }]
}

const failure = (namespace: string, error: KubernetesError): SourceError => {
  const what = `The pod metrics of ${namespace} could not be read from metrics.k8s.io`
  switch (error.reason._tag) {
    case "NotFound":
      return new SourceError({
        why: "NotFound",
        detail: `${what}, because it is not served. Install metrics-server, or set PROMETHEUS_URL on the operator.`
      })
    case "Forbidden":
    case "Unauthorized":
      return new SourceError({
        why: error.reason._tag,
        detail: `${what}: refused. Let the operator's ServiceAccount "list" pods in metrics.k8s.io.`
      })
    case "Throttled":
      return new SourceError({
        why: "Throttled",
        detail: `${what}: the API server is too busy. It is asked again at a later tick.`
      })
    case "Malformed":
    case "Invalid":
      return new SourceError({
        why: "Malformed",
        detail: `${what}: the answer is no PodMetricsList. Check what serves metrics.k8s.io.`
      })
    case "ServerError":
      return new SourceError({
        why: "HttpStatus",
        detail: `${what}: HTTP ${error.reason.status}. Check the APIService v1beta1.metrics.k8s.io and metrics-server.`
      })
    case "Unknown":
      return new SourceError({ why: "Timeout", detail: `${what} in time. Check metrics-server and the API server.` })
    default:
      return new SourceError({
        why: "Unreachable",
        detail: `${what}: the API server does not answer. It is asked again at a later tick.`
      })
  }
}

const make = Effect.gen(function* () {
  const kubernetes = yield* Kubernetes
  const prometheus = yield* Prometheus

  const list = Effect.fn("ResourceMetrics.list")(function* (namespace: string) {
    const answer = yield* kubernetes.request({
      method: "GET",
      path: `/apis/metrics.k8s.io/v1beta1/namespaces/${encodeURIComponent(namespace)}/pods`
    })
    const listing = Schema.decodeUnknownResult(Listing)(answer)
    const items = Result.isSuccess(listing) ? (listing.success.items ?? []) : undefined
    const pods = items?.map(podUsage).filter((pod) => pod !== undefined)
    if (pods === undefined || (pods.length === 0 && items?.length !== 0)) {
      return yield* new SourceError({
        why: "Malformed",
        detail: `The pod metrics of ${namespace} are no PodMetricsList. Check what serves metrics.k8s.io.`
      })
    }
    return new Map(pods) as NamespaceUsage
  })

  const kept = yield* keptAnswers({ capacity: NAMESPACES_MAX, timeToLive: () => SHARED, lookup: list })

  const fallback = Effect.fn("ResourceMetrics.fallback")(function* (namespace: string, resource: Resource) {
    const promql = FALLBACK_QUERIES[resource](namespace)
    const { series } = yield* prometheus.query({ serverUrl: undefined, promql, answer: "own" })
    const pods = new Map<string, PodUsage & { readonly containers: Map<string, Partial<Record<Resource, number>>> }>()
    for (const { at, labels, value } of series) {
      const { container, pod } = labels
      const milli = Math.ceil(Number(value) * 1000)
      if (pod === undefined || container === undefined) continue
      const windowMillis = resource === "cpu" ? RATE_WINDOW_MILLIS : 0
      const known = pods.get(pod) ?? { sampledAt: at, windowMillis, containers: new Map() }
      // A container without a usable sample stays in sight, or its pod would be known in half.
      known.containers.set(container, Number.isSafeInteger(milli) && milli >= 0 ? { [resource]: milli } : {})
      pods.set(pod, known)
    }
    return pods as NamespaceUsage
  })

  return ResourceMetrics.of({
    usage: (namespace, resource) =>
      kept
        .get(namespace)
        .pipe(
          Effect.catchTag("KubernetesError", (error) =>
            error.reason._tag === "NotFound" && prometheus.hasDefault
              ? fallback(namespace, resource)
              : Effect.fail(failure(namespace, error))
          )
        )
  })
})

export const layer: Layer.Layer<ResourceMetrics, never, Kubernetes | Prometheus> = Layer.effect(ResourceMetrics, make)
