/** A Prometheus in memory that remembers a shop, and the shop's policy. */
import { Effect, Layer } from "effect"
import * as Result from "effect/Result"
import type { Grid, Remembered } from "#judge/backtest/history"
import { readPolicyFile } from "#judge/policyFile"
import { Prometheus, type PrometheusRange } from "#services/Prometheus"
import { SourceError } from "#services/SourceError"

export const policyFile = (signal: string, more = "") =>
  Result.getOrThrowWith(
    readPolicyFile(
      "shop.yaml",
      `apiVersion: nimbusguard.io/v1
kind: ScalingPolicy
metadata: {name: shop, namespace: default}
spec:
  target: {apiVersion: apps/v1, kind: Deployment, name: shop}
  scaling: {minReplicas: 2, maxReplicas: 30, behavior: {}}
  signals:
    - ${signal}
${more}`,
      undefined
    ),
    (why) => why
  )

export const REQUESTS =
  '{name: requests, prometheus: {serverUrl: "http://prometheus:9090", query: "sum(rate(http_requests_total[1m]))"}, target: {type: AverageValue, value: "28"}}'

export const GRID: Grid = { from: 0, stepMillis: 15_000, steps: 240 }

export const steps = (valueAt: (step: number) => number): Float64Array =>
  Float64Array.from({ length: 240 }, (_, step) => valueAt(step))

export const NONE = steps(() => Number.NaN)

/** An hour in which ten pods did 280 requests a second. */
export const remembered = (change: Partial<Remembered> = {}): Remembered => ({
  grid: GRID,
  signals: new Map([["requests", steps((step) => 280 + (step % 7))]]),
  cpu: steps((step) => (280 + (step % 7)) / 400),
  ready: steps(() => 10),
  replicas: steps(() => 10),
  hpa: NONE,
  ...change
})

type Remembers = (promql: string) => ReadonlyArray<ReadonlyArray<readonly [at: number, value: string]>> | "broken"

export const layerPrometheus = (remembers: Remembers, asked: Array<PrometheusRange> = []) =>
  Layer.mock(Prometheus)({
    hasDefault: true,
    range: (range) => {
      asked.push(range)
      const series = remembers(range.promql)
      return series === "broken"
        ? Effect.fail(new SourceError({ why: "Malformed", detail: "parse error" }))
        : Effect.succeed(
            series.map((points) => ({
              labels: {},
              points: points.filter(([at]) => at >= range.from && at <= range.to).map(([at, value]) => ({ at, value }))
            }))
          )
    }
  })
