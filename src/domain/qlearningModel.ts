/**
 * What a number of replicas would have earned, for numbers that nobody tried: the harm that was seen at each load,
 * read at the load that those replicas would have had. An estimate, and called so wherever it is shown. What has never
 * been seen is taken to be bad, so no estimate ever speaks for a load that nobody has measured.
 */
import { costOf } from "./qlearningState.ts"

export interface Model {
  /** Mean harm at each load, from idle to twice what a pod can do. */
  readonly harm: ReadonlyArray<number>
  /** How often each load was seen, up to a bound, so that what was long ago fades. */
  readonly seen: ReadonlyArray<number>
}

const LOADS = 20
const LOAD_MAX = 2
const SEEN_MAX = 50
/** Seen less often, a load is not known. */
const SEEN_MIN = 3
/** Both objectives broken to the utmost: the weights of latency and errors. */
const WORST = 0.8
/** So much beyond the highest load that was ever seen, everything is taken to be broken. */
const COLLAPSE = 0.3

export const UNKNOWN_MODEL: Model = {
  harm: Array.from({ length: LOADS }, () => 0),
  seen: Array.from({ length: LOADS }, () => 0)
}

const binOf = (load: number): number => Math.min(LOADS - 1, Math.max(0, Math.floor((load / LOAD_MAX) * LOADS)))

/** Only of pods that are all ready: what is starting makes any load look worse than it is. */
export const learnHarm = (model: Model, load: number, harm: number): Model => {
  const bin = binOf(load)
  const seen = Math.min((model.seen[bin] ?? 0) + 1, SEEN_MAX)
  const before = model.harm[bin] ?? 0
  const mean = before + (harm - before) / seen
  return {
    harm: model.harm.map((value, index) => (index === bin ? mean : value)),
    seen: model.seen.map((count, index) => (index === bin ? seen : count))
  }
}

/** More load never does less harm, so each bin is as bad as the worst that is known below it. */
export const harmAt = (model: Model, load: number): number => {
  const bin = binOf(load)
  let worst: number | undefined
  let highest = -1
  for (let index = 0; index < LOADS; index++) {
    if ((model.seen[index] ?? 0) < SEEN_MIN) continue
    highest = index
    if (index <= bin) worst = Math.max(worst ?? 0, model.harm[index] ?? 0)
  }
  if (highest < 0) return WORST
  const beyond = load - ((highest + 1) / LOADS) * LOAD_MAX
  const unknown = beyond > 0 ? (WORST * Math.min(beyond, COLLAPSE)) / COLLAPSE : 0
  // Below everything that was seen: as good as the best of it, and no better.
  const lowest = worst ?? model.harm.find((_, index) => (model.seen[index] ?? 0) >= SEEN_MIN) ?? WORST
  return Math.min(WORST, Math.max(lowest, unknown))
}

export interface Tried {
  readonly work: number
  readonly replicas: number
  /** Replicas before. */
  readonly from: number
  readonly max: number
}

export interface Estimate {
  readonly reward: number
  readonly harm: number
}

export const estimate = (model: Model, { from, max, replicas, work }: Tried): Estimate => {
  const harm = harmAt(model, work / Math.max(1, replicas))
  return { harm, reward: -(harm + costOf({ replicas, change: replicas - from, max })) }
}
