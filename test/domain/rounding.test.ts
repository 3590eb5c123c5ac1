import { assert, describe, it } from "vitest"
import { isWithin, REPLICAS_MAX, toleranceOf, wholeReplicas } from "#domain/rounding"
import { limitsOf } from "#test/domain/policies"

describe("isWithin", () => {
  const tolerance = toleranceOf(limitsOf({ toleranceMilli: { up: 100, down: 200 } }))

  it.each([
    [1.1, true],
    [1.1000000000000003, false],
    [0.8, true],
    [0.7999999999999999, false],
    [NaN, false],
    [Infinity, false]
  ])("a ratio of %d is within 0.8 to 1.1: %s", (ratio, within) => {
    assert.strictEqual(isWithin(tolerance, ratio), within)
  })
})

describe("wholeReplicas", () => {
  it.each([
    { title: "up is rounded up", replicas: 10.01, want: 11 },
    { title: "down is rounded up as the HPA does", replicas: 3.01, want: 4 },
    { title: "never less than none", replicas: -4.5, want: 0 },
    { title: "never more than can be written", replicas: Infinity, want: REPLICAS_MAX }
  ])("$title", ({ replicas, want }) => {
    assert.strictEqual(wholeReplicas(replicas), want)
  })
})
