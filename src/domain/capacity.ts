/**
 * What is learned of one pod: how much it serves when it is busy, and how fast answers go bad as that draws near.
 * The share of bad answers is taken to be exp(-steepness x (1 - load)), which M/M/k queues follow closely from idle to
 * full whatever their number of workers, and which is certain at both ends; so one number is all there is to learn.
 */

export interface Capacity {
  /** Work per second of one busy pod; 0 while unknown. */
  readonly perPod: number
  /** How much evidence stands behind it, up to a bound, so that old evidence fades. */
  readonly samples: number
  readonly steepness: number
  readonly fits: number
  /** What is being averaged for the next fit. */
  readonly ticks: number
  readonly load: number
  readonly bad: number
  readonly requests: number
}

/** Few workers and a tight objective: to be wrong on the side of too many pods until something is known. */
export const UNKNOWN_CAPACITY: Capacity = {
  perPod: 0,
  samples: 0,
  steepness: 16,
  fits: 0,
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
/** Below this, what is not work weighs too much in the use of the CPU. */
const UTILIZATION_MIN = 0.1
/** From here on the use of the CPU says no more how much there is to do. */
const SATURATED = 0.97

export const learnPerPod = (capacity: Capacity, { backlog, ready, served, utilization }: Busyness): Capacity => {
  if (utilization < UTILIZATION_MIN || ready < 1 || served <= 0) return capacity
  if (utilization >= SATURATED && backlog < 1) return capacity
  const seen = served / (ready * Math.min(1, utilization))
  const samples = Math.min(capacity.samples + 1, SAMPLES_MAX)
  return { ...capacity, samples, perPod: capacity.perPod + (seen - capacity.perPod) / samples }
}

const BLOCK_TICKS = 4
const FITS_MAX = 20
/** The beginning weighs as much as this many fits. */
const PRIOR_FITS = 3
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
  const fits = Math.min(capacity.fits + 1, FITS_MAX)
  return {
    ...learned,
    fits,
    steepness: capacity.steepness + (seen - capacity.steepness) / (fits + PRIOR_FITS)
  }
}

/** Work that overflows waits, and spoils what comes after it. */
const SPOILS = 3

/** The share of bad answers at a load, above 1 where a backlog grows. */
export const badAt = (steepness: number, load: number): number =>
  load < 1 ? Math.exp(-steepness * (1 - load)) : 1 + (load - 1) * SPOILS
