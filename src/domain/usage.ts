/**
 * From one signal's value to replicas, by the HPA's published rules: what counts as usage, which ratio is compared
 * with the tolerances, and by how many pods it is multiplied. Values are compared in thousandths, as the HPA does.
 */
import type { Observation, TargetState } from "#schemas/Observation"
import type { Limits, MetricTarget, Signal } from "#schemas/Policy"
import type { Measured } from "#schemas/Reading"
import { proposeFromPods } from "./podMetrics.ts"
import { thousandths } from "./quantity.ts"
import { isWithin, toleranceOf, wholeReplicas, type Tolerance } from "./rounding.ts"

export type Answer =
  | {
      readonly _tag: "Proposed"
      readonly replicas: number
      /** Usage over target; 1 is exactly on target. */
      readonly ratio: number
      readonly reason: string
    }
  /** There is a value, and yet no replicas follow from it. */
  | { readonly _tag: "Unknown"; readonly detail: string }

/** A value in whole thousandths, rounded away from zero like a Quantity. */
export const toMilli = (value: number): number => {
  const exact = thousandths(value)
  return exact < 0 ? Math.floor(exact) : Math.ceil(exact)
}

const text = (value: number): string => String(Math.round(value * 1000) / 1000)

interface Shown {
  readonly name: string
  readonly value: string
  readonly target: string
}

const STAND_INS = {
  over: "as pods that are not ready or not measured count as idle",
  under: "as pods that are not measured count as busy"
}

/** Kept outside the tolerance: those that stand in for what is not known would turn the direction. */
const reasonFor = ({ name, target, value }: Shown, replicas: number, ratio: number, kept: boolean, within: boolean) => {
  const side = ratio > 1 ? "over" : "under"
  if (!kept) return `${name} ${value} ${side} ${target} wants ${replicas}`
  return within
    ? `${name} ${value} is within the tolerance of ${target} and keeps ${replicas}`
    : `${name} ${value} ${side} ${target} keeps ${replicas}, ${STAND_INS[side]}`
}

const proposed = (shown: Shown, replicas: number, ratio: number, kept: boolean, within = kept): Answer => ({
  _tag: "Proposed",
  replicas,
  ratio,
  reason: reasonFor(shown, replicas, ratio, kept, within)
})

/**
 * A mean over the pods as one number. The pods that are not ready have no part in it: they count as idle where it
 * would raise, as in the HPA, and not at all where it would lower.
 */
const proposeFromMean = (
  mean: number,
  target: number,
  state: TargetState,
  shown: Shown,
  tolerance: Tolerance
): Answer => {
  const current = state.specReplicas
  const ready = state.readyReplicas
  if (ready === 0) return { _tag: "Unknown", detail: `${shown.name} cannot be judged: no pod is ready` }
  const ratio = mean / target
  const unready = state.statusReplicas - ready
  if (ratio <= 1 || unready <= 0) {
    const within = isWithin(tolerance, ratio)
    return proposed(shown, within ? current : wholeReplicas(ratio * ready), ratio, within)
  }
  const diluted = Math.trunc((mean * ready) / (ready + unready)) / target
  const replicas = wholeReplicas(diluted * (ready + unready))
  const keeps = isWithin(tolerance, diluted) || diluted < 1 || replicas < current
  return proposed(shown, keeps ? current : replicas, ratio, keeps, isWithin(tolerance, ratio))
}

const proposeValue = (
  milli: number,
  target: number,
  state: TargetState,
  shown: Shown,
  tolerance: Tolerance
): Answer => {
  const current = state.specReplicas
  const ratio = milli / target
  if (current === 0) return proposed(shown, wholeReplicas(ratio), ratio, false)
  if (isWithin(tolerance, ratio)) return proposed(shown, current, ratio, true)
  if (state.statusReplicas === 0)
    return { _tag: "Unknown", detail: `${shown.name} cannot be judged: there are no pods` }
  return proposed(shown, wholeReplicas(ratio * state.readyReplicas), ratio, false)
}

const proposeTotal = (
  milli: number,
  target: number,
  state: TargetState,
  shown: Shown,
  tolerance: Tolerance
): Answer => {
  const current = state.specReplicas
  const ratio = milli / (target * state.statusReplicas)
  const within = isWithin(tolerance, ratio)
  const replicas = within ? current : wholeReplicas(milli / target)
  return proposed(shown, replicas, Number.isNaN(ratio) ? 0 : ratio, within)
}

const proposeFor = (
  target: MetricTarget,
  signal: Signal,
  reading: Measured,
  { at, state }: Observation,
  tolerance: Tolerance
): Answer => {
  const isPercent = target.type === "Utilization"
  const shown = (value: number): Shown => ({
    name: signal.name,
    value: isPercent ? `${text(value)} %` : text(value),
    target: isPercent ? `${target.milli} %` : text(target.milli / 1000) + (target.type === "Value" ? "" : " per pod")
  })
  if (reading.pods !== undefined && target.type !== "Value") {
    const found = proposeFromPods({ pods: reading.pods, warmUp: reading.warmUp === true, at, target, state, tolerance })
    if (found._tag === "Unknown") return { _tag: "Unknown", detail: `${signal.name} cannot be judged: ${found.detail}` }
    const used = shown(isPercent ? found.usage : found.usage / 1000)
    return proposed(used, found.replicas, found.ratio, found.kept, isWithin(tolerance, found.ratio))
  }
  if (isPercent) return proposeFromMean(Math.trunc(reading.value), target.milli, state, shown(reading.value), tolerance)
  const milli = toMilli(reading.value)
  if (target.type === "Value") return proposeValue(milli, target.milli, state, shown(reading.value), tolerance)
  // Pod by pod is the only way a resource is measured, so its single number is a mean; any other source's is a total.
  return signal.source === "resource"
    ? proposeFromMean(milli, target.milli, state, shown(reading.value), tolerance)
    : proposeTotal(milli, target.milli, state, shown(reading.value), tolerance)
}

/** What a signal with a target asks for. */
export const propose = (signal: Signal, reading: Measured, observation: Observation, limits: Limits): Answer =>
  signal.target === undefined
    ? { _tag: "Unknown", detail: `${signal.name} has no target` }
    : proposeFor(signal.target, signal, reading, observation, toleranceOf(limits))
