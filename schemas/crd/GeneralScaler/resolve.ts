/** What a GeneralScaler means: one signal called `metric`, and what its policy adds. */
import type { Objectives, Signal } from "#schemas/Policy"
import { ALL_SAFE, checkBounds, DIRECTION, milli, noteBudget, noteInlineSecrets, resolvePause } from "../Crd/decoder.ts"
import type { Reader, Resolved } from "../Crd/decoder.ts"
import { plugsOf, usualRole, worksAtZero } from "../Crd/plugs.ts"
import { METRIC_SOURCES, metricFields } from "./spec.ts"
import type { Spec } from "./spec.ts"

type Metric = Spec["metric"]
type Slo = NonNullable<NonNullable<Spec["policy"]>["slo"]>

const unwatched = { onEmpty: "Missing", onMissing: "Hold" } as const

const resolveMetric = (metric: Metric, reader: Reader): Signal => {
  const plugs = plugsOf(metric, metricFields)
  const options = plugs.find(({ plug }) => plug === metric.type)?.options
  if (options === undefined || plugs.length > 1) {
    reader.refuse("spec.metric", `Name exactly one source, in the field ${metric.type} that type says.`)
  }
  noteInlineSecrets(options, `spec.metric.${metric.type}`, reader)
  const source = METRIC_SOURCES[metric.type]
  const role = usualRole(source, options)
  return {
    name: "metric",
    source,
    options,
    target: {
      type: metric.targetType ?? (metric.type === "prometheus" ? "Value" : "AverageValue"),
      milli: milli(metric.targetValue, "spec.metric.targetValue", reader)
    },
    ...(role === undefined ? {} : { role }),
    ...unwatched,
    // Redis takes a list away with its last item, and this kind has no field to say that this means an empty queue.
    ...(metric.type === "redis" ? { onEmpty: "Zero" as const } : {}),
    worksAtZero: worksAtZero(source, options)
  }
}

/** Where and with which credentials the objectives' queries are asked: as the metric is, when that is Prometheus too. */
const prometheusOf = (metric: Metric): object => {
  const options = plugsOf(metric, metricFields).find(({ plug }) => plug === "prometheus")?.options
  if (typeof options !== "object" || options === null) return {}
  const asked = new Set(["serverUrl", "headers", "headerSecrets", "basicAuth", "bearerSecret"])
  return Object.fromEntries(Object.entries(options).filter(([name]) => asked.has(name)))
}

const ask = (name: "latency" | "errorRate", query: string | undefined, metric: Metric): ReadonlyArray<Signal> =>
  query === undefined
    ? []
    : [
        {
          name,
          source: "prometheus",
          options: { ...prometheusOf(metric), query },
          role: name,
          ...unwatched,
          worksAtZero: false
        }
      ]

const resolveSlo = (slo: Slo, reader: Reader): Objectives => {
  const watch = (target: unknown, query: string | undefined, field: string): void => {
    if (target === undefined || query !== undefined) return
    reader.note(
      "SLONotConfigured",
      `spec.policy.slo.${field}`,
      `Nothing measures this objective, so it has no say: name a query in spec.policy.slo.${field}.`
    )
  }
  watch(slo.targetLatencyMs, slo.latencyQuery, "latencyQuery")
  watch(slo.targetErrorRate, slo.errorQuery, "errorQuery")
  return {
    ...(slo.targetLatencyMs === undefined
      ? {}
      : {
          latency: {
            ...(slo.latencyQuery === undefined ? {} : { signal: "latency" }),
            targetMs: slo.targetLatencyMs,
            goodFraction: 0.99
          }
        }),
    ...(slo.targetErrorRate === undefined
      ? {}
      : {
          errorRate: { ...(slo.errorQuery === undefined ? {} : { signal: "errorRate" }), target: slo.targetErrorRate }
        })
  }
}

export const resolve = (spec: Spec, reader: Reader): Resolved => {
  const slo = spec.policy?.type === "slo" ? spec.policy.slo : undefined
  const cost = spec.policy?.type === "costAware" ? spec.policy.costAware : undefined
  const metric = resolveMetric(spec.metric, reader)
  const asked = [...ask("latency", slo?.latencyQuery, spec.metric), ...ask("errorRate", slo?.errorQuery, spec.metric)]
  const bounds = checkBounds(
    { path: "spec.minReplicas", value: spec.minReplicas },
    { path: "spec.maxReplicas", value: spec.maxReplicas },
    reader
  )
  if (bounds.min === 0 && !metric.worksAtZero) {
    reader.refuse(
      "spec.minReplicas",
      "0 needs a metric that is true with no pod running: redis, pubsub, or prometheus or custom with worksAtZero: true."
    )
  }
  noteBudget(cost, bounds.min, "spec.policy.costAware.maxMonthlyCost", reader)
  const { scaleDown, scaleUp } = spec.behavior ?? {}
  return {
    targets: { _tag: "Ref", target: { ...spec.targetRef, namespace: reader.ref.namespace } },
    bounds,
    intervalMillis: spec.syncIntervalSeconds * 1000,
    mode: spec.mode,
    ...resolvePause(spec.pause, reader),
    signals: [metric, ...asked],
    engines: [{ engine: "target", options: {} }, ...(asked.length > 0 ? [{ engine: "slo", options: {} }] : [])],
    limits: {
      rates: { _tag: "Windows", upSeconds: 0, downSeconds: 0 },
      cooldown: { upSeconds: scaleUp?.cooldownSeconds ?? 0, downSeconds: scaleDown?.cooldownSeconds ?? 300 },
      step: {
        ...(scaleUp?.maxIncrement === undefined ? {} : { up: scaleUp.maxIncrement }),
        ...(scaleDown?.maxDecrement === undefined ? {} : { down: scaleDown.maxDecrement })
      },
      ...DIRECTION[cost?.preferredScaleDirection ?? "balanced"]
    },
    objectives: { ...(slo === undefined ? {} : resolveSlo(slo, reader)), ...(cost === undefined ? {} : { cost }) },
    schedules: [],
    actuation: { _tag: "Scale" },
    safety: ALL_SAFE
  }
}
