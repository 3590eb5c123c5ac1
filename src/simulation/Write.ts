/** A change of replicas in the operators' name, as the API committed it, and what became known of it. */
import type { DecisionRecord, Limiter } from "#schemas/Decision"
import type { PolicyRef } from "#schemas/Policy"

export interface Write {
  readonly at: number
  readonly target: string
  /** A target made anew has no past. */
  readonly uid: unknown
  readonly from: number
  readonly to: number
  readonly version: string
  readonly life: string
  /** Signals of the policies that name the target of which the writer was told no number in this tick. */
  readonly blind: ReadonlySet<string>
  /** Status said so already: somebody has put it back to where the operator had left it. */
  readonly isShown: boolean
  /** By whose record it is known. */
  record: DecisionRecord | undefined
  /** Of later leaders, who count from when they found it, and from where the replicas were by what they knew. */
  readonly finds: Array<Found>
  /** Told by a later leader, or nobody's any more. */
  settled: boolean
}

export interface Found {
  readonly at: number
  readonly change: number
}

interface Finder {
  readonly life: string
  readonly policy: PolicyRef
  /** The replicas that it takes them to have been before. */
  readonly from: number
}

interface Past {
  /** The replicas that the target ever had. */
  readonly had: ReadonlySet<number> | undefined
  /** Whose clocks differ cannot tell by its records which write came last, and counts it once more. */
  readonly clocksAgree: boolean
}

/** What is wrong with a find, if anything is. */
export const flawOf = (
  { from, life, policy }: Finder,
  write: Write | undefined,
  { clocksAgree, had }: Past
): string | undefined => {
  if (write === undefined) return "which nobody had written"
  if (had?.has(from) !== true) return "and it never had that many before"
  const teller = write.record?.policy
  if (write.life !== life || teller === undefined || !clocksAgree) return undefined
  // A policy made anew knows nothing of the records of the one before it, which went with it. Any other one does.
  const isAnew = teller.kind === policy.kind && teller.name === policy.name && teller.uid !== policy.uid
  return isAnew ? undefined : "which it had recorded itself"
}

/** What may end a decision on other terms than cooldown, step and rate. */
const FREED: ReadonlySet<Limiter> = new Set([
  "RolledBack",
  "CostCap",
  "Schedule",
  "TooManyReplicas",
  "TooFewReplicas",
  "Paused"
])

/** A bound, or a person's or an objective's word, came last. */
export const isFreed = ({ steps }: DecisionRecord["decision"]): boolean => {
  const last = steps.at(-1)
  return last !== undefined && FREED.has(last.limiter)
}
