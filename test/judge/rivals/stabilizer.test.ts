import { assert, describe, it } from "@effect/vitest"
import { stabilizer } from "#judge/rivals/stabilizer"

describe("stabilizer", () => {
  it("answers with the largest of its window, and forgets what is older", () => {
    const stabilize = stabilizer(300)
    assert.deepStrictEqual(
      [stabilize(0, 5), stabilize(15, 9), stabilize(30, 3), stabilize(315, 2), stabilize(316, 2), stabilize(331, 1)],
      [5, 9, 9, 9, 3, 2]
    )
  })

  it("can be made to forget", () => {
    const stabilize = stabilizer(300)
    stabilize(0, 9)
    stabilize.forget()
    assert.strictEqual(stabilize(1, 2), 2)
  })
})
