import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { jsonBody } from "#services/jsonBody"

const Answer = Schema.Struct({ value: Schema.Int })

const read = (body: string) =>
  jsonBody(Answer, { status: 200, body, url: "http://a.example/q", strippedOfCredentials: false }, "a value")

describe("a body", () => {
  it.effect("of the right shape is that value, whatever else it holds", () =>
    Effect.map(read('{"value":42,"more":[]}'), (answer) => assert.deepStrictEqual(answer, { value: 42 }))
  )

  it.effect.each([
    "",
    "{",
    '{"value":4',
    "<html>secret</html>",
    "secret",
    '{"value":"secret"}',
    "[]",
    "null",
    "[".repeat(100_000)
  ])("of %s is Malformed, without a word of it", (body) =>
    Effect.map(Effect.flip(read(body)), (error) => {
      assert.strictEqual(error.why, "Malformed")
      assert.match(error.detail, /^http:\/\/a\.example\/q answered with .+ instead of a value\. Check/u)
      assert.notInclude(error.detail, "secret")
    })
  )
})
