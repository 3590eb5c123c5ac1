import { assert, describe, it } from "@effect/vitest"
import { dice } from "#workload/Dice"

const PLACES = Array.from({ length: 20_000 }, (_, place) => place)
const mean = (numbers: ReadonlyArray<number>) => numbers.reduce((sum, value) => sum + value, 0) / numbers.length

describe("Dice", () => {
  it("are even, and the same at the same place", () => {
    const { at } = dice(7)
    const thrown = PLACES.map((place) => at(place))
    assert.closeTo(mean(thrown), 0.5, 0.01)
    assert.closeTo(mean(thrown.map((value) => (value - 0.5) ** 2)), 1 / 12, 0.003)
    assert.strictEqual(at(4_321), thrown[4_321])
    assert.notStrictEqual(at(4_321, 1), thrown[4_321])
    assert.notStrictEqual(dice(8).at(4_321), thrown[4_321])
  })

  it("do not follow each other", () => {
    const { at } = dice(7)
    const together = PLACES.map((place) => (at(place) - 0.5) * (at(place + 1) - 0.5))
    assert.closeTo(mean(together), 0, 0.003)
  })

  it("make waves around 0 that change smoothly", () => {
    const { wave } = dice(7)
    const waves = PLACES.map((second) => wave(second * 30, 60))
    assert.closeTo(mean(waves), 0, 0.05)
    assert.closeTo(mean(waves.map((value) => value ** 2)), 0.75, 0.15)
    for (let second = 0; second < 5_000; second++)
      assert.isBelow(Math.abs(wave(second + 1, 60) - wave(second, 60)), 0.2)
  })
})
