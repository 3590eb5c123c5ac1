import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { assert, describe, it } from "@effect/vitest"
import { sharedAnswers } from "#services/sharedAnswers"

interface Question {
  readonly about: string
}

const counting = (asked: Array<string>) => (question: Question) =>
  Effect.sync(() => (asked.push(question.about), { about: question.about, nth: asked.length }))

describe("answers that are shared", () => {
  it.effect("are asked for once by all who ask the same within half a second, and anew after it", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const ask = yield* sharedAnswers(counting(asked))
      const same = Array.from({ length: 20 }, () => ask({ about: "a" }))
      yield* Effect.all([...same, ask({ about: "b" })], { concurrency: "unbounded" })
      assert.deepStrictEqual(asked, ["a", "b"])
      yield* TestClock.adjust("499 millis")
      assert.strictEqual((yield* ask({ about: "a" })).nth, 1)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* ask({ about: "a" })).nth, 3)
    })
  )

  it.effect("are not kept where they are too large, and share a failure like a success", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const large = yield* sharedAnswers(counting(asked), { keeps: ({ about }) => about !== "large" })
      yield* large({ about: "large" })
      yield* large({ about: "large" })
      yield* large({ about: "small" })
      yield* large({ about: "small" })
      assert.deepStrictEqual(asked, ["large", "large", "small"])
      const tries: Array<string> = []
      const failing = yield* sharedAnswers((question: Question) =>
        Effect.suspend(() => (tries.push(question.about), Effect.fail("no" as const)))
      )
      yield* Effect.flip(failing({ about: "a" }))
      yield* Effect.flip(failing({ about: "a" }))
      assert.deepStrictEqual(tries, ["a"])
    })
  )
})
