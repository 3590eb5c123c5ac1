/**
 * Pods for a queue whose messages may wait: a backlog of the age that the objective leaves room for keeps every pod
 * busy, so the aim is that age and not an empty queue. What is left of the objective is for pods that have yet to start.
 */

export interface Queue {
  readonly backlog: number
  /** Arrivals per second. */
  readonly arrivals: number
  readonly perPod: number
  readonly drainSeconds: number
  readonly startupSeconds: number
}

const AGE_SHARE_MIN = 0.05
const AGE_SHARE_MAX = 0.35
/** Part of what is left when pods start late, and what it takes to notice. */
const AGE_OF_SLACK = 0.7
const LATE_FACTOR = 1.5
const NOTICE_SECONDS = 10
/** Deviations from the aim are worked off within this many objectives. */
const PACE = 1.25
/** A pod that would be needed for so little of itself is not. */
const TOO_LITTLE = 0.2

/** The age of the backlog, in seconds, that is aimed at. */
export const aimedAge = (drainSeconds: number, startupSeconds: number): number => {
  const slack = drainSeconds - LATE_FACTOR * startupSeconds - NOTICE_SECONDS
  return Math.max(AGE_SHARE_MIN * drainSeconds, Math.min(AGE_SHARE_MAX * drainSeconds, AGE_OF_SLACK * slack))
}

export const podsToDrain = ({ arrivals, backlog, drainSeconds, perPod, startupSeconds }: Queue): number => {
  const paceSeconds = drainSeconds * PACE
  const surplus = backlog - arrivals * aimedAge(drainSeconds, startupSeconds)
  const pods = Math.ceil((arrivals + surplus / paceSeconds) / perPod - TOO_LITTLE)
  return Math.max(pods, backlog > 0 || arrivals * paceSeconds > 1 ? 1 : 0)
}
