/**
 * What a run was worth. V: the share of answers that were bad. R: pod-hours over those of the reference. A: changes of
 * the replicas per hour. One number of the three, J, is what the run cost in pods of the reference; 100/J is the score.
 */

/** The share of bad answers that an objective of 99 % leaves. */
export const BUDGET = 0.01

/** In pods of the reference: cheap inside the budget, dear beyond it, and dearer without end. */
const penalty = (spent: number): number => {
  if (spent <= 1) return 0.05 * spent
  if (spent <= 10) return 0.05 + 0.25 * (spent - 1)
  return 2.3 + 2 * Math.log(spent / 10)
}

const PER_CHANGE = 0.001

export interface Outcome {
  readonly violations: number
  readonly podHours: number
  readonly changesPerHour: number
}

export interface Scored extends Outcome {
  /** Pod-hours over the reference's. */
  readonly overReference: number
  readonly cost: number
  readonly score: number
}

export const scored = (outcome: Outcome, referencePodHours: number): Scored => {
  const overReference = outcome.podHours / Math.max(referencePodHours, Number.MIN_VALUE)
  const cost = overReference + penalty(outcome.violations / BUDGET) + PER_CHANGE * outcome.changesPerHour
  return { ...outcome, overReference, cost, score: 100 / cost }
}
