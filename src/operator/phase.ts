/** Where a policy stands, in one word: the first that fits, from what only a person can change to what time heals. */
import type { Condition, Phase } from "#schemas/Status"
import type { Facts, TargetFacts } from "#operator/Facts"

export const phaseOf = (facts: Facts, conditions: ReadonlyArray<Pick<Condition, "type" | "status">>): Phase => {
  if (pauseOf(facts) !== undefined) return "Paused"
  if (conditions.some(({ status, type }) => type === "Ready" && status === "False")) return "Error"
  if (facts.targets.length === 0 || facts.targets.some(({ record }) => record === undefined)) return "Initializing"
  return facts.proposed ? "Active" : "Learning"
}

/** Why nothing is to be scaled in either direction, as a reason and a sentence; undefined while it may be. */
export const pauseOf = (facts: Facts): { readonly reason: string; readonly message: string } | undefined => {
  const { policy } = facts
  if (policy === undefined) return undefined
  const because = policy.pause?.reason === undefined ? "" : ` (${policy.pause.reason})`
  if (policy.mode === "Paused") {
    return { reason: "Paused", message: `Paused by spec.mode${because}. Set it to Active to go on.` }
  }
  const { pause } = policy
  const over = pause?.until !== undefined && pause.until <= facts.at
  if (pause !== undefined && !over && pause.direction === "Both") {
    return {
      reason: "Paused",
      message: `Paused by spec.pause${because}. ${pause.until === undefined ? "Remove it to go on." : "It ends at spec.pause.until."}`
    }
  }
  if (facts.targets.length > 0 && facts.targets.every(isSwitchedOff)) {
    return {
      reason: "ScalingDisabled",
      message: "Somebody scaled the target to 0, which switches scaling off. Scale it to 1 or more to go on."
    }
  }
  return undefined
}

const isSwitchedOff = ({ memory, record }: TargetFacts): boolean =>
  record?.observation.state.specReplicas === 0 && record.outcome._tag !== "Scaled" && memory.lastWritten !== 0
