import { assert, describe, it } from "@effect/vitest"
import { paretoFront, podHoursAt } from "#judge/front"

const at = (violations: number, podHours: number) => ({ violations, podHours })

describe("the front", () => {
  it("holds what no other betters in both", () => {
    assert.deepStrictEqual(paretoFront([at(0.02, 10), at(0.01, 12), at(0.03, 11), at(0.01, 13), at(0.05, 9)]), [
      at(0.01, 12),
      at(0.02, 10),
      at(0.05, 9)
    ])
  })

  it("says what lies between its points, evenly by the logarithm of the bad answers", () => {
    const front = [at(0.001, 20), at(0.1, 10)]
    assert.closeTo(podHoursAt(front, 0.01) ?? 0, 15, 1e-9)
    assert.strictEqual(podHoursAt(front, 0.1), 10)
    assert.strictEqual(podHoursAt(front, 0.5), 10)
    assert.strictEqual(podHoursAt(front, 0.001), 20)
    assert.strictEqual(podHoursAt(front, 0.0001), undefined)
    assert.strictEqual(podHoursAt([], 0.01), undefined)
  })
})
