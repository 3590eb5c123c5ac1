/**
 * What a Prometheus remembers of a policy's target: each signal that is a query, the CPU, how many pods there were, and
 * what an HPA asked for. Asked in pieces that any server answers, and put on one grid; a step without a value is NaN.
 */
import * as Effect from "effect/Effect"
import type { Policy, Signal } from "#schemas/Policy"
import type { Millis } from "#schemas/Reading"
import { Prometheus, type PrometheusRange } from "#services/Prometheus"
import type { SourceError } from "#services/SourceError"

export interface Grid {
  readonly from: Millis
  readonly stepMillis: number
  readonly steps: number
}

export interface Remembered {
  readonly grid: Grid
  /** By the signals' names. */
  readonly signals: ReadonlyMap<string, Float64Array>
  /** 0..1 of what the pods request. */
  readonly cpu: Float64Array
  readonly ready: Float64Array
  /** What the target was told to have. */
  readonly replicas: Float64Array
  /** What an HPA on the target wanted; all NaN: there was none. */
  readonly hpa: Float64Array
}

const STEP_MIN_MILLIS = 15_000
/** Of a whole range: a week has one a minute. */
const STEPS_MAX = 10_080
/** Prometheus refuses more than 11,000 points of a series at once. */
const PIECE_STEPS = 5_000

export const gridOf = (to: Millis, rangeMillis: number): Grid => {
  const stepMillis = Math.max(STEP_MIN_MILLIS, Math.ceil(rangeMillis / STEPS_MAX / STEP_MIN_MILLIS) * STEP_MIN_MILLIS)
  const steps = Math.max(1, Math.floor(rangeMillis / stepMillis))
  const end = Math.floor(to / stepMillis) * stepMillis
  return { from: end - (steps - 1) * stepMillis, stepMillis, steps }
}

const quoted = (text: string): string => JSON.stringify(text)

/** The queries that are asked beside the policy's own. `kube_*` is kube-state-metrics'. */
export const queriesFor = (namespace: string, name: string) => {
  const of = `namespace=${quoted(namespace)}`
  const pods = `${of},pod=~${quoted(`${name.replaceAll(".", "\\.")}-.*`)}`
  const workload = (kind: string) => `${of},${kind}=${quoted(name)}`
  const either = (metric: string) =>
    `sum(${metric.replace("*", "deployment")}{${workload("deployment")}}) or sum(${metric.replace("*", "statefulset")}{${workload("statefulset")}})`
  return {
    cpu: `sum(rate(container_cpu_usage_seconds_total{${pods},container!="",container!="POD"}[2m])) / sum(kube_pod_container_resource_requests{${pods},resource="cpu"})`,
    ready: either("kube_*_status_replicas_ready"),
    replicas: `sum(kube_deployment_spec_replicas{${workload("deployment")}}) or sum(kube_statefulset_replicas{${workload("statefulset")}}) or ${either("kube_*_status_replicas")}`,
    hpa: `max(kube_horizontalpodautoscaler_status_desired_replicas{${of},horizontalpodautoscaler=${quoted(name)}}) or max(kube_horizontalpodautoscaler_status_desired_replicas{${of}} * on(namespace, horizontalpodautoscaler) group_left() kube_horizontalpodautoscaler_info{${of},scaletargetref_name=${quoted(name)}})`
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

/** The query of a signal, and how several series become one number; undefined: it is none that Prometheus remembers. */
export const queryOf = ({
  options,
  source
}: Signal): { readonly promql: string; readonly reduce: string } | undefined => {
  if (source !== "prometheus" || !isRecord(options)) return undefined
  const { query, reduce } = options
  return typeof query === "string" ? { promql: query, reduce: typeof reduce === "string" ? reduce : "only" } : undefined
}

const REDUCERS: Readonly<Record<string, (a: number, b: number) => number>> = {
  sum: (a, b) => a + b,
  min: Math.min,
  max: Math.max
}

const onGrid = Effect.fnUntraced(function* (promql: string, reduce: string, grid: Grid) {
  const prometheus = yield* Prometheus
  const values = new Float64Array(grid.steps).fill(Number.NaN)
  const combine = REDUCERS[reduce] ?? Math.max
  for (let first = 0; first < grid.steps; first += PIECE_STEPS) {
    const last = Math.min(grid.steps, first + PIECE_STEPS) - 1
    const range: PrometheusRange = {
      serverUrl: undefined,
      promql,
      answer: "own",
      from: grid.from + first * grid.stepMillis,
      to: grid.from + last * grid.stepMillis,
      stepMillis: grid.stepMillis
    }
    for (const { points } of yield* prometheus.range(range)) {
      for (const { at, value } of points) {
        const step = Math.round((at - grid.from) / grid.stepMillis)
        const number = Number(value)
        if (!Number.isFinite(number) || step < 0 || step >= grid.steps) continue
        const before = values[step] ?? Number.NaN
        values[step] = Number.isNaN(before) ? number : combine(before, number)
      }
    }
  }
  return values
})

export const remember = Effect.fn("backtest.remember")(function* (
  { ref, signals, targets }: Policy,
  grid: Grid,
  tell: (what: string) => Effect.Effect<void>
): Effect.fn.Return<Remembered, SourceError, Prometheus> {
  const name = targets._tag === "Ref" ? targets.target.name : ref.name
  const namespace = targets._tag === "Ref" ? targets.target.namespace : targets.namespace
  const own = queriesFor(namespace, name)
  const asked = new Map<string, Float64Array>()
  for (const signal of signals) {
    const query = queryOf(signal)
    if (query === undefined) continue
    yield* tell(`Asking for the signal ${signal.name}`)
    asked.set(signal.name, yield* onGrid(query.promql, query.reduce, grid))
  }
  yield* tell("Asking for CPU and replicas")
  const [cpu, ready, replicas, hpa] = yield* Effect.all([
    onGrid(own.cpu, "max", grid),
    onGrid(own.ready, "max", grid),
    onGrid(own.replicas, "max", grid),
    onGrid(own.hpa, "max", grid)
  ])
  return { grid, signals: asked, cpu, ready, replicas, hpa }
})
