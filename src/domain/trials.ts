/**
 * Trials: how a learner finds out what nobody else would do, and what it may cost. A trial keeps one pod for one tick that
 * all the others would give up now, so that it never writes and never raises. It is paid for in advance, in pod-seconds,
 * out of a small share of those that there are anyway; one that turns out dearer leaves a debt, and until that is earned
 * nothing more is tried.
 */
import type { Proposal, Step } from "#schemas/Decision"
import type { Millis } from "#schemas/Reading"

/** Of the pod-seconds of the workload, what trials may use. */
export const TRIAL_SHARE = 0.001
/** In ticks of one pod: nobody saves up for a bout of trials. */
const CREDIT_TICKS_MAX = 8
/** After this long nobody can say that a pod is there because of a trial. */
export const BLAME_MAX_MILLIS = 3_600_000
/** After a longer pause nobody knows how many pods there were. */
const GAP_INTERVALS = 3
/** What was bad longer ago than this counts for little. */
const BUDGET_MILLIS = 3_600_000

export interface Trials {
  /** When they were last accounted for, and the replicas then. */
  readonly at: Millis
  readonly replicas: number
  /** Pod-seconds; below 0 it is a debt. */
  readonly credit: number
  /** Bad answers of the last hour or so over those that the objective allows; 1: its budget is spent. */
  readonly spent: number
  /** The last trial while its pod may still be there: the replicas without it, and since when. */
  readonly open?: { readonly without: number; readonly since: Millis }
}

export interface Account {
  readonly at: Millis
  readonly replicas: number
  readonly intervalMillis: number
  /** What the others ask for. Absent: nothing. */
  readonly baseline: number | undefined
  /** Bad answers now, over those that the objective allows; above 1 it is broken. Absent: nobody knows. */
  readonly strain: number | undefined
  /** When a trial last took place. */
  readonly triedAt: Millis | undefined
}

/** Its pod is gone, or grown into what the others ask for. */
const isOver = ({ since, without }: NonNullable<Trials["open"]>, { at, baseline = 0, replicas }: Account): boolean =>
  replicas !== without + 1 || baseline > replicas || at < since || at - since >= BLAME_MAX_MILLIS

/** Taken for spent until something is known. */
const spend = (before: number, strain: number, passed: number): number =>
  before + (strain - before) * (1 - Math.exp(-passed / BUDGET_MILLIS))

/** Earned and paid since the last tick, by the replicas that it left. Where the pod of a trial stays for whatever reason, it is the trial's to pay. */
export const account = (before: Trials | undefined, seen: Account): Trials => {
  const { at, intervalMillis, replicas, strain, triedAt } = seen
  if (before === undefined) return { at, replicas, credit: 0, spent: 1 }
  const passed = Math.max(0, at - before.at)
  const tried = triedAt === before.at ? { without: before.replicas - 1, since: triedAt } : undefined
  const open = before.open ?? tried
  const earned = passed > GAP_INTERVALS * intervalMillis ? 0 : (TRIAL_SHARE * replicas * passed) / 1000
  const paid = open?.without === replicas - 1 ? Math.min(passed, BLAME_MAX_MILLIS) / 1000 : 0
  const most = (CREDIT_TICKS_MAX * intervalMillis) / 1000
  const credit = Math.min(most, before.credit + earned - paid)
  const spent = strain === undefined ? before.spent : spend(before.spent, strain, Math.min(passed, intervalMillis))
  const left = open === undefined || isOver(open, seen) ? {} : { open }
  return { at, replicas, credit, spent, ...left }
}

/**
 * One at a time, paid in advance, of a pod that the others give up alone, and only while the objectives have budget to
 * spare. The last pod is nobody's to keep.
 */
export const mayTry = (trials: Trials, { baseline = 0, intervalMillis, replicas, strain }: Account): boolean =>
  trials.open === undefined &&
  trials.spent < 1 &&
  strain !== undefined &&
  strain <= 1 &&
  baseline >= 1 &&
  baseline === replicas - 1 &&
  trials.credit >= intervalMillis / 1000

export interface Decided {
  readonly current: number
  readonly desired: number
  readonly steps: ReadonlyArray<Step>
}

/** The trial that takes place: where one pod is given up, and no limiter has had anything to say. */
export const trialIn = (
  proposals: ReadonlyArray<Proposal>,
  { current, desired, steps }: Decided
): Proposal | undefined =>
  steps.length > 0 || desired !== current - 1
    ? undefined
    : proposals.find(({ replicas, standing }) => standing === "Tries" && replicas === current)
