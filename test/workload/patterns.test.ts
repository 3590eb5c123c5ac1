import { assert, describe, it } from "@effect/vitest"
import { PATTERNS } from "#workload/patterns"

/** Somewhere in each minute of eight days. */
const MOMENTS = Array.from({ length: 8 * 1_440 }, (_, minute) => minute * 60 + ((minute * 17) % 60))
const mean = (numbers: ReadonlyArray<number>) => numbers.reduce((sum, value) => sum + value, 0) / numbers.length

const trafficOf = (name: string, knobs: Record<string, number> = {}, seed = 3) => {
  const traffic = PATTERNS[name]?.traffic(knobs, seed)
  if (traffic === undefined) throw new Error(`no pattern ${name}`)
  return traffic
}
const ratesOf = (name: string, knobs: Record<string, number> = {}, seed = 3) =>
  MOMENTS.map(trafficOf(name, knobs, seed))

describe("patterns", () => {
  it.each(Object.keys(PATTERNS))("%s stays around the usual rate, never below nothing nor far beyond it", (name) => {
    const rates = ratesOf(name)
    assert.isAtLeast(Math.min(...rates), 0)
    assert.isBelow(Math.max(...rates), 10)
    assert.isAbove(mean(rates), 0.15)
    assert.isBelow(mean(rates), 2.5)
  })

  it.each(Object.keys(PATTERNS))("%s is the same for the same seed, in whatever order it is asked", (name) => {
    const traffic = trafficOf(name)
    const rates = ratesOf(name)
    for (const at of [9_000, 12, 4_444, 9_000]) assert.strictEqual(traffic(MOMENTS[at] ?? 0), rates[at])
    assert.notDeepEqual(ratesOf(name, {}, 4), rates)
  })

  it.each(Object.entries(PATTERNS))("%s changes by each of its knobs", (name, { knobs }) => {
    for (const [knob, { usual }] of Object.entries(knobs)) {
      assert.notDeepEqual(ratesOf(name, { [knob]: usual * 1.7 }), ratesOf(name), knob)
    }
  })

  it("diurnal has its night and its day", () => {
    const traffic = trafficOf("diurnal", { day: 14_400, noise: 0, wander: 0 })
    assert.closeTo(traffic(0), 0.25, 0.01)
    assert.isAbove(traffic(7_200), 1.3)
    assert.closeTo(traffic(14_400), traffic(0), 1e-9)
  })

  it("onoff has times of nothing at all, and spike rises within a minute", () => {
    assert.isAbove(ratesOf("onoff").filter((rate) => rate === 0).length, MOMENTS.length / 4)
    const spike = trafficOf("spike", { noise: 0 })
    const rises = Array.from({ length: 20_000 }, (_, second) => spike(second + 60) - spike(second))
    assert.isAbove(Math.max(...rises), 1.5)
  })
})
