/**
 * The demand behind a history: what was measured times the pods that it was measured of. It is held, whatever the
 * replicas had been instead; what follows from the number of pods, such as latency or a backlog, cannot be told from a
 * history, and is said to be unknown.
 */
import * as Result from "effect/Result"
import type { Policy, Signal } from "#schemas/Policy"
import { type Measure, measureOf } from "../measures.ts"
import { type Grid, queryOf, type Remembered } from "./history.ts"

export interface Demand {
  /** Per second, at each step. */
  readonly rates: Float64Array
  /** What a pod serves per second when it is busy; undefined: the history does not say. */
  readonly perPod: number | undefined
  /** Spans without any value, in seconds since the begin. */
  readonly gaps: ReadonlyArray<{ readonly fromSeconds: number; readonly seconds: number }>
  /** What is assumed, and what is unknown. */
  readonly notes: ReadonlyArray<string>
}

const MEASURED_MIN = 20
/** Fields that say how much came, best first. */
const DEMANDS = ["rps", "servedRps", "concurrency"] as const
const SATURATED = 0.97

const percent = (share: number): string => `${Math.round(100 * share)} %`

const known = (values: Float64Array): number =>
  values.reduce((count, value) => count + (Number.isNaN(value) ? 0 : 1), 0)

/** A total that only grows, but where a process began anew: it was meant as a rate. */
const isCounter = (values: Float64Array): boolean => {
  const seen = values.filter((value) => !Number.isNaN(value))
  let [falls, deepFalls, grows] = [0, 0, 0]
  for (let index = 1; index < seen.length; index++) {
    const [before, now] = [seen[index - 1] ?? 0, seen[index] ?? 0]
    if (now > before) grows += 1
    if (now < before) falls += 1
    if (now < before * 0.2) deepFalls += 1
  }
  return seen.length >= MEASURED_MIN && grows > 0.5 * seen.length && falls === deepFalls && falls <= 0.02 * seen.length
}

/** Steady growth alone proves nothing: a query that speaks of a rate is believed. */
const isRate = (signal: Signal): boolean => /rate|increase|delta|deriv/iu.test(queryOf(signal)?.promql ?? "")

/** Short holes are joined by straight lines, longer ones hold what was last; those are told. */
const HOLE_MAX_STEPS = 5

const filled = (values: Float64Array, { stepMillis }: Grid) => {
  const rates = Float64Array.from(values)
  const gaps: Array<{ readonly fromSeconds: number; readonly seconds: number }> = []
  const first = values.findIndex((value) => !Number.isNaN(value))
  for (let from = 0; from < values.length; from++) {
    if (!Number.isNaN(values[from] ?? 0)) continue
    let to = from
    while (to < values.length && Number.isNaN(values[to] ?? 0)) to += 1
    const before = from === 0 ? (values[first] ?? 0) : (rates[from - 1] ?? 0)
    const after = values[to] ?? before
    const isHole = to - from <= HOLE_MAX_STEPS && from > 0
    for (let step = from; step < to; step++) {
      rates[step] = isHole ? before + ((after - before) * (step - from + 1)) / (to - from + 1) : before
    }
    if (!isHole) {
      gaps.push({ fromSeconds: (from * stepMillis) / 1000, seconds: ((to - from) * stepMillis) / 1000 })
    }
    from = to
  }
  return { rates, gaps }
}

const median = (values: ReadonlyArray<number>): number | undefined =>
  values.toSorted((a, b) => a - b)[values.length >> 1]

const times = (values: Float64Array, pods: Float64Array, factor: number): Float64Array =>
  values.map((value, step) => (value / factor) * (pods[step] ?? Number.NaN))

interface Found {
  readonly signal: Signal
  readonly measure: Measure
  readonly values: Float64Array
}

const perPodOf = (rates: Float64Array, { cpu, ready }: Remembered): number | undefined => {
  const seen = [...rates].flatMap((rate, step) => {
    const busy = (cpu[step] ?? Number.NaN) * (ready[step] ?? Number.NaN)
    const isTelling = (cpu[step] ?? 0) > 0.1 && (cpu[step] ?? 0) < SATURATED && rate > 0
    return isTelling && Number.isFinite(rate / busy) ? [rate / busy] : []
  })
  return seen.length < MEASURED_MIN ? undefined : median(seen)
}

const unknownOf = (found: ReadonlyArray<Found>): ReadonlyArray<string> =>
  found
    .filter(({ measure }) => ["p95LatencyMs", "errorRate", "badFraction", "queueLength"].includes(measure.field))
    .map(
      ({ signal }) =>
        `Unknown: what ${signal.name} would have been with other replicas. It follows from their number and cannot be told from a history; here it is the model's.`
    )

/** What nothing is remembered of. Pods' own resources are asked for besides. */
const unseenOf = ({ signals }: Policy, found: ReadonlyArray<Found>): ReadonlyArray<string> =>
  signals
    .filter((signal) => signal.source !== "resource" && !found.some((one) => one.signal === signal))
    .map((signal) =>
      queryOf(signal) === undefined
        ? `Unknown: ${signal.name}. A Prometheus does not remember what ${signal.source} says; here it is the model's.`
        : `Unknown: ${signal.name}. Its query had no value in all of the range; here it is the model's.`
    )

const gapNotes = (gaps: Demand["gaps"]): ReadonlyArray<string> => {
  const seconds = gaps.reduce((sum, gap) => sum + gap.seconds, 0)
  if (gaps.length === 0) return []
  return [
    `Unknown: the demand of ${gaps.length === 1 ? "one gap" : `${gaps.length} gaps`} of ${Math.round(seconds / 60)} min in all. It is held there at what it was before, and the policy sees no metrics.`
  ]
}

/** By the CPU alone demand is counted in busy pods; `nominal` is what one serves in the model. */
const byCpu = ({ cpu, ready }: Remembered, nominal: number) => {
  const full = cpu.reduce((count, value) => count + (value >= SATURATED ? 1 : 0), 0)
  const share = full / Math.max(1, known(cpu))
  return {
    values: times(cpu, ready, 1).map((busy) => busy * nominal),
    notes: [
      "Demand is the use of the CPU times the ready pods, in pods that are busy; it is held whatever the replicas are.",
      ...(share > 0.001
        ? [
            `Unknown: the demand of ${percent(share)} of the time, in which the CPU was used up. It is at least what is taken here.`
          ]
        : [])
    ]
  }
}

/** The failure says what the history lacks. */
export const reconstruct = (policy: Policy, remembered: Remembered, nominal: number): Result.Result<Demand, string> => {
  const found = policy.signals.flatMap((signal): ReadonlyArray<Found> => {
    const values = remembered.signals.get(signal.name)
    return values === undefined || known(values) === 0 ? [] : [{ signal, values, measure: measureOf(signal) }]
  })
  const counter = found.find(
    ({ measure, signal, values }) => measure.field === "rps" && !isRate(signal) && isCounter(values)
  )
  if (counter !== undefined) {
    return Result.fail(
      `The signal ${counter.signal.name} only grows, and falls to nothing where a process began anew: it is a counter. Ask for its rate, as in sum(rate(...[1m])).`
    )
  }
  const demand = DEMANDS.flatMap((field) => found.filter(({ measure }) => measure.field === field)).at(0)
  const lacksReady = known(remembered.ready) < MEASURED_MIN
  if (demand === undefined && known(remembered.cpu) < MEASURED_MIN) {
    return Result.fail(
      "There is no history of how much came: no signal of the policy that measures requests or messages per second has any, and neither has container_cpu_usage_seconds_total. Check --range and --prometheus, and that the queries answer there."
    )
  }
  if (lacksReady && (demand === undefined || demand.measure.perPod)) {
    return Result.fail(
      "There is no history of the replicas (kube_deployment_status_replicas_ready of kube-state-metrics), so what was measured of each pod cannot be made a demand. Scrape kube-state-metrics, or give a signal that measures all pods together."
    )
  }
  const taken =
    demand === undefined
      ? byCpu(remembered, nominal)
      : {
          values: demand.measure.perPod
            ? times(demand.values, remembered.ready, demand.measure.factor)
            : demand.values.map((value) => value / demand.measure.factor),
          notes: [
            `Demand is ${demand.signal.name}${demand.measure.perPod ? " times the ready pods" : ""}; it is held whatever the replicas are.`
          ]
        }
  const measured = known(taken.values)
  if (measured < MEASURED_MIN) {
    return Result.fail(
      `Only ${measured} of ${taken.values.length} steps of the range have a value: choose a later or longer --range.`
    )
  }
  const { gaps, rates } = filled(taken.values, remembered.grid)
  const perPod = demand === undefined ? undefined : perPodOf(rates, remembered)
  return Result.succeed({
    rates: rates.map((rate) => Math.max(0, rate)),
    perPod,
    gaps,
    notes: [...taken.notes, ...gapNotes(gaps), ...unknownOf(found), ...unseenOf(policy, found)]
  })
}
