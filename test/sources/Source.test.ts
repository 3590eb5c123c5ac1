import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { notBuilt, unusable } from "#sources/Source"

describe("a value", () => {
  it.each([
    [0, undefined],
    [0.5, undefined],
    [Number.MAX_SAFE_INTEGER, undefined],
    [Number.MAX_SAFE_INTEGER + 1, "Overflow"],
    [-0, undefined],
    [-1e-9, "Negative"],
    [Number.NaN, "NotANumber"],
    [Infinity, "NotANumber"],
    [-Infinity, "NotANumber"]
  ])("of %s is refused as %s", (value, why) => {
    assert.strictEqual(unusable(value, "It")?.why, why)
  })

  it.prop("is either refused or a load: finite and not negative", [Schema.Number], ([value]) => {
    if (unusable(value, "It") === undefined) assert.isTrue(Number.isFinite(value) && value >= 0)
  })
})

describe("a plug that is not built", () => {
  it.effect("answers with absence and a way out", () =>
    Effect.map(notBuilt("redis")(), (reading) => {
      assert.strictEqual(reading.why, "NotBuilt")
      assert.match(reading.detail, /redis is not in this version yet.*Use prometheus/u)
    })
  )
})
