import { assert, describe, it } from "@effect/vitest"
import { Fleet, startupTimes } from "#workload/Fleet"

const taking = (...seconds: Array<number>) => {
  const left = [...seconds]
  return () => left.shift() ?? 10
}

describe("Fleet", () => {
  it("has a pod ready when its own start-up time is over", () => {
    const fleet = new Fleet(2, taking(5, 20))
    fleet.scale(0, 4)
    assert.deepStrictEqual([fleet.ready, fleet.starting], [2, 2])
    fleet.step(4)
    assert.strictEqual(fleet.ready, 2)
    fleet.step(5)
    assert.deepStrictEqual([fleet.ready, fleet.starting], [3, 1])
    fleet.step(20)
    assert.deepStrictEqual([fleet.ready, fleet.starting], [4, 0])
  })

  it("deletes what is not ready first, and of those the slowest", () => {
    const fleet = new Fleet(3, taking(30, 10, 20))
    fleet.scale(0, 6)
    fleet.scale(1, 4)
    fleet.step(10)
    assert.deepStrictEqual([fleet.ready, fleet.starting], [4, 0])
    fleet.scale(11, 1)
    assert.deepStrictEqual([fleet.ready, fleet.starting], [1, 0])
  })

  it("starts pods in times that chance decides, the same for the same seed", () => {
    const [one, same] = [startupTimes(30, 7), startupTimes(30, 7)]
    const times = Array.from({ length: 2_000 }, one)
    assert.deepStrictEqual(times, Array.from({ length: 2_000 }, same))
    assert.closeTo(times.reduce((sum, time) => sum + time, 0) / times.length, 30, 1)
    assert.isAbove(Math.min(...times), 5)
  })
})
