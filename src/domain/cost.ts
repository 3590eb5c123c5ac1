/** A month's budget as a ceiling on replicas. The minimum wins over it: a service that is off costs nothing, too. */
import { affordablePods } from "#schemas/budget"
import type { Policy } from "#schemas/Policy"
import type { Limit } from "./Situation.ts"

/** The replicas that the budget pays for all month long; undefined without one. */
export const affordable = ({ objectives }: Pick<Policy, "objectives">): number | undefined => {
  const { cost } = objectives
  return cost === undefined ? undefined : affordablePods(cost)
}

export const capCost: Limit = (value, { blind, current, policy }) => {
  const pods = affordable(policy)
  if (pods === undefined) return undefined
  const cap = Math.max(pods, policy.bounds.min)
  const lowest = blind ? Math.max(cap, current) : cap
  if (value <= lowest) return undefined
  const reason = `the budget of ${policy.objectives.cost?.maxMonthlyCost} a month pays for ${pods}`
  return { limiter: "CostCap", before: value, after: lowest, reason }
}
