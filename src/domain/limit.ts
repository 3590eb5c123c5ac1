/**
 * The limiters in their order, which is the meaning of half the product: first what the value should be at all, then
 * what past recommendations allow, then how fast, then what the moment forbids, and at last what a person said.
 */
import type { Step } from "#schemas/Decision"
import { holdBounds } from "./bounds.ts"
import { cool } from "./cooldown.ts"
import { capCost } from "./cost.ts"
import { holdFailing, holdFrozen } from "./freeze.ts"
import { guardObjectives } from "./objectives.ts"
import { holdPause } from "./pause.ts"
import { limitRate, limitStep } from "./rates.ts"
import { rollBack } from "./rollback.ts"
import { guardRollout, keepDisruptionFloor } from "./rollout.ts"
import { holdCeiling, holdSchedule } from "./schedule.ts"
import type { Limit, Situation } from "./Situation.ts"
import { stabilize } from "./stabilize.ts"

/** What comes out of these is what the windows record. */
export const CLAMPS: ReadonlyArray<Limit> = [holdSchedule, guardObjectives, capCost]

export const LIMITS: ReadonlyArray<Limit> = [
  stabilize,
  limitRate,
  limitStep,
  cool,
  rollBack,
  guardRollout,
  keepDisruptionFloor,
  holdFailing,
  capCost,
  holdCeiling,
  holdBounds
]

/** Above everything, the bounds included: what is switched off stays as it is. */
export const SWITCHES: ReadonlyArray<Limit> = [holdPause, holdFrozen]

/** Applies limiters in turn, adds to the steps those that had something to say, and gives the value that is left. */
export const apply = (
  limits: ReadonlyArray<Limit>,
  value: number,
  situation: Situation,
  steps: Array<Step>
): number => {
  let left = value
  for (const limit of limits) {
    const step = limit(left, situation)
    if (step === undefined) continue
    steps.push(step)
    left = step.after
  }
  return left
}
