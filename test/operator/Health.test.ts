import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { missing, measured } from "#schemas/Reading"
import { Health } from "#operator/Health"
import { Metrics } from "#services/Metrics"

const gauges = (seen: Array<string>) =>
  Layer.mock(Metrics)({
    health: (component, healthy) => Effect.sync(() => void seen.push(`${component}=${healthy}`))
  })

const withHealth = <A, E>(test: (seen: Array<string>) => Effect.Effect<A, E, Health>) =>
  Effect.suspend(() => {
    const seen: Array<string> = []
    return test(seen).pipe(Effect.provide(Health.layer.pipe(Layer.provide(gauges(seen)))))
  })

describe("Health", () => {
  it.effect("is not ready before anything is awaited, then waits for all of it, and stays ready for ever", () =>
    withHealth(() =>
      Effect.gen(function* () {
        const health = yield* Health
        assert.isFalse(yield* health.ready)
        yield* health.expect("watch ScalingPolicy")
        yield* health.expect("lease")
        yield* health.reached("watch ScalingPolicy")
        assert.isFalse(yield* health.ready)
        assert.deepStrictEqual((yield* health.report).waitingFor, ["lease"])
        yield* health.reached("lease")
        assert.isTrue(yield* health.ready)
        yield* health.expect("lease")
        yield* health.set("kubernetes", false, "away")
        assert.isTrue(yield* health.ready)
      })
    )
  )

  it.effect("remembers since when a component is as it is, and tells the gauge only of changes", () =>
    withHealth((seen) =>
      Effect.gen(function* () {
        const health = yield* Health
        yield* health.set("kubernetes", true, "ok")
        yield* TestClock.adjust("1 minute")
        yield* health.set("kubernetes", true, "still ok")
        assert.deepStrictEqual((yield* health.report).components["kubernetes"], {
          healthy: true,
          detail: "still ok",
          since: 0
        })
        yield* health.set("kubernetes", false, "refused")
        assert.strictEqual((yield* health.report).components["kubernetes"]?.since, 60_000)
        assert.deepStrictEqual(seen, ["kubernetes=true", "kubernetes=false"])
      })
    )
  )

  it.effect("lets the operator's own Prometheus speak for the component once it is looked after", () =>
    withHealth((seen) =>
      Effect.gen(function* () {
        const health = yield* Health
        yield* health.set("prometheus", true, "Answering.")
        yield* TestClock.adjust("5 minutes")
        yield* health.sampled("prometheus", missing("Unreachable", "a tenant's own"))
        const { components } = yield* health.report
        assert.strictEqual(components["prometheus"]?.healthy, true)
        assert.strictEqual(components["sources"]?.detail, "prometheus: a tenant's own")
        yield* health.set("prometheus", false, "refused")
        yield* health.sampled("prometheus", measured(1, 0))
        assert.strictEqual((yield* health.report).components["prometheus"]?.healthy, false)
        assert.deepStrictEqual(seen, ["prometheus=true", "sources=false", "prometheus=false", "sources=true"])
      })
    )
  )

  it.effect("does not blame Prometheus for one broken query while it answers others", () =>
    withHealth(() =>
      Effect.gen(function* () {
        const health = yield* Health
        const state = Effect.map(health.report, (report) => report.components["prometheus"]?.healthy)
        const outage = health.sampled("prometheus", missing("Unreachable", "connection refused"))
        yield* TestClock.adjust("2 minutes")
        yield* health.sampled("prometheus", measured(1, 0))
        yield* outage
        assert.isTrue(yield* state)
        yield* TestClock.adjust("61 seconds")
        yield* health.sampled("prometheus", missing("Empty", "no series"))
        assert.isTrue(yield* state)
        yield* outage
        assert.isFalse(yield* state)
        yield* health.sampled("prometheus", measured(1, 0))
        assert.isTrue(yield* state)
      })
    )
  )

  it.effect("lives while its heart beats", () =>
    withHealth(() =>
      Effect.gen(function* () {
        const health = yield* Health
        yield* TestClock.adjust("10 minutes")
        assert.isTrue(yield* health.live)
      })
    )
  )
})
