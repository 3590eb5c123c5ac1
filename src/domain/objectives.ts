/**
 * What the promises to users (latency, error rate) say about the replicas: whether one is broken now, how few
 * replicas would still keep them, and so the guard under every downward step.
 */
import type { Step } from "#schemas/Decision"
import type { Observation } from "#schemas/Observation"
import type { Policy } from "#schemas/Policy"
import type { Reading } from "#schemas/Reading"
import type { Situation } from "./Situation.ts"

/** Down only below these shares of what was promised. */
const LATENCY_CALM = 0.8
const ERRORS_CALM = 0.5

export interface Objective {
  readonly kind: "latency" | "errorRate"
  readonly signal: string
  /** Milliseconds, or the share of requests that may fail. */
  readonly limit: number
}

/** Objectives that something measures: the signal they name, else one that has their role. */
export const objectivesOf = ({ objectives, signals }: Policy): ReadonlyArray<Objective> => {
  const { errorRate, latency } = objectives
  const named = (name: string | undefined, role: Objective["kind"]) =>
    name ?? signals.find((signal) => signal.role === role)?.name
  const latencySignal = latency === undefined ? undefined : named(latency.signal, "latency")
  const errorSignal = errorRate === undefined ? undefined : named(errorRate.signal, "errorRate")
  const found: Array<Objective> = []
  if (latency !== undefined && latencySignal !== undefined) {
    found.push({ kind: "latency", signal: latencySignal, limit: latency.targetMs })
  }
  if (errorRate !== undefined && errorSignal !== undefined) {
    found.push({ kind: "errorRate", signal: errorSignal, limit: errorRate.target })
  }
  return found
}

const readingOf = (observation: Observation, name: string): Reading | undefined =>
  observation.readings.find(({ signal }) => signal === name)?.reading

const describe = ({ kind }: Objective, value: number): string =>
  kind === "latency" ? `latency ${Math.round(value * 10) / 10} ms` : `error rate ${Math.round(value * 1e4) / 100} %`

/** The first objective that is broken now, as a few words; what is not measured breaks nothing. */
export const breach = (policy: Policy, observation: Observation): string | undefined => {
  for (const objective of objectivesOf(policy)) {
    const reading = readingOf(observation, objective.signal)
    if (reading?._tag === "Measured" && reading.value > objective.limit) {
      return `${describe(objective, reading.value)} is over its objective`
    }
  }
  return undefined
}

export interface Floor {
  readonly replicas: number
  readonly reason: string
}

/** The fewest replicas that the objectives allow now; undefined where they allow any. */
export const objectiveFloor = (policy: Policy, observation: Observation): Floor | undefined => {
  const current = observation.state.specReplicas
  let floor: Floor | undefined
  for (const objective of objectivesOf(policy)) {
    const reading = readingOf(observation, objective.signal)
    if (reading?._tag !== "Measured") {
      return { replicas: current, reason: `${objective.signal} is not measured, so nothing may go down` }
    }
    const { kind, limit } = objective
    const { value } = reading
    // Nothing at all is as far from any objective as can be, from one of zero too.
    const isCalm = value === 0 || value < limit * (kind === "latency" ? LATENCY_CALM : ERRORS_CALM)
    if (!isCalm) return { replicas: current, reason: `${describe(objective, value)} is too near to its objective` }
    // Latency is taken to grow as the load on each replica does: strictly below the limit after the step, too.
    const fewest = kind === "latency" && value > 0 ? Math.floor((current * value) / limit) + 1 : 0
    if (fewest > (floor?.replicas ?? 0)) {
      floor = {
        replicas: Math.min(fewest, current),
        reason: `${describe(objective, value)} would break its objective with fewer`
      }
    }
  }
  return floor
}

export const guardObjectives = (value: number, { current, observation, policy }: Situation): Step | undefined => {
  if (value >= current) return undefined
  const floor = objectiveFloor(policy, observation)
  return floor === undefined || value >= floor.replicas
    ? undefined
    : { limiter: "SLOGuard", before: value, after: floor.replicas, reason: floor.reason }
}
