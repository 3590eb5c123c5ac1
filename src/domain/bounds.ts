/** Minimum and maximum: the last limiter, and the only one that moves replicas at once and without any data. */
import type { Step } from "#schemas/Decision"
import type { Policy } from "#schemas/Policy"
import type { Limit } from "./Situation.ts"

export const limitBounds = (value: number, { bounds }: Policy): Step | undefined => {
  const { max, min } = bounds
  if (value > max) return { limiter: "TooManyReplicas", before: value, after: max, reason: `the maximum is ${max}` }
  if (value < min) return { limiter: "TooFewReplicas", before: value, after: min, reason: `the minimum is ${min}` }
  return undefined
}

export const holdBounds: Limit = (value, { policy }) => limitBounds(value, policy)
