/** When a ratio is close enough to one, and how a fraction of a replica becomes a whole one. */
import type { Limits } from "#schemas/Policy"

export interface Tolerance {
  readonly up: number
  readonly down: number
}

/** The most replicas that a scale subresource can ask for. */
export const REPLICAS_MAX = 2_147_483_647

/** Thousandths as the HPA's own floating point reads them out of a quantity such as "50m". */
const toDouble = (milli: number): number => (milli % 1000 === 0 ? milli / 1000 : milli * 0.001)

export const toleranceOf = ({ toleranceMilli }: Limits): Tolerance => ({
  up: toDouble(toleranceMilli.up),
  down: toDouble(toleranceMilli.down)
})

export const isWithin = ({ down, up }: Tolerance, ratio: number): boolean => 1 - down <= ratio && ratio <= 1 + up

/** Always rounded up, never less than none, never more than can be written. */
export const wholeReplicas = (replicas: number): number => Math.max(0, Math.min(Math.ceil(replicas), REPLICAS_MAX))
