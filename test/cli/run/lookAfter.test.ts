import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { layerLookAfter } from "#cli/run/lookAfter"
import { Health } from "#operator/Health"
import { Egress, EgressError } from "#services/Egress"
import { Metrics } from "#services/Metrics"
import { layerMetrics } from "#services/MetricsLive"
import * as Prometheus from "#services/Prometheus"
import type { Values } from "#services/Settings"
import { layerSettings, layerWeb } from "#test/cli/doctor/world"

const world = (web: Parameters<typeof layerWeb>[0], settings: Partial<Values>) =>
  layerLookAfter.pipe(
    Layer.provide(Prometheus.layer),
    Layer.provideMerge(Health.layer),
    Layer.provideMerge(layerMetrics({ processMetrics: false })),
    Layer.provide([layerWeb(web), layerSettings(settings)])
  )

const component = (name: string) =>
  Effect.map(
    Health.use((health) => health.report),
    ({ components }) => components[name]
  )
const gauge = (name: string) =>
  Effect.map(
    Metrics.use((metrics) => metrics.render),
    ({ body }) => new RegExp(`nimbusguard_operator_health\\{component="${name}"\\} (\\d)`).exec(body)?.[1]
  )

const scalar = JSON.stringify({ status: "success", data: { resultType: "scalar", result: [0, "1"] } })

describe("the servers that the settings name", () => {
  it.effect("Prometheus is known to be well before any policy asks, and found ill when it falls", () => {
    let up = true
    return Effect.gen(function* () {
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* component("prometheus"))?.healthy, true)
      assert.strictEqual(yield* gauge("prometheus"), "1")
      up = false
      yield* TestClock.adjust("31 seconds")
      assert.strictEqual((yield* component("prometheus"))?.healthy, false)
      assert.strictEqual(yield* gauge("prometheus"), "0")
    }).pipe(
      Effect.provide(
        world(() => (up ? { status: 200, body: scalar } : "down"), { prometheusUrl: "http://prometheus:9090" })
      )
    )
  })

  it.effect("OpenAI is ill when it refuses the key, which is nowhere to be read", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("1 second")
      const openai = yield* component("openai")
      assert.strictEqual(openai?.healthy, false)
      assert.strictEqual(openai?.detail, "https://api.openai.com/v1 answers with HTTP 401 when asked for gpt-4o-mini.")
      assert.strictEqual(yield* gauge("openai"), "0")
    }).pipe(Effect.provide(world(() => ({ status: 401 }), { openaiApiKey: Redacted.make("sk-hunter2") })))
  )

  it.effect("OpenAI may lead anywhere, but not the key into what is shown of it", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("1 second")
      const openai = yield* component("openai")
      assert.strictEqual(openai?.detail, "https://api.openai.com/v1 cannot be asked (Unreachable).")
    }).pipe(
      Effect.provide(
        layerLookAfter.pipe(
          Layer.provide(Prometheus.layer),
          Layer.provideMerge(Health.layer),
          Layer.provideMerge(layerMetrics({ processMetrics: false })),
          Layer.provide([
            Layer.succeed(Egress, {
              request: () =>
                new EgressError({
                  reason: { _tag: "Unreachable" },
                  url: "https://evil.test/sk-hunter2",
                  detail: "is away"
                })
            }),
            layerSettings({ openaiApiKey: Redacted.make("sk-hunter2") })
          ])
        )
      )
    )
  )

  it.effect("neither is asked, nor shown on the metrics page, where it is not configured", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(yield* gauge("prometheus"), undefined)
      assert.strictEqual(yield* gauge("openai"), undefined)
    }).pipe(Effect.provide(world(() => assert.fail("asked"), {})))
  )
})
