/**
 * How long a pod takes from its creation until it serves, learned from nothing but how many there are and how many
 * are ready: the pods that were made first are taken to be ready first.
 */
import type { Millis } from "#schemas/Reading"
import type { Startup } from "#schemas/Startup"

/** Of an ordinary container, until it is told or learned. */
const USUAL_SECONDS = 30

export const UNKNOWN_STARTUP: Startup = { seconds: USUAL_SECONDS, samples: 0, awaited: [] }

/** So that a new version of the workload shows within a few scalings. */
const SAMPLES_MAX = 16
/** A pod that takes longer than this is not starting, it is failing. */
const SECONDS_MAX = 1800
const SECONDS_MIN = 1
/** Batches that can be told apart; more at once are taken for part of the newest. */
const AWAITED_MAX = 24

type Awaited = Startup["awaited"]

const sum = (awaited: Awaited): number => awaited.reduce((total, { pods }) => total + pods, 0)

/** Takes so many pods off one end. */
const without = (awaited: Awaited, count: number, end: "first" | "last"): Awaited => {
  const rest = [...awaited]
  let left = count
  while (left > 0) {
    const batch = end === "first" ? rest.shift() : rest.pop()
    if (batch === undefined) break
    if (batch.pods > left) {
      const smaller = { at: batch.at, pods: batch.pods - left }
      if (end === "first") rest.unshift(smaller)
      else rest.push(smaller)
    }
    left -= batch.pods
  }
  return rest
}

const added = (awaited: Awaited, at: Millis, pods: number): Awaited => {
  const newest = awaited[awaited.length - 1]
  return newest !== undefined && awaited.length >= AWAITED_MAX
    ? [...awaited.slice(0, -1), { at: newest.at, pods: newest.pods + pods }]
    : [...awaited, { at, pods }]
}

export interface Counted {
  readonly at: Millis
  readonly pods: number
  readonly ready: number
}

export const learnStartup = (startup: Startup, { at, pods, ready }: Counted): Startup => {
  const next = { ...startup, pods, ready }
  if (startup.pods === undefined || startup.ready === undefined) return next
  const made = pods - startup.pods
  // What goes is what has not started, the newest first.
  let awaited = made >= 0 ? startup.awaited : without(startup.awaited, -made, "last")
  let { samples, seconds } = startup
  const served = Math.min(ready - startup.ready, sum(awaited))
  if (served > 0) {
    const [first] = awaited
    const took = (at - (first?.at ?? at)) / 1000
    if (took >= SECONDS_MIN && took <= SECONDS_MAX) {
      samples = Math.min(samples + 1, SAMPLES_MAX)
      seconds += (took - seconds) / samples
    }
    awaited = without(awaited, served, "first")
  }
  if (made > 0) awaited = added(awaited, at, made)
  // Pods that had served and do so no more are none that start.
  const surplus = sum(awaited) - Math.max(0, pods - ready)
  return { ...next, samples, seconds, awaited: surplus > 0 ? without(awaited, surplus, "first") : awaited }
}
