/**
 * Chance by place instead of by turn: what is thrown for the 7th hour is the same whoever asks, in whatever order. So a
 * pattern is a function of time alone, and needs no memory.
 */
import { type Seed, words } from "./words.ts"

export interface Dice {
  /** In [0, 1), of a place. */
  readonly at: (place: number, salt?: number) => number
  /** Around 0 with a deviation of about 1, changing smoothly over so many seconds. */
  readonly wave: (second: number, seconds: number, salt?: number) => number
}

export const dice = (seed: Seed): Dice => {
  const key = words(seed, "pattern")()
  const at = (place: number, salt = 0): number => {
    let hash = (key ^ Math.imul(place | 0, 2654435761) ^ Math.imul(salt + 1, 2246822519)) | 0
    hash = Math.imul(hash ^ (hash >>> 16), 2146121005)
    hash = Math.imul(hash ^ (hash >>> 15), 2221713035)
    return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
  }
  /** Three dice are nearly a bell. */
  const bell = (place: number, salt: number) =>
    2 * (at(place, salt) + at(place, salt + 101) + at(place, salt + 202) - 1.5)
  const wave = (second: number, seconds: number, salt = 0): number => {
    const place = Math.floor(second / seconds)
    const part = second / seconds - place
    const from = bell(place, salt)
    return from + (bell(place + 1, salt) - from) * part * part * (3 - 2 * part)
  }
  return { at, wave }
}
