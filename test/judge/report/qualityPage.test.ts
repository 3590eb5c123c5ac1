import { assert, describe, it } from "@effect/vitest"
import type { Judged } from "#judge/contest"
import { curvesOf, qualityPage } from "#judge/report/qualityPage"

const one = (entrant: string, scenario: string, score: number, violations = 0.02): Judged => ({
  entrant,
  scenario,
  score,
  violations,
  overReference: 1.1,
  podHours: 11,
  changesPerHour: 12,
  cost: 100 / score
})

const ALL = {
  main: [one("auto", "<fine>", 90), one("hpa", "<fine>", 50), one("auto", "bad", 40), one("clairvoyant", "bad", 90)],
  objective: [one("auto:0.95", "bad", 30, 0.05), one("auto:0.999", "bad", 35, 0.001)],
  drift: [one("auto", "bad", 33)],
  knobs: [one("hpa:0.5", "bad", 20)]
}

describe("the page of a contest", () => {
  it("has the worst of ours first, and is complete in itself", () => {
    const html = qualityPage("Quality", ALL)
    assert.isBelow(html.indexOf("<td>bad</td>"), html.indexOf("<td>&lt;fine&gt;</td>"))
    assert.match(html, /0\.7, then 1\.2/u)
    assert.notMatch(html, /<fine>|https?:\/\/|<script|NaN|undefined/u)
  })

  it("moves a plot that is too wide for a phone, and does not shrink it", () => {
    assert.match(qualityPage("Quality", ALL), /<div class="scroll"><svg/u)
  })

  it("draws a curve for each knob, with what is set where nothing is", () => {
    assert.deepStrictEqual(
      curvesOf(ALL).map(({ points, title }) => [title, points.map(({ label }) => label)]),
      [
        ["auto", ["as it is", "0.95", "0.999"]],
        ["hpa", ["as it is", "0.5"]]
      ]
    )
  })
})
