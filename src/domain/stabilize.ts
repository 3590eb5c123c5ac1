/**
 * Windows over past recommendations: up only as far as the lowest of one window, down only as far as the highest of
 * another. What is recorded is the value before the windows. A recommendation is forgotten once it cannot count.
 */
import type { Step } from "#schemas/Decision"
import type { Memory, Recommendation } from "#schemas/Memory"
import type { Rates } from "#schemas/Policy"
import type { Millis } from "#schemas/Reading"
import type { Limit } from "./Situation.ts"

interface Windows {
  readonly upMillis: number
  readonly downMillis: number
  /** The HPA's path without behavior: only down, and an entry exactly as old as the window still counts. */
  readonly legacy: boolean
}

export const windowsOf = (rates: Rates): Windows => {
  switch (rates._tag) {
    case "Behavior": {
      const { scaleDown, scaleUp } = rates
      return {
        upMillis: scaleUp.stabilizationSeconds * 1000,
        downMillis: scaleDown.stabilizationSeconds * 1000,
        legacy: false
      }
    }
    case "Windows":
      return { upMillis: rates.upSeconds * 1000, downMillis: rates.downSeconds * 1000, legacy: false }
    case "Absent":
      return { upMillis: 0, downMillis: rates.downSeconds * 1000, legacy: true }
  }
}

const seconds = (millis: number): string => `${millis / 1000} s`

const highest = (memory: Memory, value: number, after: Millis, inclusive: boolean): number => {
  let most = value
  for (const { at, replicas } of memory.recommendations) {
    if ((inclusive ? at >= after : at > after) && replicas > most) most = replicas
  }
  return most
}

const lowest = (memory: Memory, value: number, after: Millis): number => {
  let least = value
  for (const { at, replicas } of memory.recommendations) if (at > after && replicas < least) least = replicas
  return least
}

export const stabilize: Limit = (value, { at, current, held, memory, policy }) => {
  if (held) return undefined
  const { downMillis, legacy, upMillis } = windowsOf(policy.limits.rates)
  const most = highest(memory, value, at - downMillis, legacy)
  const heldDown = (after: number): Step => ({
    limiter: "ScaleDownStabilized",
    before: value,
    after,
    reason: `highest of the last ${seconds(downMillis)}`
  })
  // Without behavior the highest stands as it is, even where it is above the current replicas.
  if (legacy) return most === value ? undefined : heldDown(most)
  const least = lowest(memory, value, at - upMillis)
  const after = Math.min(Math.max(current, least), most)
  if (after === value) return undefined
  if (value < current) return heldDown(after)
  return { limiter: "ScaleUpStabilized", before: value, after, reason: `lowest of the last ${seconds(upMillis)}` }
}

/** More than any window can hold at one recommendation a second, so that a faster clock cannot fill the memory. */
const RECOMMENDATIONS_MAX = 4000

/**
 * Adds a recommendation and drops what is out of both windows, or outlived by a later one that says as much: for the
 * window up a later one that is as low, for the window down one that is as high.
 */
export const record = (
  recommendations: ReadonlyArray<Recommendation>,
  replicas: number,
  at: Millis,
  rates: Rates
): ReadonlyArray<Recommendation> => {
  const { downMillis, upMillis } = windowsOf(rates)
  // By time, even should a clock have been set back: what is earlier in the list is gone earlier from the windows.
  const earlier = recommendations.findLastIndex((entry) => entry.at <= at) + 1
  const all = [...recommendations.slice(0, earlier), { at, replicas }, ...recommendations.slice(earlier)]
  const kept: Array<Recommendation> = []
  let most = -Infinity
  let least = Infinity
  for (const entry of all.reverse()) {
    const countsDown = entry.at >= at - downMillis && entry.replicas > most
    const countsUp = upMillis > 0 && entry.at >= at - upMillis && entry.replicas < least
    if (countsDown || countsUp || kept.length === 0) kept.push(entry)
    most = Math.max(most, entry.replicas)
    least = Math.min(least, entry.replicas)
  }
  return kept.slice(0, RECOMMENDATIONS_MAX).reverse()
}
