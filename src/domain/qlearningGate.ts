/**
 * Whether the Q-learning agent has a say: after enough transitions, with enough choices valued that were its own, and
 * while these are estimated to do no more harm and to cost no more than what the others asked for. Less of one for
 * more of the other would be a trade, and trading is not its to do. Three breaches in a row take its say away, and it
 * has to prove itself from the beginning.
 */
import type { Estimate } from "./qlearningModel.ts"

export interface Gate {
  readonly steering: boolean
  /** How many choices there were that differed from the others', and means of the estimates of both. */
  readonly valued: number
  readonly chosen: Estimate
  readonly done: Estimate
  /** The most harm that one of these choices would have done beyond the others'; fades slowly. */
  readonly regret: number
  /** Transitions learned from since the beginning or the last demotion. */
  readonly proven: number
  /** In a row, while steering. */
  readonly breaches: number
  readonly demotions: number
}

const NOTHING: Estimate = { harm: 0, cost: 0 }

export const CLOSED: Gate = {
  steering: false,
  valued: 0,
  chosen: NOTHING,
  done: NOTHING,
  regret: 0,
  proven: 0,
  breaches: 0,
  demotions: 0
}

/** Of the transitions that it takes, so many must have had a choice of its own to value. */
const VALUED_SHARE = 0.2
/** What was estimated longer ago counts for less: at an interval of 15 s, beyond some eight hours of disagreement. */
const VALUED_MEMORY = 2000
/** A choice that would have broken everything once is not made good by a thousand that saved a pod. */
const REGRET_MAX = 0.02
const REGRET_FADES = 0.998
export const BREACHES_MAX = 3

const towards = (mean: Estimate, value: Estimate, gain: number): Estimate => ({
  harm: mean.harm + (value.harm - mean.harm) * gain,
  cost: mean.cost + (value.cost - mean.cost) * gain
})

/** One tick at which it chose something else than the others. Where all agree there is nothing to be proven. */
export const value = (gate: Gate, chosen: Estimate, done: Estimate): Gate => {
  const valued = gate.valued + 1
  const gain = 1 / Math.min(valued, VALUED_MEMORY)
  const regret = Math.max(gate.regret * REGRET_FADES, chosen.harm - done.harm)
  return { ...gate, valued, regret, chosen: towards(gate.chosen, chosen, gain), done: towards(gate.done, done, gain) }
}

/** A latency objective missed by a twelfth of a percent: less than a tick's noise. */
const HARM_SLACK = 0.0005
/** Two means of the same numbers may differ in their last digit. */
const HAIR = 1e-9

export const isNoWorse = ({ chosen, done, regret }: Gate): boolean =>
  regret <= REGRET_MAX && chosen.harm <= done.harm + HARM_SLACK && chosen.cost <= done.cost + HAIR

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
    if (broken || !isProven(gate, minimumTransitions)) return { gate, verdict: undefined }
    return { gate: { ...gate, steering: true, breaches: 0 }, verdict: "Promoted" }
  }
  const breaches = broken ? gate.breaches + 1 : 0
  if (breaches >= BREACHES_MAX) {
    return { gate: { ...CLOSED, demotions: gate.demotions + 1 }, verdict: "Demoted" }
  }
  if (!isNoWorse(gate)) return { gate: { ...gate, breaches: 0, steering: false }, verdict: "Withdrawn" }
  return { gate: { ...gate, breaches }, verdict: undefined }
}
