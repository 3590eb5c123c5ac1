import { assert, describe, it } from "vitest"
import { ERROR_FACTORS, expect, follow, forecast, UNKNOWN_DEMAND } from "#domain/demand"
import type { Demand } from "#schemas/Demand"
import { Dice } from "#test/domain/Dice"

const AHEAD_SECONDS = 46

const walk = (values: ReadonlyArray<number>): Demand => {
  let demand = UNKNOWN_DEMAND
  values.forEach((value, tick) => {
    const at = tick * 5000
    demand = follow(demand, { at, value, seconds: 5, grain: 2 })
    demand = expect(demand, { at: at + AHEAD_SECONDS * 1000, value: forecast(demand, AHEAD_SECONDS) }, AHEAD_SECONDS)
  })
  return demand
}

const noisy = (seed: number, count: number, levelAt: (tick: number) => number) => {
  const dice = new Dice(seed)
  return Array.from({ length: count }, (_, tick) => levelAt(tick) * (1 + 0.1 * (dice.float() - 0.5)))
}

/** Standard deviation of what the forecasts were wrong by. */
const spread = ({ errors }: Demand): number =>
  Math.sqrt(errors.reduce((sum, share, bin) => sum + share * Math.log(ERROR_FACTORS[bin] ?? 1) ** 2, 0))

describe("demand", () => {
  it("is not taken to grow where there is only noise", () => {
    for (let seed = 1; seed <= 50; seed++) {
      assert.isBelow(forecast(walk(noisy(seed, 100, () => 400)), AHEAD_SECONDS), 450)
    }
  })

  it("is seen ahead where growth stands out of the noise", () => {
    const demand = walk(noisy(7, 60, (tick) => 200 + 10 * Math.max(0, tick - 30)))
    const then = 200 + 10 * (29 + AHEAD_SECONDS / 5)
    assert.isAbove(forecast(demand, AHEAD_SECONDS), then * 0.85)
    assert.isBelow(forecast(demand, AHEAD_SECONDS), then * 1.2)
  })

  it("is seen ahead from the third measurement on, where it grows from the first", () => {
    assert.isAbove(forecast(walk([400, 440, 480]), AHEAD_SECONDS), 500)
    assert.isBelow(forecast(walk([400, 440]), AHEAD_SECONDS), 440)
  })

  it("is believed at once when it jumps, and falls gently", () => {
    const calm = noisy(2, 60, () => 140)
    assert.isAtLeast(walk([...calm, 640]).level, 640)
    assert.isAbove(walk([...calm, 20]).level, 80)
  })

  it("is known the better the steadier it is", () => {
    const steady = walk(noisy(4, 1500, () => 400))
    const rough = walk(noisy(4, 1500, (tick) => 400 * (1 + 0.18 * Math.sin(tick / 7))))
    assert.isBelow(spread(steady), 0.06)
    assert.isAbove(spread(rough), 1.5 * spread(steady))
  })

  it("stays finite, bounded and a distribution, whatever is measured", () => {
    for (let seed = 1; seed <= 100; seed++) {
      const dice = new Dice(seed)
      const demand = walk(Array.from({ length: 200 }, () => dice.of([0, 1, 5, 500, 1e9, 1e300]) * dice.float()))
      assert.isTrue(Number.isFinite(forecast(demand, AHEAD_SECONDS)))
      assert.isAtMost(demand.seen.length, 49)
      assert.isAtMost(demand.expected.length, 24)
      const sum = demand.errors.reduce((total, share) => total + share, 0)
      assert.closeTo(sum, 1, 1e-6)
    }
  })
})
