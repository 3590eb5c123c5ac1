import { assert, describe, it } from "@effect/vitest"
import { peakReplicas, staticPeak } from "#judge/rivals/staticPeak"
import { run } from "#judge/run"
import { queue, web } from "#test/judge/world"

describe("static peak", () => {
  it("has what the busiest time needs, all the time, and never changes", () => {
    const load = web((second) => (second < 900 ? 100 : 560), 1_800)
    assert.strictEqual(peakReplicas(load, 0.7), 20)
    const { changes, podHours } = run(load, staticPeak(0.7))
    assert.deepStrictEqual(changes, [])
    assert.strictEqual(podHours, 10)
  })

  it("spreads the peaks of a queue over as long as a message may wait", () => {
    const load = queue((second) => (second === 600 ? 6_000 : 0), 1_200)
    assert.strictEqual(peakReplicas(load, 1), 20)
  })
})
