import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Ref } from "effect"
import * as TestClock from "effect/testing/TestClock"
import { Prometheus } from "#services/Prometheus"
import type { PrometheusQuery, PrometheusRange } from "#services/Prometheus"
import { simulated } from "#test/simulation/inSimulation"
import { vector } from "#test/sources/answers"
import { inTime, ok, run, sample, signal } from "#test/sources/sourceWorld"

const serverUrl = "http://prometheus:9090"
const up: PrometheusQuery = { serverUrl, promql: "up" }

const query = (one: PrometheusQuery) => Effect.flatMap(Prometheus, (prometheus) => prometheus.query(one))

const world = (http: Parameters<typeof run>[0]["http"]) => ({ http, kubernetes: () => ({}) })

describe("a query", () => {
  it.effect("is posted as a form, with its time and its lookback", () =>
    Effect.gen(function* () {
      const { layer, requests } = yield* run(world(() => ok(vector("1"))))
      const promql = 'sum(rate(x{a="é&=+"}[1m]))'
      yield* inTime(
        query({ serverUrl, promql, at: 1_700_000_000_500, lookbackMillis: 60_000 }).pipe(Effect.provide(layer))
      )
      const [request] = yield* Ref.get(requests)
      assert.strictEqual(request?.method, "POST")
      assert.strictEqual(request?.url, "http://prometheus:9090/api/v1/query")
      assert.strictEqual(request?.body?.contentType, "application/x-www-form-urlencoded")
      assert.deepStrictEqual(Object.fromEntries(new URLSearchParams(request?.body?.text)), {
        query: promql,
        time: "1700000000.5",
        lookback_delta: "60"
      })
    })
  )

  it.effect("goes by GET to a server that refuses POST, and from then on at once", () =>
    Effect.gen(function* () {
      const { layer, requests } = yield* run(
        world(({ method }) => (method === "GET" ? ok(vector("1")) : { status: 405, body: "" }))
      )
      yield* Effect.gen(function* () {
        for (let tick = 0; tick < 3; tick += 1) yield* inTime(query({ ...up, serverUrl: "http://old:9090/p?tenant=a" }))
      }).pipe(Effect.provide(layer))
      const asked = yield* Ref.get(requests)
      assert.deepStrictEqual(
        asked.map(({ method }) => method),
        ["POST", "GET", "GET", "GET"]
      )
      assert.strictEqual(asked[1]?.url, "http://old:9090/p/api/v1/query?tenant=a&query=up")
    })
  )

  simulated(
    "is one request for all who ask the same at once, and another one for the next second",
    Effect.gen(function* () {
      const { layer, requests } = yield* run(
        world(() => ok(vector("7"))),
        { latencyMillis: 100 }
      )
      yield* Effect.gen(function* () {
        const all = Effect.forEach(Array.from({ length: 100 }), (_, at) => query({ ...up, promql: `q${at % 3}` }), {
          concurrency: "unbounded"
        })
        assert.strictEqual((yield* all).length, 100)
        assert.strictEqual((yield* Ref.get(requests)).length, 3)
        yield* Effect.sleep("1 second")
        yield* all
        assert.strictEqual((yield* Ref.get(requests)).length, 6)
      }).pipe(Effect.provide(layer))
    })
  )

  it.effect("of fifty different ones is asked fifty times a tick by ten thousand policies that tick together", () =>
    Effect.gen(function* () {
      const { layer, requests } = yield* run(
        world(() => ok(vector("7"))),
        { latencyMillis: 200 }
      )
      const policies = Array.from({ length: 10_000 }, (_, at) =>
        sample(signal("prometheus", { serverUrl, query: `q${at % 50}` }))
      )
      yield* Effect.gen(function* () {
        for (let tick = 1; tick <= 2; tick += 1) {
          const fiber = yield* Effect.forkChild(Effect.all(policies, { concurrency: "unbounded" }))
          yield* TestClock.adjust("15 seconds")
          const readings = yield* Fiber.join(fiber)
          assert.isTrue(readings.every((reading) => reading._tag === "Measured" && reading.value === 7))
          assert.strictEqual((yield* Ref.get(requests)).length, 50 * tick)
        }
      }).pipe(Effect.provide(layer))
    })
  )

  it.effect("is never shared between servers, headers or times", () =>
    Effect.gen(function* () {
      const { layer, requests } = yield* run(
        world(() => ok(vector("1"))),
        { prometheusUrl: serverUrl }
      )
      const different: ReadonlyArray<PrometheusQuery> = [
        up,
        { ...up, serverUrl: "http://other:9090" },
        { ...up, serverUrl: undefined },
        { ...up, headers: { authorization: "a" } },
        { ...up, headers: { authorization: "b" } },
        { ...up, at: 1 },
        { ...up, lookbackMillis: 1 },
        { ...up, promql: "down" }
      ]
      const same: PrometheusQuery = { ...up, headers: { b: "2", a: "1" } }
      const equal: PrometheusQuery = { ...up, headers: { a: "1", b: "2" } }
      const all = Effect.forEach([...different, same, equal], query, { concurrency: "unbounded" })
      yield* inTime(all.pipe(Effect.provide(layer)))
      assert.strictEqual((yield* Ref.get(requests)).length, different.length + 1)
    })
  )

  simulated(
    "goes on for the others when one of those who asked gives up",
    Effect.gen(function* () {
      const { layer, requests } = yield* run(
        world(() => ok(vector("7"))),
        { latencyMillis: 1000 }
      )
      yield* Effect.gen(function* () {
        const hasty = yield* Effect.forkChild(Effect.timeoutOption(query(up), "100 millis"))
        const patient = yield* Effect.forkChild(query(up))
        assert.strictEqual((yield* Fiber.join(hasty))._tag, "None")
        assert.strictEqual((yield* Fiber.join(patient)).series[0]?.value, "7")
        assert.strictEqual((yield* Ref.get(requests)).length, 1)
      }).pipe(Effect.provide(layer))
    })
  )

  it.effect("keeps the server's warnings", () =>
    Effect.gen(function* () {
      const { layer } = yield* run(world(() => ok({ ...vector("1"), warnings: ["PromQL warning: a\nbucket"] })))
      const { warnings } = yield* inTime(query(up).pipe(Effect.provide(layer)))
      assert.deepStrictEqual(warnings, ["PromQL warning: a bucket"])
    })
  )
})

describe("a range query", () => {
  const course = (range: Partial<PrometheusRange> = {}) =>
    Effect.flatMap(Prometheus, (prometheus) =>
      prometheus.range({ ...up, from: 1_000, to: 61_000, stepMillis: 15_000, ...range })
    )

  it.effect("is posted as a form, and yields every series over time", () =>
    Effect.gen(function* () {
      const result = [
        {
          metric: { pod: "a" },
          values: [
            [1, "4"],
            [16, "NaN"]
          ]
        }
      ]
      const { layer, requests } = yield* run(
        world(() => ok({ status: "success", data: { resultType: "matrix", result } }))
      )
      assert.deepStrictEqual(yield* inTime(course().pipe(Effect.provide(layer))), [
        {
          labels: { pod: "a" },
          points: [
            { at: 1_000, value: "4" },
            { at: 16_000, value: "NaN" }
          ]
        }
      ])
      const [asked] = yield* Ref.get(requests)
      assert.strictEqual(`${asked?.method} ${asked?.url}`, "POST http://prometheus:9090/api/v1/query_range")
      assert.strictEqual(asked?.body?.text, "query=up&start=1&end=61&step=15")
    })
  )

  it.effect("has a reason and a remedy where it yields none", () =>
    Effect.gen(function* () {
      for (const [answer, why] of [
        [ok(vector("1")), "Malformed"],
        [ok({ status: "error", errorType: "bad_data", error: "too many points" }), "BadOptions"],
        [{ status: 503, body: "" }, "HttpStatus"],
        ["hangs", "Timeout"]
      ] as const) {
        const { layer } = yield* run(world(() => answer))
        const failure = yield* inTime(Effect.flip(course()).pipe(Effect.provide(layer)))
        assert.strictEqual(failure.why, why)
      }
    })
  )
})
