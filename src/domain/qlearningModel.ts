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

interface Knot {
  readonly load: number
  readonly harm: number
}

/** What is known, at the middle of its bin. More load never does less harm, so each is as bad as any before it. */
const knotsOf = ({ harm, seen }: Model): ReadonlyArray<Knot> => {
  const knots: Array<Knot> = []
  let worst = 0
  for (let index = 0; index < LOADS; index++) {
    if ((seen[index] ?? 0) < SEEN_MIN) continue
    worst = Math.max(worst, harm[index] ?? 0)
    knots.push({ load: ((index + 0.5) / LOADS) * LOAD_MAX, harm: worst })
  }
  return knots
}

/** What overflows waits, and the rewards do not tell by how much: they are cut off at the worst. */
const overflowAt = (load: number): number => WORST * Math.min(LOAD_MAX, Math.max(0, load - 1))

/** Above the worst where pods overflow, so that two overloads can be told apart. */
export const harmAt = (model: Model, load: number): number => seenHarmAt(model, load) + overflowAt(load)

/** Straight from one load that is known to the next, so that one pod fewer is never free for being in the same bin. */
const seenHarmAt = (model: Model, load: number): number => {
  const knots = knotsOf(model)
  const above = knots.findIndex((knot) => knot.load >= load)
  const [below, next] = [knots[(above === -1 ? knots.length : above) - 1], knots[above]]
  if (next === undefined) {
    if (below === undefined) return WORST
    return below.harm + (WORST - below.harm) * Math.min(1, (load - below.load) / COLLAPSE)
  }
  if (below === undefined) return next.harm
  return below.harm + ((next.harm - below.harm) * (load - below.load)) / (next.load - below.load)
}

export interface Tried {
  readonly work: number
  readonly replicas: number
  /** Replicas before. */
  readonly from: number
  readonly max: number
}

/** Both count against the reward. */
export interface Estimate {
  readonly harm: number
  readonly cost: number
}

export const estimate = (model: Model, { from, max, replicas, work }: Tried): Estimate => ({
  harm: harmAt(model, work / Math.max(1, replicas)),
  cost: costOf({ replicas, change: replicas - from, max })
})

export const rewardOfEstimate = ({ cost, harm }: Estimate): number => -(harm + cost)

/** A choice that waits to be valued: at the most work there was until a pod that was given up could have been back. */
export interface Pending {
  readonly at: number
  readonly until: number
  readonly from: number
  readonly chosen: number
  readonly baseline: number
  readonly work: number
}

const PENDING_MAX = 24

/** Those whose time has come, and those that wait on, each with the most work it has seen. */
export const ripen = (pending: ReadonlyArray<Pending>, at: number, work: number) => {
  const seen = pending.map((each) => (work > each.work ? { ...each, work } : each))
  return { ripe: seen.filter(({ until }) => until <= at), waiting: seen.filter(({ until }) => until > at) }
}

/** Not more of them than are worth remembering: the next one only after a while. */
export const postpone = (pending: ReadonlyArray<Pending>, next: Pending): ReadonlyArray<Pending> => {
  const last = pending.at(-1)
  const apart = (next.until - next.at) / PENDING_MAX
  return last !== undefined && next.at - last.at < apart ? pending : [...pending, next].slice(-PENDING_MAX)
}
