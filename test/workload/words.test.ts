import { assert, describe, it } from "@effect/vitest"
import { words } from "#workload/words"

const take = (count: number, word: () => number) => Array.from({ length: count }, word)

describe("words", () => {
  it("are of 32 bits, and repeat by seed and label", () => {
    const drawn = take(1_000, words(7, "a"))
    assert.deepStrictEqual(take(1_000, words("7", "a")), drawn)
    for (const word of drawn) assert.isTrue(Number.isInteger(word) && word >= 0 && word < 2 ** 32)
    assert.notDeepEqual(take(1_000, words(7, "b")), drawn)
    assert.notDeepEqual(take(1_000, words(8, "a")), drawn)
  })

  it("set each of their bits half of the time", () => {
    const drawn = take(20_000, words(7, "bits"))
    for (let bit = 0; bit < 32; bit++) {
      const set = drawn.filter((word) => (word >>> bit) & 1).length
      assert.closeTo(set / drawn.length, 0.5, 0.02, `bit ${bit}`)
    }
  })
})
