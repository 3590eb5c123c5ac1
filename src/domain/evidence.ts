/**
 * What the signals of a policy say of its workload, by their roles; or the first of them that has to be waited for.
 * Utilization is a share here, and of what the pods request wherever that is known.
 */
import type { Policy, Role } from "#schemas/Policy"
import type { Measured } from "#schemas/Reading"
import type { EngineInput } from "./Engine.ts"
import { groupPods } from "./podMetrics.ts"

export interface Evidence {
  readonly demand?: number
  readonly served?: number
  readonly utilization?: number
  /** From when on the samples of single pods speak for all that serve; absent: it is no sample of single pods. */
  readonly sampledFrom?: number
  readonly backlog?: number
  readonly badFraction?: number
}

/** A signal that is needed and cannot be used. */
export interface Awaited {
  readonly signal: string
  readonly reason: string
}

export const hasRole = ({ signals }: Policy, role: Role): boolean => signals.some((signal) => signal.role === role)

/** Of the pods that serve, as the HPA takes them. Nothing: none does, or nobody said of how much they use. */
const shareOf = ({ pods, value, warmUp }: Measured, at: number): Pick<Evidence, "sampledFrom" | "utilization"> => {
  if (pods === undefined) return { utilization: value / 100 }
  const { missing, ready, unready } = groupPods(pods, warmUp === true, at)
  let sampledFrom = at
  let [used, requested, heard] = [0, 0, 0]
  for (const { requestMilli, sampledAt = at, usageMilli, windowMillis = 0 } of ready) {
    if (requestMilli === undefined || usageMilli === undefined) continue
    used += usageMilli
    requested += requestMilli
    heard += 1
    sampledFrom = Math.min(sampledFrom, sampledAt - windowMillis)
  }
  if (requested <= 0) return {}
  // Work is shared out, so most speak for the rest. A pod that does not serve is counted nowhere and waited for by nobody.
  const unheard = [...missing, ...unready].filter((pod) => pod.ready === true).length
  return { utilization: used / requested, sampledFrom: heard > unheard ? sampledFrom : -Infinity }
}

type Input = Pick<EngineInput<unknown, unknown>, "observation" | "signals">

/** Of several signals with one role the first speaks. */
export const gather = (
  { observation, signals }: Input,
  roles: ReadonlyArray<Exclude<keyof Evidence, "sampledFrom">>
): Evidence | Awaited => {
  const evidence: { -readonly [Key in keyof Evidence]: number } = {}
  for (const role of roles) {
    const found = signals.find(({ signal }) => signal.role === role)
    if (found === undefined) continue
    const { reading, signal } = found
    if (reading._tag === "Measured") {
      if (role === "utilization") Object.assign(evidence, shareOf(reading, observation.at))
      else evidence[role] = reading.value
      const value = evidence[role]
      const most = role === "badFraction" ? 1 : Infinity
      if (value !== undefined) evidence[role] = Math.min(most, Math.max(0, value))
      continue
    }
    // Pods that do not exist say nothing of themselves.
    if (observation.state.specReplicas === 0 && !signal.worksAtZero) continue
    // A share of no requests is no number.
    if (role === "badFraction" && evidence.demand === 0) continue
    const how = reading._tag === "Stale" ? "stale" : "missing"
    return { signal: signal.name, reason: `${signal.name} is ${how}: ${reading.detail}` }
  }
  return evidence
}
