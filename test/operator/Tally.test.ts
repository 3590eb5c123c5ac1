import { assert, describe, it } from "vitest"
import { Tally } from "#operator/Tally"

const HOUR = 3_600_000

describe("Tally", () => {
  it("counts the decisions of the last 24 hours, and those that went well", () => {
    const tally = new Tally()
    tally.count(0, { _tag: "Unchanged" })
    tally.count(1, { _tag: "Refused", reason: "Forbidden", message: "" })
    tally.count(HOUR, { _tag: "Unknown", message: "" })
    tally.count(HOUR, { _tag: "Scaled", from: 1, to: 2, resourceVersion: "1" })
    assert.deepStrictEqual(tally.over(HOUR), { total: 4, successful: 2 })
    assert.deepStrictEqual(tally.over(24 * HOUR), { total: 2, successful: 1 })
    assert.deepStrictEqual(tally.over(25 * HOUR), { total: 0, successful: 0 })
  })

  it("holds no more than 24 hours, however long it counts", () => {
    const tally = new Tally()
    for (let hour = 0; hour < 1_000; hour++) tally.count(hour * HOUR, { _tag: "Unchanged" })
    assert.deepStrictEqual(tally.over(999 * HOUR), { total: 24, successful: 24 })
    assert.deepStrictEqual(tally.over(999 * HOUR + 5), { total: 24, successful: 24 })
  })
})
