import { assert, describe, it } from "@effect/vitest"
import { equalOf, judge, type Judged, leaveOneOut, summaryOf } from "#judge/contest"
import { rivalEntrant } from "#judge/entrants"
import { web } from "#test/judge/world"

const one = (entrant: string, scenario: string, score: number, violations = 0.01, overReference = 1): Judged => ({
  entrant,
  scenario,
  score,
  violations,
  overReference,
  podHours: 1,
  changesPerHour: 10,
  cost: 100 / score
})

describe("a contest", () => {
  it("judges by the reference of the load", () => {
    const load = web(() => 280)
    const [cheap, dear] = [judge(load, 5, rivalEntrant("hpa")), judge(load, 2.5, rivalEntrant("hpa"))]
    assert.closeTo(cheap.overReference * 2, dear.overReference, 1e-9)
    assert.isAbove(cheap.score, dear.score)
    assert.deepStrictEqual([cheap.scenario, cheap.entrant], ["web", "hpa"])
  })

  it("sums up with the worst first", () => {
    const all = [one("a", "x", 80), one("a", "y", 40, 0.05, 4), one("b", "x", 10)]
    const summary = summaryOf("a", all)
    assert.deepStrictEqual(
      [summary.worstScenario, summary.worstScore, summary.meanScore, summary.within, summary.scenarios],
      ["y", 40, 60, 1, 2]
    )
    assert.closeTo(summary.overReference, 2, 1e-9)
  })

  it("compares at equal bad answers, by each scenario's own front", () => {
    const sweep = [
      one("a:1", "x", 1, 0.001, 2),
      one("a:2", "x", 1, 0.1, 1),
      one("a:1", "y", 1, 0.02, 1.2),
      one("a:2", "y", 1, 0.1, 1)
    ]
    const equal = equalOf("a", sweep)
    assert.strictEqual(equal.atOneReached, 1)
    assert.closeTo(equal.atOne ?? 0, 1.5, 1e-9)
    assert.strictEqual(equal.atThreeReached, 2)
    assert.isAbove(equal.area, 1)
  })

  it("chooses for each scenario by the others", () => {
    // What is best on most is bad on z: chosen for z as well, since z had no say.
    const all = [
      ...["x", "y", "z"].map((name) => one("steady", name, 70)),
      one("bold", "x", 90),
      one("bold", "y", 90),
      one("bold", "z", 10)
    ]
    const { chosen, mean } = leaveOneOut(all)
    assert.deepStrictEqual(chosen, ["steady", "steady", "bold"])
    assert.closeTo(mean, 50, 1e-9)
  })
})
