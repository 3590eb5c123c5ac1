import { assert, describe, it } from "@effect/vitest"
import { folded, POINTS, widthOf } from "#judge/report/series"

describe("series", () => {
  it("keeps few points as they are", () => {
    assert.deepStrictEqual(folded([1, 2, 3], "mean"), [1, 2, 3])
  })

  it("folds many into as many as there is room for, the last of fewer", () => {
    const numbers = Array.from({ length: POINTS * 3 + 1 }, (_, index) => index)
    assert.strictEqual(widthOf(numbers.length), 4)
    const [mean, most, sum] = (["mean", "max", "sum"] as const).map((fold) => folded(numbers, fold))
    assert.deepStrictEqual([mean?.[0], most?.[0], sum?.[0]], [1.5, 3, 6])
    assert.isAtMost(mean?.length ?? 0, POINTS)
    assert.strictEqual(mean?.at(-1), numbers.at(-1))
  })
})
