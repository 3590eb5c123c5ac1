import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { gridOf, queriesFor, queryOf, remember } from "#judge/backtest/history"
import type { PrometheusRange } from "#services/Prometheus"
import { layerPrometheus, policyFile, REQUESTS } from "#test/judge/backtest/world"

const DAY = 86_400_000
const { policy } = policyFile(REQUESTS)
const quiet = () => Effect.void

describe("a history", () => {
  it("has a step of 15 s or more, and ends on one", () => {
    assert.deepStrictEqual(gridOf(3_600_007, 3_600_000), { from: 15_000, stepMillis: 15_000, steps: 240 })
    const week = gridOf(100 * DAY, 7 * DAY)
    assert.deepStrictEqual([week.stepMillis, week.steps], [60_000, 10_080])
  })

  it("is asked of the target alone, whatever its name holds", () => {
    const { cpu, hpa, ready } = queriesFor("shop", "web.v1")
    assert.include(cpu, String.raw`pod=~"web\\.v1-.*"`)
    assert.include(ready, 'kube_deployment_status_replicas_ready{namespace="shop",deployment="web.v1"}')
    assert.include(hpa, 'scaletargetref_name="web.v1"')
  })

  it("is of those signals that are queries", () => {
    const [signal] = policy.signals
    assert.deepStrictEqual(signal && queryOf(signal), { promql: "sum(rate(http_requests_total[1m]))", reduce: "only" })
    assert.strictEqual(signal && queryOf({ ...signal, source: "resource" }), undefined)
  })

  it.effect("is asked in pieces that any server answers, and is NaN where nothing was", () =>
    Effect.gen(function* () {
      const asked: Array<PrometheusRange> = []
      const grid = gridOf(100 * DAY, 7 * DAY)
      const at = (step: number) => grid.from + step * grid.stepMillis
      const layer = layerPrometheus(
        (promql) =>
          promql.includes("http_requests_total")
            ? [[...Array.from({ length: 9_000 }, (_, step) => [at(step), String(step)] as const), [at(9_001), "NaN"]]]
            : [],
        asked
      )
      const { cpu, signals } = yield* remember(policy, grid, quiet).pipe(Effect.provide(layer))
      const requests = signals.get("requests")
      assert.deepStrictEqual([requests?.[0], requests?.[8_999], requests?.length], [0, 8_999, 10_080])
      assert.isTrue(Number.isNaN(requests?.[9_000]) && Number.isNaN(requests?.[9_001]))
      assert.isTrue(cpu.every((value) => Number.isNaN(value)))
      for (const { from, stepMillis, to } of asked) assert.isBelow((to - from) / stepMillis, 11_000)
    })
  )

  it.effect("takes one number of several series, as the signal says", () =>
    Effect.gen(function* () {
      const { policy } = policyFile(
        '{name: requests, prometheus: {serverUrl: "http://p:9090", query: "per_pod", reduce: sum}, target: {type: AverageValue, value: "28"}}'
      )
      const layer = layerPrometheus((promql) => (promql === "per_pod" ? [[[0, "2"]], [[0, "3"]], [[0, "+Inf"]]] : []))
      const { signals } = yield* remember(policy, { from: 0, stepMillis: 15_000, steps: 1 }, quiet).pipe(
        Effect.provide(layer)
      )
      assert.deepStrictEqual([...(signals.get("requests") ?? [])], [5])
    })
  )

  it.effect("fails with the server's reason", () =>
    Effect.gen(function* () {
      const failed = yield* Effect.flip(
        remember(policy, gridOf(DAY, 3_600_000), quiet).pipe(Effect.provide(layerPrometheus(() => "broken")))
      )
      assert.strictEqual(failed.message, "parse error")
    })
  )
})
