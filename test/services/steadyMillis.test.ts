import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { assert, describe, it } from "@effect/vitest"
import { steadyMillis } from "#services/steadyMillis"

describe("steadyMillis", () => {
  it.effect("counts what passes in whole milliseconds", () =>
    Effect.gen(function* () {
      const before = yield* steadyMillis
      yield* TestClock.adjust("1500 millis")
      assert.strictEqual((yield* steadyMillis) - before, 1500)
    })
  )
})
