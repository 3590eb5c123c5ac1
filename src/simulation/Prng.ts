/**
 * Seeded randomness for a simulated world, one stream per label: a new draw in "traffic" must not move
 * "faults", or every change to a scenario would also change which bugs its seeds find.
 */
import type * as Random from "effect/Random"

/** Also an Effect `Random`, so that one stream can stand in for the program's own chance. */
export interface Prng extends Random.Random {
  /** An integer in [0, bound). */
  readonly below: (bound: number) => number
  readonly chance: (probability: number) => boolean
  readonly between: (min: number, max: number) => number
  readonly hex: (length: number) => string
}

export type Seed = string | number

export const make = (seed: Seed, label: string): Prng => {
  const uint32 = sfc32(xmur3(`${seed}/${label}`))
  const nextDoubleUnsafe = () => (uint32() * 2 ** 21 + (uint32() >>> 11)) / 2 ** 53
  return {
    nextDoubleUnsafe,
    nextIntUnsafe: () => Math.floor(nextDoubleUnsafe() * 2 ** 53) - 2 ** 52,
    below: (bound) => Math.floor((uint32() / 2 ** 32) * bound),
    chance: (probability) => probability > 0 && uint32() < probability * 2 ** 32,
    between: (min, max) => min + (max - min) * nextDoubleUnsafe(),
    hex: (length) => {
      let digits = ""
      while (digits.length < length) digits += uint32().toString(16).padStart(8, "0")
      return digits.slice(0, length)
    }
  }
}

/** Chris Doty-Humphrey's small fast counting generator: 128 bits of state, passes the usual batteries. */
const sfc32 = (word: () => number): (() => number) => {
  let a = word()
  let b = word()
  let c = word()
  let counter = 1
  const next = () => {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    return sum >>> 0
  }
  for (let round = 0; round < 12; round++) next()
  return next
}

/** Spreads a text over as many 32-bit words as are asked for. */
const xmur3 = (text: string): (() => number) => {
  let hash = 1779033703 ^ text.length
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 3432918353)
    hash = (hash << 13) | (hash >>> 19)
  }
  return () => {
    hash = Math.imul(hash ^ (hash >>> 16), 2246822507)
    hash = Math.imul(hash ^ (hash >>> 13), 3266489909)
    return (hash ^= hash >>> 16) >>> 0
  }
}
