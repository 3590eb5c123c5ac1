/**
 * What the Q-learning agent sees of one tick, and what it is rewarded for: the workload's state in a few buckets, how
 * much work there is in busy pods, and by how much the objectives are broken. Without an objective, load over its
 * target stands for one.
 */
import type { Observation } from "#schemas/Observation"
import type { Policy, Role, Signal } from "#schemas/Policy"
import type { Measured, Reading } from "#schemas/Reading"
import { objectivesOf } from "./objectives.ts"
import { propose } from "./usage.ts"

export interface Perception {
  /** The name of the state: CPU, memory, trend and share of the replicas, each as a bucket. */
  readonly state: string
  /** Work there is, in pods that would be busy all the time; over the pods it is their load. */
  readonly work: number
  readonly latencyExcess: number
  readonly errorExcess: number
  readonly broken: boolean
  /** Of the work, smoothed; for the trend of the next tick. */
  readonly level: number
}

export interface PerceiveInput {
  readonly policy: Policy
  readonly observation: Observation
  readonly signals: ReadonlyArray<{ readonly signal: Signal; readonly reading: Reading }>
  /** Smoothed work or demand so far; undefined at first. */
  readonly level: number | undefined
  /** Work that one busy pod serves, where it is known; 0: it is not. */
  readonly perPod: number
}

const CPU_EDGES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.1]
const MEMORY_EDGES = [0.5, 0.7, 0.85]
const TREND_EDGES = [0.9, 1.1]
const REPLICA_EDGES = [0.2, 0.4, 0.6, 0.8]
/** Weight of one tick in the level that a trend is measured against. */
const LEVEL_GAIN = 0.25
/** Load over its target that counts as broken where no objective is named. */
const OVERLOAD = 0.1

const bucketOf = (value: number, edges: ReadonlyArray<number>): number => {
  const found = edges.findIndex((edge) => value < edge)
  return found === -1 ? edges.length : found
}

const excess = (value: number, limit: number): number => {
  const ratio = limit > 0 ? value / limit : value > 0 ? Infinity : 0
  return Math.min(1, Math.max(0, ratio - 1))
}

/** Used over requested, where the source looks at each pod. */
const shareOfRequests = ({ pods = [] }: Measured): number | undefined => {
  let used = 0
  let requested = 0
  for (const { requestMilli, usageMilli } of pods) {
    if (requestMilli === undefined || usageMilli === undefined) continue
    used += usageMilli
    requested += requestMilli
  }
  return requested > 0 ? used / requested : undefined
}

const measuredOf = (input: PerceiveInput, wanted: (signal: Signal, reading: Measured) => boolean) => {
  for (const { reading, signal } of input.signals) {
    if (reading._tag === "Measured" && wanted(signal, reading)) return reading
  }
  return undefined
}

const byRole = (input: PerceiveInput, role: Role): number | undefined =>
  measuredOf(input, (signal) => signal.role === role)?.value

/** Whether there is any such signal at all, measured or not. */
const hasRole = ({ policy }: PerceiveInput, role: Role): boolean =>
  policy.signals.some((signal) => signal.role === role)

/** Of two resources only CPU is told to burn at start-up; where nothing is told, the name says which it is. */
const isMemory = ({ name, source }: Signal, { warmUp }: Measured): boolean =>
  source === "resource" && warmUp !== true && /mem/iu.test(name)

const cpuShare = (input: PerceiveInput): number | undefined => {
  const reading = measuredOf(input, (signal, found) => signal.role === "utilization" && !isMemory(signal, found))
  return reading === undefined ? undefined : (shareOfRequests(reading) ?? reading.value / 100)
}

const memoryShare = (input: PerceiveInput): number | undefined => {
  const reading = measuredOf(input, isMemory)
  return reading === undefined ? undefined : shareOfRequests(reading)
}

/** The busiest signal's usage over its target. */
const targetRatio = ({ observation, policy, signals }: PerceiveInput): number | undefined => {
  let most: number | undefined
  for (const { reading, signal } of signals) {
    if (signal.target === undefined || reading._tag !== "Measured") continue
    const answer = propose(signal, reading, observation, policy.limits)
    if (answer._tag === "Proposed" && Number.isFinite(answer.ratio)) most = Math.max(most ?? 0, answer.ratio)
  }
  return most
}

interface Broken {
  readonly latencyExcess: number
  readonly errorExcess: number
  readonly broken: boolean
}

/** Undefined: an objective is named, and what measures it says nothing. */
const brokenBy = (input: PerceiveInput, ratio: number | undefined): Broken | undefined => {
  const { latency } = input.policy.objectives
  const objectives = objectivesOf(input.policy)
  const bad = latency !== undefined && hasRole(input, "badFraction") ? latency : undefined
  if (objectives.length === 0 && bad === undefined) {
    if (ratio === undefined) return { latencyExcess: 0, errorExcess: 0, broken: false }
    return { latencyExcess: excess(ratio, 1), errorExcess: 0, broken: ratio > 1 + OVERLOAD }
  }
  const found = { latencyExcess: 0, errorExcess: 0 }
  for (const { kind, limit, signal } of objectives) {
    const value = measuredOf(input, ({ name }) => name === signal)?.value
    if (value === undefined) return undefined
    found[kind === "latency" ? "latencyExcess" : "errorExcess"] = excess(value, limit)
  }
  if (bad !== undefined) {
    const fraction = byRole(input, "badFraction")
    // A share of no requests is no number, and nobody was kept waiting.
    if (fraction === undefined && byRole(input, "demand") !== 0) return undefined
    found.latencyExcess = Math.max(found.latencyExcess, excess(fraction ?? 0, Math.max(1e-4, 1 - bad.goodFraction)))
  }
  return { ...found, broken: found.latencyExcess > 0 || found.errorExcess > 0 }
}

const trendOf = (value: number, level: number | undefined): number =>
  level === undefined || level <= 0 ? 1 : bucketOf(value / level, TREND_EDGES)

/** Undefined: too little is measured to tell one state from another. */
export const perceive = (input: PerceiveInput): Perception | undefined => {
  const { bounds } = input.policy
  const { readyReplicas, specReplicas } = input.observation.state
  if (readyReplicas < 1 || specReplicas < 1) return undefined
  const ratio = targetRatio(input)
  const cpu = cpuShare(input)
  const busy = cpu ?? ratio
  const broken = brokenBy(input, ratio)
  if (busy === undefined || broken === undefined) return undefined
  const demand = byRole(input, "demand") ?? byRole(input, "served")
  const work = demand !== undefined && input.perPod > 0 ? demand / input.perPod : busy * readyReplicas
  const memory = memoryShare(input)
  const flow = demand ?? busy * readyReplicas
  const { level } = input
  const share = bounds.max > bounds.min ? (specReplicas - bounds.min) / (bounds.max - bounds.min) : 0
  const parts = [
    `c${bucketOf(busy, CPU_EDGES)}`,
    `m${memory === undefined ? "-" : bucketOf(memory, MEMORY_EDGES)}`,
    `t${trendOf(flow, level)}`,
    `r${bucketOf(share, REPLICA_EDGES)}`
  ]
  return {
    state: parts.join(""),
    work,
    ...broken,
    level: level === undefined ? flow : level + (flow - level) * LEVEL_GAIN
  }
}

const WEIGHTS = { latency: 0.6, errors: 0.2, replicas: 0.15, change: 0.05 }

export interface Rewarded {
  readonly latencyExcess: number
  readonly errorExcess: number
  readonly replicas: number
  readonly change: number
  readonly max: number
}

export const harmOf = ({ errorExcess, latencyExcess }: Pick<Rewarded, "latencyExcess" | "errorExcess">): number =>
  WEIGHTS.latency * Math.min(1, latencyExcess) + WEIGHTS.errors * Math.min(1, errorExcess)

export const costOf = ({ change, max, replicas }: Pick<Rewarded, "replicas" | "change" | "max">): number => {
  const most = Math.max(1, max)
  return WEIGHTS.replicas * Math.min(1, replicas / most) + WEIGHTS.change * Math.min(1, Math.abs(change) / most)
}

/** 0 at best, -1 at worst. */
export const rewardOf = (rewarded: Rewarded): number => -(harmOf(rewarded) + costOf(rewarded))
