import { assert, describe, it } from "@effect/vitest"
import type { Judged } from "#judge/contest"
import { bySeeds, qualityText } from "#judge/qualityText"

const one = (entrant: string, scenario: string, score: number): Judged => ({
  entrant,
  scenario,
  score,
  violations: 0.02,
  overReference: 1.1,
  podHours: 11,
  changesPerHour: 12,
  cost: 100 / score
})

describe("quality's text", () => {
  it("has the worst scenario first, with the others' scores in its row", () => {
    const text = qualityText({
      main: [one("auto", "fine", 90), one("hpa", "fine", 50), one("auto", "bad", 40), one("hpa", "bad", 60)]
    })
    const rows = text.split("\n").filter((line) => /^(fine|bad) /u.test(line))
    assert.deepStrictEqual(
      rows.map((row) => row.trim().split(/\s+/u)),
      [
        ["bad", "2.000", "1.100", "12.0", "40.0", "|", "60.0"],
        ["fine", "2.000", "1.100", "12.0", "90.0", "|", "50.0"]
      ]
    )
    assert.match(text, /^auto +40\.0 +65\.0 +2\.00 +0\/2 +1\.100 +12\.0 +worst: bad$/mu)
  })

  it("takes several seeds of a scenario for one", () => {
    const seeds = bySeeds([one("auto", "x", 60), one("auto", "x", 80), one("auto", "y", 50)])
    assert.deepStrictEqual(
      seeds.map(({ scenario, score }) => [scenario, score]),
      [
        ["x", 70],
        ["y", 50]
      ]
    )
  })

  it("says how many points were lost to what went wrong", () => {
    const text = qualityText({ main: [one("auto", "x", 80)], drift: [one("auto", "x", 75)] })
    assert.match(text, /^points lost: auto 5\.0$/mu)
  })
})
