/** What came of a decision becomes part of the memory: commitments after a write that happened, and only then. */
import type { Decision, Outcome } from "#schemas/Decision"
import type { Memory } from "#schemas/Memory"
import type { Observation } from "#schemas/Observation"
import type { Policy } from "#schemas/Policy"
import { remember } from "./rates.ts"

export interface SettleInput {
  readonly policy: Policy
  /** As the decision left it. */
  readonly memory: Memory
  readonly observation: Observation
  readonly decision: Decision
  readonly outcome: Outcome
}

const commit = ({ memory, observation: { at }, policy }: SettleInput, from: number, to: number): Memory => {
  const { lastDown, unsettled: _, writtenVersion: __, ...rest } = memory
  const change = to - from
  return {
    ...rest,
    ...remember(memory, change, at, policy.limits.rates),
    lastWriteAt: at,
    lastWritten: to,
    lastSeen: to,
    ...(change > 0 ? { lastUpAt: at } : {}),
    // A step up ends what the last step down could still be blamed for.
    ...(change < 0 ? { lastDown: { at, from, to } } : change === 0 && lastDown !== undefined ? { lastDown } : {})
  }
}

export const settle = (input: SettleInput): Memory => {
  const { decision, memory, observation, outcome } = input
  switch (outcome._tag) {
    case "Scaled":
      return { ...commit(input, outcome.from, outcome.to), writtenVersion: outcome.resourceVersion }
    case "Recovered": {
      // Whoever looked before it was known whose write it was took it for a stranger's.
      const foreignWrites = memory.foreignWrites.filter((write) => write !== observation.at)
      const found = commit({ ...input, memory: { ...memory, foreignWrites } }, outcome.from, outcome.to)
      // From where nobody knows: it may have been up as well as down, and both have to wait.
      return outcome.from === outcome.to ? { ...found, lastUpAt: observation.at } : found
    }
    case "Unknown":
      return { ...memory, unsettled: decision.desired }
    case "Unchanged":
    case "Refused": {
      if (memory.unsettled === undefined) return memory
      const { unsettled: _, ...rest } = memory
      return rest
    }
    case "Withheld":
      return memory
  }
}
