/**
 * The HPA's arithmetic over single pods: which samples count, what stands in for those that do not, and when a
 * proposal is dropped because the stand-ins would turn its direction.
 */
import type { TargetState } from "#schemas/Observation"
import type { MetricTarget } from "#schemas/Policy"
import type { PodSample } from "#schemas/Reading"
import { isWithin, wholeReplicas, type Tolerance } from "./rounding.ts"

/** How long a started pod may burn CPU before its samples are believed whatever its readiness. */
const CPU_INITIALIZATION_MILLIS = 300_000
/** A pod that turned unready later than this after its start has been ready before. */
const INITIAL_READINESS_MILLIS = 30_000

export interface PodMetricsInput {
  readonly pods: ReadonlyArray<PodSample>
  readonly warmUp: boolean
  readonly at: number
  readonly target: MetricTarget
  readonly state: TargetState
  readonly tolerance: Tolerance
}

export type PodAnswer =
  | {
      readonly _tag: "Proposed"
      readonly replicas: number
      readonly ratio: number
      /** Percent, or the mean in thousandths. */
      readonly usage: number
      /** The current replicas stay: within the tolerance, or the stand-ins would turn the direction. */
      readonly kept: boolean
    }
  | { readonly _tag: "Unknown"; readonly detail: string }

export interface PodGroups {
  /** Their samples count. */
  readonly ready: ReadonlyArray<PodSample>
  readonly unready: ReadonlyArray<PodSample>
  readonly missing: ReadonlyArray<PodSample>
}

const isWarmingUp = (pod: PodSample, at: number): boolean => {
  const { readyChangedAt: changedAt = -Infinity, startedAt } = pod
  if (pod.ready === undefined || startedAt === undefined) return true
  return startedAt + CPU_INITIALIZATION_MILLIS > at
    ? !pod.ready || (pod.sampledAt ?? 0) < changedAt + (pod.windowMillis ?? 0)
    : !pod.ready && startedAt + INITIAL_READINESS_MILLIS > changedAt
}

export const groupPods = (pods: ReadonlyArray<PodSample>, warmUp: boolean, at: number): PodGroups => {
  const ready: Array<PodSample> = []
  const unready: Array<PodSample> = []
  const missing: Array<PodSample> = []
  for (const pod of pods) {
    if (pod.deleting || pod.phase === "Failed") continue
    if (pod.phase === "Pending") unready.push(pod)
    else if (pod.usageMilli === undefined) missing.push(pod)
    else if (warmUp && isWarmingUp(pod, at)) unready.push(pod)
    else ready.push(pod)
  }
  return { ready, unready, missing }
}

interface Measure {
  /** Undefined: nothing to divide by. */
  readonly usageOf: (usage: number, request: number, count: number) => number | undefined
  /** What a missing pod is taken to use where the rest would lower. */
  readonly fullOf: (pod: PodSample) => number
}

/** Whole percent, rounded down; through BigInt where milli-bytes leave what a double holds exactly. */
const percentOf = (usage: number, request: number): number =>
  usage * 100 <= Number.MAX_SAFE_INTEGER
    ? Math.trunc((usage * 100) / request)
    : Number((BigInt(usage) * 100n) / BigInt(request))

const measureOf = (target: MetricTarget): Measure =>
  target.type === "Utilization"
    ? {
        usageOf: (usage, request) => (request === 0 ? undefined : percentOf(usage, request)),
        fullOf: (pod) => Math.trunc(((pod.requestMilli ?? 0) * Math.max(100, target.milli)) / 100)
      }
    : {
        usageOf: (usage, _, count) => Math.trunc(usage / count),
        fullOf: () => target.milli
      }

export const proposeFromPods = (input: PodMetricsInput): PodAnswer => {
  const { at, pods, tolerance, state, target, warmUp } = input
  const current = state.specReplicas
  const isPercent = target.type === "Utilization"
  const unknown = (detail: string): PodAnswer => ({ _tag: "Unknown", detail })
  if (pods.length === 0) return unknown("there are no pods")
  const { missing, ready, unready } = groupPods(pods, warmUp, at)
  if (ready.length === 0) return unknown("no ready pod has a sample")
  const without = isPercent ? pods.find((pod) => pod.requestMilli === undefined) : undefined
  if (without !== undefined) return unknown(`pod ${without.name} has no request of it`)

  const { fullOf, usageOf } = measureOf(target)
  let usage = 0
  let request = 0
  let count = 0
  const add = (pod: PodSample, used: number): void => {
    usage += used
    request += pod.requestMilli ?? 0
    count += 1
  }
  for (const pod of ready) add(pod, pod.usageMilli ?? 0)
  const measured = usageOf(usage, request, count)
  if (measured === undefined) return unknown("its pods request none of it")
  const ratio = measured / target.milli
  const answer = (replicas: number | undefined): PodAnswer => ({
    _tag: "Proposed",
    replicas: replicas ?? current,
    ratio,
    usage: measured,
    kept: replicas === undefined
  })

  const raisesUnready = unready.length > 0 && ratio > 1
  if (!raisesUnready && missing.length === 0) {
    return answer(isWithin(tolerance, ratio) ? undefined : wholeReplicas(ratio * count))
  }
  // Exactly on target there is no direction to be careful about, and the missing stay out.
  if (ratio !== 1) for (const pod of missing) add(pod, ratio < 1 ? fullOf(pod) : 0)
  if (raisesUnready) for (const pod of unready) add(pod, 0)
  const refilled = usageOf(usage, request, count)
  if (refilled === undefined) return unknown("its pods request none of it")
  const newRatio = refilled / target.milli
  if (isWithin(tolerance, newRatio) || (ratio < 1 && newRatio > 1) || (ratio > 1 && newRatio < 1)) {
    return answer(undefined)
  }
  const replicas = wholeReplicas(newRatio * count)
  const turns = (newRatio < 1 && replicas > current) || (newRatio > 1 && replicas < current)
  return answer(turns ? undefined : replicas)
}
