import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readAnswer } from "#services/prometheusAnswer"
import { scalar, vector } from "#test/sources/answers"

const read = (body: unknown, status = 200, sent?: Readonly<Record<string, string>>) =>
  readAnswer(
    {
      status,
      body: JSON.stringify(body),
      url: "http://prometheus:9090/api/v1/query",
      strippedOfCredentials: false
    },
    sent
  )

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
      const long = `PromQL warning: ${"w".repeat(1000)}`
      const { warnings } = yield* read({ ...vector(), warnings: Array.from({ length: 50 }, () => long) })
      assert.strictEqual(warnings.length, 10)
      assert.isTrue(warnings.every((one) => one.length === 200))
    })
  )

  it.effect("is one although the query could be written better, or nothing is partial", () =>
    Effect.gen(function* () {
      const said = ["PromQL info: metric might not be a counter", "PromQL warning: bucket label is missing"]
      assert.lengthOf((yield* read({ ...vector("1"), warnings: said, isPartial: false })).series, 1)
    })
  )

  it.effect("is none when a part of the data could not be fetched, whatever the rest says", () =>
    Effect.gen(function* () {
      for (const body of [
        { ...vector("1"), warnings: ["PromQL info: x", "receive series from store-1:\nunavailable"] },
        { ...vector(), warnings: ["No StoreAPIs matched for this query"] },
        { ...scalar("1"), isPartial: true }
      ]) {
        const error = yield* Effect.flip(read(body))
        assert.strictEqual(error.why, "Unreachable")
        assert.include(error.detail, "may be incomplete (")
        assert.notInclude(error.detail, "\n")
      }
    })
  )

  it.effect("never repeats the credentials that the server repeats", () =>
    Effect.gen(function* () {
      const sent = { authorization: "Bearer a-token", "x-api-key": "a-key", "x-scope-orgid": "1" }
      const basic = { authorization: `Basic ${Buffer.from("alice:a-password").toString("base64")}` }
      const refusal = (error: string) => ({ status: "error", errorType: "bad_data", error })
      for (const [headers, body, status] of [
        [sent, refusal("who is Bearer a-token?"), 401],
        [sent, refusal("token=a-token"), 200],
        [sent, { ...vector("1"), warnings: ["a-key is not known to store-1"] }, 200],
        [basic, refusal("alice / a-password"), 400],
        [basic, refusal(basic.authorization), 400]
      ] as const) {
        const { detail } = yield* Effect.flip(read(body, status, headers))
        assert.include(detail, "its words repeat credentials")
        for (const secret of ["a-token", "a-key", "a-password", basic.authorization]) assert.notInclude(detail, secret)
      }
      assert.include((yield* Effect.flip(read(refusal("parse error at char 1"), 400, sent))).detail, "at char 1")
    })
  )

  it.effect("that says success with a status of failure is none", () =>
    Effect.map(Effect.flip(read(vector("1"), 500)), (error) => assert.strictEqual(error.why, "HttpStatus"))
  )
})
