/** What in a workload is left to chance, as streams of numbers of one seed and one label each. */
import { type Seed, words } from "./words.ts"

export interface Chance {
  /** In [0, 1). */
  readonly uniform: () => number
  /** Mean 0, deviation 1. */
  readonly normal: () => number
  /** How many of something come in a second in which `mean` are expected. */
  readonly poisson: (mean: number) => number
  /** Above 0, of a mean and of a deviation that is `spread` times the mean. */
  readonly lognormal: (mean: number, spread: number) => number
}

export const chance = (seed: Seed, label: string): Chance => {
  const word = words(seed, label)
  const uniform = () => (word() * 2 ** 21 + (word() >>> 11)) / 2 ** 53
  let spare: number | undefined
  const normal = () => {
    if (spare !== undefined) {
      const kept = spare
      spare = undefined
      return kept
    }
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()))
    const angle = 2 * Math.PI * uniform()
    spare = radius * Math.sin(angle)
    return radius * Math.cos(angle)
  }
  return {
    uniform,
    normal,
    poisson: (mean) => (!(mean > 0) ? 0 : mean < MANY ? fewOf(mean, uniform) : manyOf(mean, uniform)),
    lognormal: (mean, spread) => {
      const variance = Math.log(1 + spread * spread)
      return mean * Math.exp(Math.sqrt(variance) * normal() - variance / 2)
    }
  }
}

/** From here on counting up from 0 costs more than rejection. */
const MANY = 12

/** By inversion: one draw, compared with the probabilities of 0, 1, 2 ... */
const fewOf = (mean: number, uniform: () => number): number => {
  let probability = Math.exp(-mean)
  let left = uniform() - probability
  let count = 0
  while (left > 0 && count < 200) {
    count += 1
    probability *= mean / count
    left -= probability
  }
  return count
}

/** By transformed rejection (W. Hörmann, 1993): exact at any mean, and at the same price. */
const manyOf = (mean: number, uniform: () => number): number => {
  const b = 0.931 + 2.53 * Math.sqrt(mean)
  const a = -0.059 + 0.02483 * b
  const inverseAlpha = 1.1239 + 1.1328 / (b - 3.4)
  const accepted = 0.9277 - 3.6224 / (b - 2)
  const logMean = Math.log(mean)
  for (;;) {
    const u = uniform() - 0.5
    const v = uniform()
    const us = 0.5 - Math.abs(u)
    const count = Math.floor(((2 * a) / us + b) * u + mean + 0.43)
    if (us >= 0.07 && v <= accepted) return count
    if (count < 0 || (us < 0.013 && v > us)) continue
    const density = Math.log((v * inverseAlpha) / (a / (us * us) + b))
    if (density <= -mean + count * logMean - logFactorial(count)) return count
  }
}

/** Stirling's series; below ten the sum itself. */
const logFactorial = (count: number): number => {
  if (count < 10) {
    let sum = 0
    for (let factor = 2; factor <= count; factor++) sum += Math.log(factor)
    return sum
  }
  const next = count + 1
  const square = 1 / (next * next)
  const series = (1 / 12 - square * (1 / 360 - square / 1260)) / next
  return (next - 0.5) * Math.log(next) - next + 0.5 * Math.log(2 * Math.PI) + series
}
