/**
 * Seeded randomness for a simulated world, one stream per label: a new draw in "traffic" must not move
 * "faults", or every change to a scenario would also change which bugs its seeds find.
 */
import type * as Random from "effect/Random"
import { type Seed, words } from "#workload/words"

/** Also an Effect `Random`, so that one stream can stand in for the program's own chance. */
export interface Prng extends Random.Random {
  /** An integer in [0, bound). */
  readonly below: (bound: number) => number
  readonly chance: (probability: number) => boolean
  readonly between: (min: number, max: number) => number
  readonly hex: (length: number) => string
  /** One of them, which must not be none. */
  readonly pick: <A>(some: ReadonlyArray<A>) => A
}

export type { Seed }

export const make = (seed: Seed, label: string): Prng => {
  const uint32 = words(seed, label)
  const nextDoubleUnsafe = () => (uint32() * 2 ** 21 + (uint32() >>> 11)) / 2 ** 53
  return {
    nextDoubleUnsafe,
    nextIntUnsafe: () => Math.floor(nextDoubleUnsafe() * 2 ** 53) - 2 ** 52,
    below: (bound) => Math.floor((uint32() / 2 ** 32) * bound),
    pick: (some) => {
      if (some.length === 0) throw new Error("Prng: there is nothing to pick from")
      return some[Math.floor((uint32() / 2 ** 32) * some.length)] as (typeof some)[number]
    },
    chance: (probability) => probability > 0 && uint32() < probability * 2 ** 32,
    between: (min, max) => min + (max - min) * nextDoubleUnsafe(),
    hex: (length) => {
      let digits = ""
      while (digits.length < length) digits += uint32().toString(16).padStart(8, "0")
      return digits.slice(0, length)
    }
  }
}
