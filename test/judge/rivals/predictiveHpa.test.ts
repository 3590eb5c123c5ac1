import { assert, describe, it } from "@effect/vitest"
import { hpa } from "#judge/rivals/hpa"
import { predictiveLinear, predictiveSeasonal } from "#judge/rivals/predictiveHpa"
import { run } from "#judge/run"
import { web } from "#test/judge/world"

const growing = (second: number) => 100 + second / 4

describe("the predictive HPA", () => {
  it("is ahead of a straight rise, and pays for it", () => {
    const load = web(growing, 3_600)
    const [plain, ahead] = [run(load, hpa(0.8)), run(load, predictiveLinear(0.8))]
    assert.isBelow(ahead.violations, plain.violations)
    assert.isAbove(ahead.podHours, plain.podHours)
  })

  it("never asks for less than the HPA does", () => {
    const load = web((second) => 300 + 200 * Math.sin(second / 300), 3_600)
    for (const make of [predictiveLinear(0.7), predictiveSeasonal(0.7, 1_885)]) {
      assert.isAtLeast(run(load, make).podHours, run(load, hpa(0.7)).podHours * 0.99)
    }
  })

  it("knows a season when it has seen it", () => {
    const season = 1_800
    const load = web((second) => (second % season < 300 ? 700 : 200), 4 * season)
    const badAfter = (make: typeof hpa) => {
      const { bad } = run(load, make(0.7)).course
      return bad.slice(2 * season).reduce((sum, value) => sum + value, 0)
    }
    assert.isBelow(
      badAfter((target) => predictiveSeasonal(target, season)),
      badAfter(hpa)
    )
  })
})
