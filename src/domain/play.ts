/**
 * One tick where every decision is taken as written at once: what `decide`, backtests and what-if ask. Changes by
 * others are noted and followed, and freeze nothing, since nobody is being fought.
 */
import { decide, type Decided, type DecideInput } from "./decide.ts"
import { noteReplicas } from "./memory.ts"
import { settle } from "./settle.ts"

export const play = (input: DecideInput): Decided => {
  const { observation, policy } = input
  const { decision, memory } = decide({ ...input, memory: noteReplicas(input.memory, observation) })
  const from = observation.state.specReplicas
  if (decision.desired === from) return { decision, memory }
  const outcome = { _tag: "Scaled", from, to: decision.desired, resourceVersion: "" } as const
  return { decision, memory: settle({ policy, memory, observation, decision, outcome }) }
}
