/** Undoing harm: a step down that an objective breaks soon after is taken back, and the next one has to wait. */
import type { Step } from "#schemas/Decision"
import type { Memory } from "#schemas/Memory"
import type { Observation } from "#schemas/Observation"
import type { Policy } from "#schemas/Policy"
import type { Limit } from "./Situation.ts"
import { breach } from "./objectives.ts"

/** A breach this soon after a step down is taken for its consequence. */
const HARM_MILLIS = 300_000
export const BLOCK_MILLIS = 1_800_000

/** The step down that is to be undone now, and what it broke. */
const harm = (policy: Policy, observation: Observation, { lastDown }: Memory) => {
  if (!policy.safety.rollback || lastDown === undefined || observation.at - lastDown.at > HARM_MILLIS) return undefined
  const broken = breach(policy, observation)
  return broken === undefined ? undefined : { lastDown, broken }
}

/** Blocks further steps down from the tick that sees the harm. */
export const noteHarm = (memory: Memory, policy: Policy, observation: Observation): Memory =>
  harm(policy, observation, memory) === undefined
    ? memory
    : { ...memory, downBlockedUntil: observation.at + BLOCK_MILLIS }

export const rollBack: Limit = (value, { at, current, memory, observation, policy }) => {
  const found = harm(policy, observation, memory)
  const to = (after: number, reason: string): Step | undefined =>
    value >= after ? undefined : { limiter: "RolledBack", before: value, after, reason }
  if (found !== undefined) {
    const { from, to: lowered } = found.lastDown
    return to(Math.max(from, current), `${found.broken} since the step from ${from} to ${lowered}`)
  }
  const { downBlockedUntil } = memory
  if (!policy.safety.rollback || downBlockedUntil === undefined || at >= downBlockedUntil) return undefined
  const minutes = Math.ceil((downBlockedUntil - at) / 60_000)
  return to(current, `a step down did harm, so none follows for ${minutes} min`)
}
