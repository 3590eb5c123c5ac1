/** What the target's own state forbids: going down during a rollout, or below what a disruption budget protects. */
import type { Limit } from "./Situation.ts"

export const guardRollout: Limit = (value, { current, observation, policy }) =>
  policy.safety.rolloutGuard && observation.state.rollingOut && value < current
    ? { limiter: "Rollout", before: value, after: current, reason: "nothing goes down while the target rolls out" }
    : undefined

/** Holds at the floor; never raises to it, since a budget is about evictions and asks for no pods. */
export const keepDisruptionFloor: Limit = (value, { current, observation, policy }) => {
  const { disruptionFloor } = observation.state
  if (!policy.safety.disruptionFloor || disruptionFloor === undefined) return undefined
  const after = Math.min(disruptionFloor, current)
  if (value >= after) return undefined
  const reason = `a PodDisruptionBudget wants ${disruptionFloor} available`
  return { limiter: "DisruptionFloor", before: value, after, reason }
}
