import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readPage } from "#services/cloudMonitoringAnswer"
import { int64, timeSeries } from "#test/sources/answers"

const read = (body: unknown, status = 200, sent = "") =>
  readPage(
    {
      status,
      body: typeof body === "string" ? body : JSON.stringify(body),
      url: "https://monitoring.googleapis.com/v3/projects/p/timeSeries",
      strippedOfCredentials: false
    },
    sent
  )

describe("a page of time series", () => {
  it.effect("holds each series with its points and who it is", () =>
    Effect.gen(function* () {
      const points = [{ agoMillis: 60_000, value: int64(3) }]
      const page = yield* read({
        timeSeries: [
          timeSeries(points, { labels: { b: "2", a: "1" } }),
          timeSeries(points, { labels: { a: "1", b: "2" } })
        ],
        nextPageToken: "more",
        unit: "1",
        added: "by a later version"
      })
      assert.strictEqual(page.nextPageToken, "more")
      assert.deepStrictEqual(page.series[0]?.points, [{ value: 3, at: 1_699_999_940_000 }])
      assert.strictEqual(page.series[0]?.identity, page.series[1]?.identity, "in whatever order labels are written")
    })
  )

  it.effect("ends where the token of the next one is empty", () =>
    Effect.map(read({ nextPageToken: "" }), (page) =>
      assert.deepStrictEqual(page, { series: [], nextPageToken: undefined })
    )
  )

  it.effect("has a time for every point, or is none", () =>
    Effect.gen(function* () {
      const one = timeSeries([{ agoMillis: 0, value: int64(3) }])
      const untimed = { ...one, points: [{ interval: { endTime: "yesterday" }, value: int64(3) }] }
      const error = yield* Effect.flip(read({ timeSeries: [untimed] }))
      assert.strictEqual(error.why, "Malformed")
    })
  )

  it.effect("is refused in one printable line, whatever the server says", () =>
    Effect.gen(function* () {
      const message = `no\n\u0000way ${"x".repeat(1000)}`
      const error = yield* Effect.flip(read({ error: { code: 403, message, status: "PERMISSION_DENIED" } }, 403))
      assert.match(error.detail, /^https:\S+ answered with HTTP 403: no way x+\. Grant the role/u)
      assert.isBelow(error.detail.length, 500)
    })
  )
})
