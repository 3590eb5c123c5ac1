/**
 * Whether the Q-learning agent has a say: after enough transitions, with enough of its own choices valued, and while
 * neither what they would have earned nor the harm in them is worse than what was done. Three breaches in a row take
 * its say away, and it has to prove itself from the beginning.
 */
import type { Estimate } from "./qlearningModel.ts"

export interface Gate {
  readonly steering: boolean
  /** Means of the estimates, the newest counting most. */
  readonly valued: number
  readonly chosen: Estimate
  readonly done: Estimate
  /** Transitions learned from since the beginning or the last demotion. */
  readonly proven: number
  /** In a row, while steering. */
  readonly breaches: number
  readonly demotions: number
}

const NOTHING: Estimate = { reward: 0, harm: 0 }

export const CLOSED: Gate = {
  steering: false,
  valued: 0,
  chosen: NOTHING,
  done: NOTHING,
  proven: 0,
  breaches: 0,
  demotions: 0
}

/** Of the transitions that it takes, so many must have had a choice of its own to value. */
const VALUED_SHARE = 0.2
/** What was estimated longer ago counts for less. */
const VALUED_MEMORY = 500
export const BREACHES_MAX = 3

const towards = (mean: Estimate, value: Estimate, gain: number): Estimate => ({
  reward: mean.reward + (value.reward - mean.reward) * gain,
  harm: mean.harm + (value.harm - mean.harm) * gain
})

/** One tick at which both what it chose and what was done have an estimate. */
export const value = (gate: Gate, chosen: Estimate, done: Estimate): Gate => {
  const valued = gate.valued + 1
  const gain = 1 / Math.min(valued, VALUED_MEMORY)
  return { ...gate, valued, chosen: towards(gate.chosen, chosen, gain), done: towards(gate.done, done, gain) }
}

/** Two means of the same estimates may differ in their last digit. */
const HAIR = 1e-9

export const isNoWorse = ({ chosen, done }: Gate): boolean =>
  chosen.reward >= done.reward - HAIR && chosen.harm <= done.harm + HAIR

export const isProven = (gate: Gate, minimumTransitions: number): boolean =>
  gate.proven >= minimumTransitions && gate.valued >= minimumTransitions * VALUED_SHARE && isNoWorse(gate)

export type Verdict = "Promoted" | "Demoted" | "Withdrawn" | undefined

/** After one transition. Withdrawn: its estimate became worse, which is no breach and costs it nothing but its say. */
export const judge = (
  before: Gate,
  { broken, minimumTransitions }: { readonly broken: boolean; readonly minimumTransitions: number }
): { readonly gate: Gate; readonly verdict: Verdict } => {
  const gate = { ...before, proven: before.proven + 1 }
  if (!gate.steering) {
    if (!isProven(gate, minimumTransitions)) return { gate, verdict: undefined }
    return { gate: { ...gate, steering: true, breaches: 0 }, verdict: "Promoted" }
  }
  const breaches = broken ? gate.breaches + 1 : 0
  if (breaches >= BREACHES_MAX) {
    return { gate: { ...CLOSED, demotions: gate.demotions + 1 }, verdict: "Demoted" }
  }
  if (!isNoWorse(gate)) return { gate: { ...gate, breaches: 0, steering: false }, verdict: "Withdrawn" }
  return { gate: { ...gate, breaches }, verdict: undefined }
}
