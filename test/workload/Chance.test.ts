import { assert, describe, it } from "@effect/vitest"
import { chance } from "#workload/Chance"

const DRAWS = 20_000

const moments = (draw: () => number) => {
  const draws = Array.from({ length: DRAWS }, draw)
  const mean = draws.reduce((sum, value) => sum + value, 0) / DRAWS
  const variance = draws.reduce((sum, value) => sum + (value - mean) ** 2, 0) / DRAWS
  return { mean, variance }
}

describe("Chance", () => {
  it.each([0.3, 4, 11.9, 12.1, 60, 2_500])("gives Poisson numbers whose mean and variance are both %s", (expected) => {
    const { poisson } = chance(7, "arrivals")
    const { mean, variance } = moments(() => poisson(expected))
    assert.closeTo(mean, expected, 5 * Math.sqrt(expected / DRAWS))
    assert.closeTo(variance / expected, 1, 0.06)
  })

  it("counts in whole numbers, and nothing where nothing is expected", () => {
    const { poisson } = chance(7, "arrivals")
    for (const mean of [0.5, 20, 700]) assert.isTrue(Number.isSafeInteger(poisson(mean)))
    assert.deepStrictEqual([poisson(0), poisson(-1), poisson(Number.NaN)], [0, 0, 0])
  })

  it("gives normal and lognormal numbers of the mean and deviation that are asked for", () => {
    const { lognormal, normal } = chance("any", "noise")
    const bell = moments(normal)
    assert.closeTo(bell.mean, 0, 0.03)
    assert.closeTo(bell.variance, 1, 0.04)
    const skewed = moments(() => lognormal(30, 0.25))
    assert.closeTo(skewed.mean, 30, 0.25)
    assert.closeTo(Math.sqrt(skewed.variance), 7.5, 0.3)
  })

  it("repeats by its seed, and differs by its label", () => {
    const draws = (seed: number, label: string) => {
      const { uniform } = chance(seed, label)
      return [uniform(), uniform(), uniform()]
    }
    assert.deepStrictEqual(draws(1, "a"), draws(1, "a"))
    assert.notDeepEqual(draws(1, "a"), draws(1, "b"))
    assert.notDeepEqual(draws(1, "a"), draws(2, "a"))
  })
})
