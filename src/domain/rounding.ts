/** When a ratio is close enough to one, and how a fraction of a replica becomes a whole one. */
import type { Limits } from "#schemas/Policy"

export interface Tolerance {
  readonly up: number
  readonly down: number
}

export interface Rounding {
  readonly tolerance: Tolerance
  readonly downRounding: Limits["downRounding"]
}

/** The most replicas that a scale subresource can ask for. */
export const REPLICAS_MAX = 2_147_483_647

/** Thousandths as the HPA's own floating point reads them out of a quantity such as "50m". */
const toDouble = (milli: number): number => (milli % 1000 === 0 ? milli / 1000 : milli * 0.001)

export const roundingOf = ({ downRounding, toleranceMilli }: Limits): Rounding => ({
  tolerance: { up: toDouble(toleranceMilli.up), down: toDouble(toleranceMilli.down) },
  downRounding
})

export const isWithin = ({ down, up }: Tolerance, ratio: number): boolean => 1 - down <= ratio && ratio <= 1 + up

/** Up is always rounded up; down as the policy prefers. Never less than none, never more than can be written. */
export const wholeReplicas = (replicas: number, current: number, rounding: Rounding): number => {
  const whole = rounding.downRounding === "floor" && replicas < current ? Math.floor(replicas) : Math.ceil(replicas)
  return Math.max(0, Math.min(whole, REPLICAS_MAX))
}
