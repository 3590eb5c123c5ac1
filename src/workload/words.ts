/**
 * Seeded randomness at its root: 32-bit words, one stream per seed and label. A new draw in "traffic" must not move
 * "startup", or every change to a scenario would also change what its seeds show.
 */

export type Seed = string | number

export const words = (seed: Seed, label: string): (() => number) => sfc32(xmur3(`${seed}/${label}`))

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
