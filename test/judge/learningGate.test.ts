/** Q-learning on loads long enough to be promoted: what it costs at the most, and that what is bad gets no say. */
import { assert, describe, it } from "vitest"
import { jobsOf, workOff } from "#judge/quality"
import { ownScenarios } from "#judge/scenarios"

/** Where it is promoted and loses most, of all scenarios with the seed 7. */
const NAMES = ["fast-noise"]
const LOSS_MAX = 0.5

describe("learning, judged", () => {
  it.each(NAMES)("on %s costs at most half a point, and nothing where a bad policy is planted", (name) => {
    const scenarios = ownScenarios("7").filter((one) => one.name === name)
    const [job] = jobsOf({ scenarios, seeds: [7], sections: ["learning"], rivals: [], tries: [] })
    if (job === undefined) return assert.fail(`no scenario ${name}`)
    const entrants = job.entrants.filter(({ name: entrant }) => !entrant.includes("bounded"))
    const { judged } = workOff({ ...job, entrants }, {})
    const [off, learning, planted] = judged.map(({ score }) => score)
    assert.isAtLeast(learning ?? 0, (off ?? 0) - LOSS_MAX)
    assert.strictEqual(planted, off)
  })
})
