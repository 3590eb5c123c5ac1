import { Result } from "effect"
import { assert, describe, it } from "vitest"
import { learnedPatch } from "#judge/learnedPatch"

describe("a patch of what was learned", () => {
  it("is none where nothing has been learned", () => {
    for (const engines of [
      {},
      { qlearning: { table: {} } },
      { qlearning: { table: { c1: 5 } } },
      { qlearning: null }
    ]) {
      assert.isTrue(Result.isFailure(learnedPatch(engines)))
    }
  })
})
