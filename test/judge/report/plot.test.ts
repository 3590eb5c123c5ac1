import { assert, describe, it } from "@effect/vitest"
import { planePlot, ticksOf, timePlot, timeTicks } from "#judge/report/plot"

describe("plots", () => {
  it("have round ticks, never more than six", () => {
    assert.deepStrictEqual(ticksOf(60), [0, 20, 40, 60])
    assert.deepStrictEqual(ticksOf(1.05), [0, 0.5, 1])
    for (const most of [1e-6, 0.3, 7, 41, 99, 12_345, 9e9]) assert.isAtMost(ticksOf(most).length, 6)
    assert.deepStrictEqual(timeTicks(7_200).at(-1), [7_200, "120 min"])
    assert.deepStrictEqual(timeTicks(2 * 604_800).at(-1), [1_209_600, "14 d"])
    for (const seconds of [60, 3_600, 50_000, 604_800]) assert.isAtMost(timeTicks(seconds).length, 13)
  })

  it("draw areas, lines, limits and what was wrong, whatever the numbers", () => {
    const svg = timePlot({
      height: 100,
      seconds: 40,
      unit: "pods",
      limit: 3,
      most: 5,
      wrong: [false, true, true, false],
      layers: [
        { values: [1, 2, 99, 4], shape: "line", colour: "ours" },
        { values: [0, 0, 0, 0], shape: "area", colour: "need" },
        { values: [1, 1, 2, 2], shape: "steps", colour: "c1" }
      ]
    })
    assert.strictEqual(svg.match(/<rect class="wrong"/gu)?.length, 1)
    assert.match(svg, /class="limit"/u)
    assert.match(svg, /class="area need" d="M[\d. ]+(L[\d. ]+)+Z"/u)
    assert.notMatch(svg, /NaN|Infinity/u)
    assert.notMatch(timePlot({ height: 50, seconds: 1, unit: "x", layers: [] }), /NaN|Infinity/u)
  })

  it("show each point of a plane with its name", () => {
    const points = [
      { violations: 0, podHours: 1.4, label: "0.5" },
      { violations: 0.3, podHours: 0.9, label: "0.9" }
    ]
    const svg = planePlot([{ title: "HPA", colour: "c1", points }], 0.01)
    assert.strictEqual(svg.match(/<circle/gu)?.length, 2)
    assert.match(svg, /HPA 0\.5: 0\.00 % bad, 1\.400 x pods/u)
    assert.notMatch(svg, /NaN|Infinity/u)
  })
})
