/**
 * Many proposals become one value. The largest wins; a proposal that may only raise counts only above the current
 * replicas; and while a signal that steers is not measured, nothing lowers.
 */
import type { Proposal, Step } from "#schemas/Decision"
import type { Policy, Signal } from "#schemas/Policy"
import type { Reading } from "#schemas/Reading"
import { objectivesOf } from "./objectives.ts"

export interface ArbitrateInput {
  readonly policy: Policy
  readonly current: number
  readonly signals: ReadonlyArray<{
    readonly signal: Pick<Signal, "name" | "target" | "onMissing" | "worksAtZero">
    readonly reading: Reading
  }>
  readonly proposals: ReadonlyArray<Proposal>
}

export interface Arbitrated {
  /** The winning value; the current replicas while held. */
  readonly value: number
  /** Before any hold. Absent: no engine could propose. */
  readonly recommended?: number
  readonly winner?: Proposal
  readonly blind: boolean
  readonly held: boolean
  /** Why it is held. */
  readonly step?: Step
}

/** How far a replacing proposal may be from what it replaces, and the most that advice may add. */
const REPLACE_SHARE = 0.2
const ADVICE_SHARE = 0.25

interface Leader {
  readonly proposal: Proposal
  readonly replicas: number
}

/** The first of the largest, so that the order in the policy decides between equals. */
const largest = (proposals: ReadonlyArray<Proposal>, counts: (proposal: Proposal) => boolean): Leader | undefined => {
  let leader: Leader | undefined
  for (const proposal of proposals) {
    const { replicas } = proposal
    if (replicas === undefined || !counts(proposal)) continue
    if (leader === undefined || replicas > leader.replicas) leader = { proposal, replicas }
  }
  return leader
}

const isPlain = ({ raiseOnly, standing }: Proposal) => !raiseOnly && standing === undefined

/** What those that have a full voice ask for; undefined while none of them can propose. */
export const baselineOf = (proposals: ReadonlyArray<Proposal>): number | undefined =>
  largest(proposals, isPlain)?.replicas

/** As far as a replacing proposal may be from the baseline. */
export const replaceRange = (baseline: number): { readonly least: number; readonly most: number } => ({
  least: Math.ceil(baseline * (1 - REPLACE_SHARE)),
  most: Math.floor(baseline * (1 + REPLACE_SHARE))
})

const choose = (proposals: ReadonlyArray<Proposal>, current: number): Leader | undefined => {
  let leader = largest(proposals, isPlain)
  const replacing = leader && largest(proposals, ({ standing }) => standing === "Replaces")
  if (leader !== undefined && replacing !== undefined) {
    const { least, most } = replaceRange(leader.replicas)
    leader = { proposal: replacing.proposal, replicas: Math.min(Math.max(replacing.replicas, least), most) }
  }
  const advice = leader && largest(proposals, ({ standing }) => standing === "Advises")
  if (leader !== undefined && advice !== undefined && advice.replicas > leader.replicas) {
    const most = leader.replicas + Math.max(1, Math.floor(leader.replicas * ADVICE_SHARE))
    leader = { proposal: advice.proposal, replicas: Math.min(advice.replicas, most) }
  }
  const raising = largest(proposals, ({ raiseOnly, standing }) => raiseOnly && standing === undefined)
  return raising !== undefined && raising.replicas > Math.max(current, leader?.replicas ?? 0) ? raising : leader
}

/** By a target, by a fallback, or as the measure of an objective. What is only watched holds nothing up. */
export const steers = (policy: Policy, signal: Pick<Signal, "name" | "target" | "onMissing">): boolean =>
  signal.target !== undefined ||
  signal.onMissing === "Fallback" ||
  objectivesOf(policy).some((each) => each.signal === signal.name)

/** Names of the signals that steer and could not be used. */
const unusable = ({ current, policy, proposals, signals }: ArbitrateInput): ReadonlySet<string> => {
  const names = new Set<string>()
  for (const { reading, signal } of signals) {
    if (reading._tag === "Measured") continue
    // With nobody running, a signal of the pods has nothing to say and nothing to hold up.
    if (current === 0 && !signal.worksAtZero) continue
    if (steers(policy, signal)) names.add(signal.name)
  }
  for (const { replicas, signal } of proposals) if (signal !== undefined && replicas === undefined) names.add(signal)
  return names
}

export const arbitrate = (input: ArbitrateInput): Arbitrated => {
  const { current, proposals } = input
  const missing = unusable(input)
  const blind = missing.size > 0
  const leader = choose(proposals, current)
  const found = leader && { recommended: leader.replicas, winner: leader.proposal }
  if (leader !== undefined && !(blind && leader.replicas < current)) {
    return { value: leader.replicas, ...found, blind, held: false }
  }
  if (!blind) return { value: current, ...found, blind, held: true }
  const names = [...missing].join(", ")
  const reason = `nothing goes down while ${names} ${missing.size === 1 ? "is" : "are"} missing`
  const step: Step = { limiter: "SignalMissing", before: leader?.replicas ?? current, after: current, reason }
  return { value: current, ...found, blind, held: true, step }
}
