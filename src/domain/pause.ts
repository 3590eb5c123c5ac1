/** What a person has switched off: the whole policy, one direction, or the workload itself by scaling it to zero. */
import type { Step } from "#schemas/Decision"
import type { Memory } from "#schemas/Memory"
import type { Observation } from "#schemas/Observation"
import type { Policy } from "#schemas/Policy"
import type { Limit } from "./Situation.ts"

/** Zero replicas that are not ours: somebody wants the workload off. */
export const isSwitchedOff = ({ state }: Observation, memory: Memory): boolean =>
  state.specReplicas === 0 && memory.lastWritten !== 0

const because = ({ pause }: Policy): string => (pause?.reason === undefined ? "" : ` (${pause.reason})`)

export const holdPause: Limit = (value, { at, current, policy }) => {
  const held = (after: number, reason: string): Step | undefined =>
    after === value ? undefined : { limiter: "Paused", before: value, after, reason: reason + because(policy) }
  if (policy.mode === "Paused") return held(current, "paused by spec.mode")
  const { pause } = policy
  if (pause === undefined || (pause.until !== undefined && at >= pause.until)) return undefined
  switch (pause.direction) {
    case "Up":
      return value > current ? held(current, "scaling up is paused") : undefined
    case "Down":
      return value < current ? held(current, "scaling down is paused") : undefined
    case "Both": {
      const { max, min } = policy.bounds
      if (pause.replicas === undefined) return held(current, "scaling is paused")
      const at = Math.min(Math.max(pause.replicas, min), max)
      const unlike = at === pause.replicas ? "" : `, as ${pause.replicas} is out of bounds`
      return held(at, `paused at ${at} ${at === 1 ? "replica" : "replicas"}${unlike}`)
    }
  }
}
