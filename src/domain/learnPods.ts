/**
 * Everything that one look teaches of the pods: how long they start, what they serve and how their answers go bad.
 * Only pods that have stood long enough teach what they serve, and only by samples that are of them alone; unless there
 * are never any, as where one pod is ready on and off: then what is a little wrong is better than nothing.
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

/** Longer than samples look back, and than it takes until a node that is gone is noticed. Then one look teaches. */
const PATIENCE_MILLIS = 300_000

export const learnPods = ({ memory, observation, policy, resumed }: PodsInput, seen: Evidence): LearnedPods => {
  const { at, state } = observation
  const seconds = memory.at === undefined ? policy.intervalMillis / 1000 : Math.max(0.001, (at - memory.at) / 1000)
  const ready = state.readyReplicas
  const readySince = memory.at !== undefined && memory.ready === ready && !resumed ? memory.readySince : at
  const { backlog = 0, badFraction, demand, sampledFrom = at, served, utilization } = seen
  const waitingSince = resumed ? at : (memory.taughtAt ?? at)
  const overdue = at - waitingSince >= PATIENCE_MILLIS
  // Samples of pods look back, to when there were others: what these serve together would be put down to those.
  const settled = readySince === undefined || (readySince < at && (sampledFrom >= readySince || overdue))
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
  const taughtAt = settled ? at : waitingSince
  return { seconds, at, ready, readySince: readySince ?? at, taughtAt, startup, capacity }
}
