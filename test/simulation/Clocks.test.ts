import { assert, describe, it } from "vitest"
import { Clocks, LINGERING_MILLIS } from "#simulation/Clocks"

const offsetsSince = (clocks: Clocks, at: number): readonly [number, number] => {
  const { leastMillis, mostMillis } = clocks.since(at)
  return [leastMillis, mostMillis]
}

describe("the clocks of those who led", () => {
  it("are right where nobody has led", () => {
    assert.deepStrictEqual(offsetsSince(new Clocks(), 0), [0, 0])
  })

  it("count from when their machine led until it can write no more", () => {
    const clocks = new Clocks()
    clocks.set("a", 0, -3_000)
    clocks.set("b", 0, 5_000)
    clocks.led("a", 100_000)
    assert.deepStrictEqual(offsetsSince(clocks, 0), [-3_000, -3_000])
    clocks.led(undefined, 200_000)
    clocks.led("b", 220_000)
    assert.deepStrictEqual(offsetsSince(clocks, 200_000 + LINGERING_MILLIS - 1), [-3_000, 5_000])
    assert.deepStrictEqual(offsetsSince(clocks, 200_000 + LINGERING_MILLIS), [5_000, 5_000])
  })

  it("agree while those who have led since then told the same time", () => {
    const clocks = new Clocks()
    clocks.set("a", 0, 2_000)
    clocks.led("a", 0)
    assert.isTrue(clocks.agreed(0))
    clocks.led("b", 100_000)
    clocks.set("b", 100_000, -1_000)
    assert.isFalse(clocks.agreed(0))
    assert.isTrue(clocks.agreed(100_000 + LINGERING_MILLIS))
  })

  it("count with every setting that they had since then", () => {
    const clocks = new Clocks()
    clocks.led("a", 0)
    clocks.set("a", 0, 1_000)
    clocks.set("a", 10_000, 600_000)
    clocks.set("a", 20_000, -4_000)
    assert.deepStrictEqual(offsetsSince(clocks, 15_000), [-4_000, 600_000])
    assert.deepStrictEqual(offsetsSince(clocks, 20_000), [-4_000, -4_000])
  })
})
