/**
 * Everything that one look teaches of the pods: how long they start, what they serve and how their answers go bad.
 * Only pods that have stood long enough teach what they serve, and only by samples that are of them alone.
 */
import type { Pods } from "#schemas/Pods"
import { learnPerPod, learnSteepness } from "./capacity.ts"
import type { EngineInput } from "./Engine.ts"
import type { Evidence } from "./evidence.ts"
import { learnStartup, UNKNOWN_STARTUP } from "./startup.ts"

export type PodsInput = Pick<EngineInput<unknown, Pods>, "memory" | "observation" | "policy" | "resumed">

export interface LearnedPods extends Required<Pods> {
  /** Since the last look. */
  readonly seconds: number
}

export const learnPods = ({ memory, observation, policy, resumed }: PodsInput, seen: Evidence): LearnedPods => {
  const { at, state } = observation
  const seconds = memory.at === undefined ? policy.intervalMillis / 1000 : Math.max(0.001, (at - memory.at) / 1000)
  const ready = state.readyReplicas
  const readySince = memory.at !== undefined && memory.ready === ready && !resumed ? memory.readySince : at
  const { backlog = 0, badFraction, demand, sampledFrom = at, served, utilization } = seen
  // Samples of pods look back, to when there were others: what these serve together would be put down to those.
  const settled = readySince === undefined || (readySince < at && sampledFrom >= readySince)
  const known = resumed ? { ...UNKNOWN_STARTUP, seconds: memory.startup.seconds } : memory.startup
  const startup = learnStartup(known, { at, pods: state.statusReplicas, ready })
  let { capacity } = memory
  if (settled && served !== undefined && utilization !== undefined) {
    capacity = learnPerPod(capacity, { served, utilization, ready, backlog })
  }
  if (badFraction !== undefined && demand !== undefined && capacity.perPod > 0 && ready > 0) {
    const load = demand / (capacity.perPod * ready)
    const steady = settled && backlog < demand * 0.05 + 1
    capacity = learnSteepness(capacity, { load, badFraction, requests: demand * seconds, steady })
  }
  return { seconds, at, ready, readySince: readySince ?? at, startup, capacity }
}
