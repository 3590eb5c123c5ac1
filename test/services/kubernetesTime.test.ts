import { assert, describe, it } from "vitest"
import { microTime, parseTime, secondTime } from "#services/kubernetesTime"

const MILLIS = Date.UTC(2026, 1, 3, 4, 5, 6, 78)

describe("times of the API", () => {
  it("are written with microseconds or with whole seconds", () => {
    assert.strictEqual(microTime(MILLIS), "2026-02-03T04:05:06.078000Z")
    assert.strictEqual(secondTime(MILLIS), "2026-02-03T04:05:06Z")
  })

  it("are read back as they were written, and nothing else is read", () => {
    assert.strictEqual(parseTime(microTime(MILLIS)), MILLIS)
    assert.strictEqual(parseTime(secondTime(MILLIS)), MILLIS - 78)
    assert.strictEqual(parseTime("2026-02-03T04:05:06.078123456Z"), MILLIS)
    assert.strictEqual(parseTime("2026-02-03T05:05:06+01:00"), MILLIS - 78)
    for (const text of [null, undefined, "", "soon"]) assert.isUndefined(parseTime(text))
  })
})
