import { Effect } from "effect"
import { assert, describe, it } from "@effect/vitest"
import { Admission, OpenAi, OpenAiError, OpenAiReason } from "#services/OpenAi"

const HOUR = 3_600_000
const limits = { callsPerHour: 3, tokensPerHour: 1000 }

describe("a language model that nobody configured", () => {
  it.effect("says so at once, and what to do", () =>
    Effect.gen(function* () {
      const { ask, configured } = yield* OpenAi
      assert.isFalse(configured)
      const error = yield* Effect.flip(ask({} as never))
      assert.strictEqual(
        error.message,
        "The language model is not configured. Set OPENAI_API_KEY, and OPENAI_BASE_URL for a model of your own."
      )
    })
  )

  it("has a remedy for every way to fail", () => {
    for (const { fields } of OpenAiReason.members) {
      const _tag = fields._tag.schema.literal
      const error = new OpenAiError({ reason: { _tag, status: 1, retryAfterMillis: 1 } as never, detail: "failed" })
      assert.match(error.message, /^The language model failed\. .+\.$/u)
    }
  })
})

describe("the admission", () => {
  it("counts the calls of the last hour", () => {
    const admission = new Admission(limits)
    for (const at of [0, 1, 2]) {
      assert.isUndefined(admission.refusal(at, 10))
      admission.begin(at, 10)
    }
    assert.deepStrictEqual(admission.refusal(3, 10), { _tag: "Budget" })
    assert.isUndefined(admission.refusal(HOUR + 1, 10))
  })

  it("counts what a call may use until it is known what it has used", () => {
    const admission = new Admission(limits)
    const used = admission.begin(0, 900)
    assert.deepStrictEqual(admission.refusal(1, 200), { _tag: "Budget" })
    used(100)
    assert.isUndefined(admission.refusal(1, 200))
  })

  it("has no question wait for a budget that would never be enough", () => {
    const admission = new Admission(limits)
    assert.isUndefined(admission.refusal(0, 1000))
    assert.deepStrictEqual(admission.refusal(0, 1001), { _tag: "TooLong" })
  })

  it("leaves a server alone that fails, looks again after a minute, and forgets when it answers", () => {
    const admission = new Admission({ callsPerHour: 1000, tokensPerHour: 1e6 })
    for (let count = 0; count < 5; count++) {
      assert.isUndefined(admission.refusal(0, 1))
      admission.failed(0)
    }
    assert.deepStrictEqual(admission.refusal(59_999, 1), { _tag: "CircuitOpen" })
    assert.isUndefined(admission.refusal(60_000, 1))
    admission.failed(60_000)
    assert.deepStrictEqual(admission.refusal(61_000, 1), { _tag: "CircuitOpen" })
    admission.answered()
    assert.isUndefined(admission.refusal(61_000, 1))
    for (let count = 0; count < 4; count++) admission.failed(62_000)
    assert.isUndefined(admission.refusal(62_000, 1))
  })

  it("lets one alone find out how a server is that was left alone, until it has answered", () => {
    const admission = new Admission({ callsPerHour: 1000, tokensPerHour: 1e6 })
    for (let count = 0; count < 5; count++) admission.failed(0)
    assert.isUndefined(admission.refusal(60_000, 1))
    admission.begin(60_000, 1)
    assert.deepStrictEqual(admission.refusal(60_000, 1), { _tag: "CircuitOpen" })
    admission.answered()
    assert.isUndefined(admission.refusal(60_001, 1))
  })

  it("waits for as long as the server asked, for all who would ask", () => {
    const admission = new Admission(limits)
    admission.throttled(5_000)
    admission.throttled(2_000)
    assert.deepStrictEqual(admission.refusal(1_000, 1), { _tag: "Throttled", retryAfterMillis: 4_000 })
    assert.isUndefined(admission.refusal(5_000, 1))
  })

  it("divides the hour among all who ask, and forgets who does not ask any more", () => {
    const admission = new Admission({ callsPerHour: 60, tokensPerHour: 200_000 })
    const minute = 60_000
    assert.strictEqual(admission.paceMillis(0, "a"), minute)
    assert.strictEqual(admission.paceMillis(0, "a"), minute)
    admission.paceMillis(0, "b")
    assert.strictEqual(admission.paceMillis(0, "c"), 3 * minute)
    admission.paceMillis(10 * minute, "b")
    assert.strictEqual(admission.paceMillis(15 * minute, "a"), 2 * minute)
  })

  it("divides what the tokens are enough for, where calls use more of them than the calls of an hour have", () => {
    const admission = new Admission({ callsPerHour: 60, tokensPerHour: 200_000 })
    for (const used of [9_000, 11_000]) admission.begin(0, 400_000)(used)
    assert.strictEqual(admission.paceMillis(0, "a"), HOUR / 20)
    assert.strictEqual(new Admission({ callsPerHour: 0, tokensPerHour: 0 }).paceMillis(0, "a"), HOUR)
  })
})
