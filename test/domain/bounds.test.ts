import { assert, describe, it } from "vitest"
import { holdBounds, limitBounds } from "#domain/bounds"
import { policyOf, situationOf } from "#test/domain/policies"

describe("limitBounds", () => {
  const policy = policyOf({ bounds: { min: 2, max: 8 } })

  it.each([
    [1, "TooFewReplicas", 2],
    [9, "TooManyReplicas", 8]
  ])("%d is out of 2 to 8: %s", (value, limiter, after) => {
    const step = limitBounds(value, policy)
    assert.deepStrictEqual([step?.limiter, step?.before, step?.after], [limiter, value, after])
    assert.deepStrictEqual(holdBounds(value, situationOf({ policy })), step)
  })

  it.each([2, 8])("%d is in 2 to 8", (value) => {
    assert.isUndefined(limitBounds(value, policy))
  })
})
