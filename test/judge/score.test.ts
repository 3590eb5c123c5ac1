import { assert, describe, it } from "@effect/vitest"
import { scored } from "#judge/score"

const cost = (violations: number, podHours = 100, changesPerHour = 0) =>
  scored({ violations, podHours, changesPerHour }, 100).cost

describe("the score", () => {
  it("is 100 for the reference's pods, no bad answer and no change", () => {
    assert.strictEqual(scored({ violations: 0, podHours: 100, changesPerHour: 0 }, 100).score, 100)
  })

  it("takes 1 % of bad answers for as dear as 5 % more pods, and each further 1 % for 25 %", () => {
    assert.closeTo(cost(0.01), 1.05, 1e-9)
    assert.closeTo(cost(0.005), 1.025, 1e-9)
    assert.closeTo(cost(0.02), 1.3, 1e-9)
    assert.closeTo(cost(0.1), 3.3, 1e-9)
    assert.closeTo(cost(0.2), 3.3 + 2 * Math.log(2), 1e-9)
  })

  it("takes fifty changes an hour for as dear as 5 % more pods", () => {
    assert.closeTo(cost(0, 100, 50), 1.05, 1e-9)
    assert.closeTo(cost(0, 105, 0), 1.05, 1e-9)
  })

  it("never pays for giving a service up", () => {
    for (let bad = 0.02; bad < 1; bad += 0.02) assert.isAbove(cost(bad + 0.02), cost(bad))
    assert.isAbove(cost(1, 0), cost(0.01, 300))
  })
})
