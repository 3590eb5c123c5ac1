/**
 * What is learned of one pod: how much it serves when it is busy, and how fast answers go bad as that draws near.
 * The share of bad answers is taken to be exp(-steepness x (1 - load)), which M/M/k queues follow closely from idle to
 * full whatever their number of workers, and which is certain at both ends; so one number is all there is to learn.
 */
import type { Capacity } from "#schemas/Capacity"

/** Few workers and a tight objective: to be wrong on the side of too many pods until something is known. */
export const UNKNOWN_CAPACITY: Capacity = {
  perPod: 0,
  samples: 0,
  offs: 0,
  steepness: 16,
  ticks: 0,
  load: 0,
  bad: 0,
  requests: 0
}

export interface Busyness {
  readonly served: number
  /** 0..1 of what a pod may use. */
  readonly utilization: number
  readonly ready: number
  readonly backlog: number
}

const SAMPLES_MAX = 15
/** Further off than noise is. Twice in a row to one side is a change of the pods, and what was seen of the old is void. */
const OFF_SHARE = 0.08
const OFFS_MAX = 2
const SAMPLES_LEFT = 1
/** Below this, what is not work weighs too much in the use of the CPU. */
const UTILIZATION_MIN = 0.1
/** From here on the use of the CPU says no more how much there is to do. */
const SATURATED = 0.97

export const learnPerPod = (capacity: Capacity, { backlog, ready, served, utilization }: Busyness): Capacity => {
  if (utilization < UTILIZATION_MIN || ready < 1 || served <= 0) return capacity
  if (utilization >= SATURATED && backlog < 1) return capacity
  const seen = served / (ready * Math.min(1, utilization))
  const error = capacity.perPod > 0 ? seen / capacity.perPod - 1 : 0
  const side = Math.abs(error) > OFF_SHARE ? Math.sign(error) : 0
  const offs = side === 0 ? 0 : side * Math.min(OFFS_MAX, side * capacity.offs > 0 ? Math.abs(capacity.offs) + 1 : 1)
  const samples = Math.abs(offs) === OFFS_MAX ? SAMPLES_LEFT : Math.min(capacity.samples + 1, SAMPLES_MAX)
  return { ...capacity, samples, offs, perPod: capacity.perPod + (seen - capacity.perPod) / samples }
}

const BLOCK_TICKS = 4
/** Of a new fit in the mean of all: plants and their pods change, and the next fit is 20 s away. */
const FIT_GAIN = 1 / 3
const STEEPNESS_MIN = 2
const STEEPNESS_MAX = 300

const NO_BLOCK = { ticks: 0, load: 0, bad: 0, requests: 0 }

export interface Answers {
  readonly load: number
  readonly badFraction: number
  readonly requests: number
  /** Nothing waits from before: the answers are those of this load alone. */
  readonly steady: boolean
}

export const learnSteepness = (capacity: Capacity, { badFraction, load, requests, steady }: Answers): Capacity => {
  if (!steady || load >= 0.98) return capacity.ticks === 0 ? capacity : { ...capacity, ...NO_BLOCK }
  const block = {
    ticks: capacity.ticks + 1,
    load: capacity.load + load,
    bad: capacity.bad + badFraction * requests,
    requests: capacity.requests + requests
  }
  if (block.ticks < BLOCK_TICKS) return { ...capacity, ...block }
  const mean = block.load / block.ticks
  const share = block.requests > 0 ? block.bad / block.requests : 0
  const learned = { ...capacity, ...NO_BLOCK }
  // Where hardly anything is bad there is more noise than curve.
  if (mean < 0.3 || mean > 0.97 || share < 1e-5 || share >= 1) return learned
  const seen = -Math.log(share) / (1 - mean)
  if (seen < STEEPNESS_MIN || seen > STEEPNESS_MAX) return learned
  return { ...learned, steepness: capacity.steepness + (seen - capacity.steepness) * FIT_GAIN }
}

/** However flat the curve and tight the objective, more pods than this many times the load are not asked for. */
const LOAD_MIN = 0.1

/** Work that overflows waits, and spoils what comes after it. */
const SPOILS = 3

/** The share of bad answers at a load, above 1 where a backlog grows. */
export const badAt = (steepness: number, load: number): number =>
  load < 1 ? Math.exp(-steepness * (1 - load)) : 1 + (load - 1) * SPOILS

/** The highest load at which no more than this share of the answers is bad. */
export const goodUpTo = (steepness: number, share: number): number =>
  Math.max(LOAD_MIN, 1 + Math.log(share) / steepness)
