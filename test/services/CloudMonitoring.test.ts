import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Ref } from "effect"
import * as TestClock from "effect/testing/TestClock"
import { CloudMonitoring } from "#services/CloudMonitoring"
import type { MonitoringQuestion } from "#services/CloudMonitoring"
import { int64, timeSeries } from "#test/sources/answers"
import { inTime, ok, run } from "#test/sources/sourceWorld"

const question: MonitoringQuestion = {
  project: "my-project",
  metricType: "pubsub.googleapis.com/subscription/num_undelivered_messages",
  resourceType: "pubsub_subscription",
  resourceLabels: { project_id: "my-project", subscription_id: "my-subscription" },
  credentials: undefined,
  endpoint: "http://emulator:8085",
  withinMillis: 300_000
}

const newest = (more: Partial<MonitoringQuestion> = {}) =>
  Effect.flatMap(CloudMonitoring, (monitoring) => monitoring.newest({ ...question, ...more }))

const answer = ok({ timeSeries: [timeSeries([{ agoMillis: 0, value: int64(42) }])] })
const world = { kubernetes: () => ({}), http: () => answer }

describe("a question to Cloud Monitoring", () => {
  it.effect("is asked once for all who ask it at once, and anew for the next tick", () =>
    Effect.gen(function* () {
      const { layer, requests } = yield* run(world)
      yield* Effect.gen(function* () {
        const all = Effect.forEach(Array.from({ length: 50 }), () => newest(), { concurrency: "unbounded" })
        const points = yield* inTime(all)
        assert.strictEqual(points[49]?.value, 42)
        assert.strictEqual((yield* Ref.get(requests)).length, 1)
        yield* TestClock.adjust("1 second")
        yield* inTime(newest())
        assert.strictEqual((yield* Ref.get(requests)).length, 2)
      }).pipe(Effect.provide(layer))
    })
  )

  it.effect("is another one with other credentials, of another place, or about another time", () =>
    Effect.gen(function* () {
      const { layer, requests } = yield* run(world)
      yield* Effect.gen(function* () {
        const failing = Effect.flip(newest({ credentials: Redacted.make("no key") }))
        const others = [newest(), newest({ endpoint: "http://other:8085" }), newest({ withinMillis: 1 })]
        yield* inTime(Effect.all([failing, ...others], { concurrency: "unbounded" }))
        assert.strictEqual((yield* Ref.get(requests)).length, 3, "and without a usable key nobody is asked")
      }).pipe(Effect.provide(layer))
    })
  )

  it.effect("quotes what it asks for, so that no name can end its own quotes", () =>
    Effect.gen(function* () {
      const { layer, requests } = yield* run({ ...world, http: () => ok({}) })
      const labels = { subscription_id: 'a" OR metric.type = "b\\' }
      yield* inTime(newest({ resourceLabels: labels, project: "../other" }).pipe(Effect.provide(layer)))
      const [request] = yield* Ref.get(requests)
      const url = new URL(request?.url ?? "")
      assert.strictEqual(url.pathname, "/v3/projects/..%2Fother/timeSeries")
      assert.include(
        url.searchParams.get("filter") ?? "",
        'resource.labels.subscription_id = "a\\" OR metric.type = \\"b\\\\"'
      )
    })
  )
})
