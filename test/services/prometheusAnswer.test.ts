import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readAnswer } from "#services/prometheusAnswer"
import { scalar, vector } from "#test/sources/answers"

const read = (body: unknown, status = 200) =>
  readAnswer({
    status,
    body: JSON.stringify(body),
    url: "http://prometheus:9090/api/v1/query",
    strippedOfCredentials: false
  })

describe("an answer", () => {
  it.effect("is its series with labels, text and time", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* read(vector("1", "NaN")), {
        kind: "vector",
        series: [
          { labels: { pod: "web-0" }, value: "1", at: 1_700_000_000_000 },
          { labels: { pod: "web-1" }, value: "NaN", at: 1_700_000_000_000 }
        ],
        warnings: []
      })
      assert.deepStrictEqual((yield* read(scalar("1"))).kind, "scalar")
    })
  )

  it.effect("keeps the fraction of its seconds", () =>
    Effect.gen(function* () {
      const { series } = yield* read({
        status: "success",
        data: { resultType: "scalar", result: [1_700_000_000.123, "1"] }
      })
      assert.strictEqual(series[0]?.at, 1_700_000_000_123)
    })
  )

  it.effect("keeps ten short warnings", () =>
    Effect.gen(function* () {
      const { warnings } = yield* read({ ...vector(), warnings: Array.from({ length: 50 }, () => "w".repeat(1000)) })
      assert.strictEqual(warnings.length, 10)
      assert.isTrue(warnings.every((one) => one.length === 200))
    })
  )

  it.effect("that says success with a status of failure is none", () =>
    Effect.map(Effect.flip(read(vector("1"), 500)), (error) => assert.strictEqual(error.why, "HttpStatus"))
  )
})
