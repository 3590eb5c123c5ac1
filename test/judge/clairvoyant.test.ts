import { assert, describe, it } from "@effect/vitest"
import { referenceOf } from "#judge/clairvoyant"
import { hpa } from "#judge/rivals/hpa"
import { kedaFast } from "#judge/rivals/keda"
import { run } from "#judge/run"
import { scored } from "#judge/score"
import { doubling, queue, web } from "#test/judge/world"

describe("the clairvoyant", () => {
  it("keeps the objective with fewer pods than those who cannot look ahead", () => {
    const load = web((second) => 300 + 200 * Math.sin(second / 200), 2_400)
    const reference = referenceOf(load)
    assert.isAtMost(reference.run.violations, 0.01)
    const own = scored(reference.run, reference.podHours).score
    assert.isAbove(own, 85)
    for (const make of [hpa(0.7), kedaFast(0.7), hpa(0.8)]) {
      assert.isAbove(own, scored(run(load, make), reference.podHours).score)
    }
  })

  it("has its pods ready when a jump comes", () => {
    const { run: ideal } = referenceOf(web(doubling(280, 900)))
    assert.isBelow(ideal.violations, 0.015)
    assert.isAbove(ideal.course.ready[900] ?? 0, 14)
  })

  it("takes for a queue the work that there is, whatever pods are late", () => {
    const load = queue((second) => (second < 900 ? 10 : 0), 1_800)
    const { podHours, run: ideal } = referenceOf(load)
    const messages = load.arrivals.reduce((sum, count) => sum + count, 0)
    assert.closeTo(podHours, messages / 5 / 3_600, 1e-9)
    assert.strictEqual(ideal.violations, 0)
    assert.isAtLeast(ideal.podHours, podHours)
    const drifted = referenceOf({ ...load, factors: load.factors.map(() => 0.5) })
    assert.closeTo(drifted.podHours, 2 * podHours, 1e-9)
  })
})
