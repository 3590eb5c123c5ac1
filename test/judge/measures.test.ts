import { assert, describe, it } from "@effect/vitest"
import { measureOf, readingOf } from "#judge/measures"
import type { Signal } from "#schemas/Policy"

const signal = (change: Partial<Signal> = {}): Signal => ({
  name: "metric",
  source: "prometheus",
  options: {},
  onEmpty: "Missing",
  onMissing: "Hold",
  worksAtZero: false,
  ...change
})

const asks = (query: string, change: Partial<Signal> = {}) => measureOf(signal({ options: { query }, ...change }))
const value = (milli: number) => ({ target: { type: "Value", milli } }) as const

const METRICS = { rps: 300, cpuUtilisation: 0.5, p95LatencyMs: 250, queueLength: 40, readyAvg: 10, ageSeconds: 2 }

const read = (one: Signal, metrics: unknown = METRICS) => readingOf(measureOf(one), metrics, 60_000)

describe("measures", () => {
  it("takes a role for what it says, and doubts nothing", () => {
    assert.deepStrictEqual(measureOf(signal({ role: "utilization" })), {
      field: "cpuUtilisation",
      factor: 100,
      perPod: false
    })
    assert.strictEqual(measureOf(signal({ role: "demand" })).assumption, undefined)
  })

  it("takes queues for their length, and the resource source for what it is", () => {
    assert.strictEqual(measureOf(signal({ source: "nats" })).field, "queueLength")
    const memory = measureOf(signal({ source: "resource", options: { resource: "memory" } }))
    assert.deepStrictEqual([memory.field, memory.factor], ["memUtilisation", 100])
    const cores = measureOf(
      signal({ source: "resource", options: { resource: "cpu" }, target: { type: "AverageValue", milli: 500 } })
    )
    assert.deepStrictEqual([cores.field, cores.factor], ["cpuUtilisation", 1])
    assert.match(cores.assumption ?? "", /1 core/u)
  })

  it("takes the age of the oldest message for an age, in seconds", () => {
    const oldest = signal({ source: "pubsub", role: "age", ...value(60_000) })
    assert.strictEqual(measureOf(oldest).perPod, false)
    assert.match(measureOf(oldest).assumption ?? "", /seconds/u)
    const reading = read(oldest)
    assert.strictEqual(reading._tag === "Measured" ? reading.value : undefined, 0.25)
  })

  it("guesses by the query what nobody says, in the units of its target, and says so", () => {
    const guesses = [
      asks("histogram_quantile(0.95, rate(http_request_duration_seconds_bucket[1m]))", value(500)),
      asks("job:latency_ms:p95", value(500_000)),
      asks('sum(rate(http_requests_total{code=~"5.."}[1m]))', value(50)),
      asks("avg(rate(container_cpu_usage_seconds_total[1m])) * 100", value(80_000)),
      asks("avg(cpu_usage)", value(800)),
      asks("rabbitmq_queue_messages_ready"),
      asks("sum(rate(http_requests_total[1m]))")
    ]
    assert.deepStrictEqual(
      guesses.map(({ factor, field }) => [field, factor]),
      [
        ["p95LatencyMs", 1 / 1000],
        ["p95LatencyMs", 1],
        ["errorRate", 1],
        ["cpuUtilisation", 100],
        ["cpuUtilisation", 1],
        ["queueLength", 1],
        ["rps", 1]
      ]
    )
    for (const { assumption } of guesses) assert.isDefined(assumption)
  })

  it("divides by the ready pods where a target is about one pod", () => {
    const perPod = signal({ options: { query: "http_requests_per_second" }, ...value(20_000) })
    assert.deepStrictEqual(read(perPod), { _tag: "Measured", value: 30, at: 58_000, coverage: 1 })
    const none = read(perPod, { ...METRICS, readyAvg: 0 })
    assert.strictEqual(none._tag, "Missing")
  })

  it("is missing where the scrape was lost, or the number is none", () => {
    const demand = signal({ role: "demand" })
    for (const metrics of [null, [], {}, { rps: "3" }, { rps: Number.NaN }, { rps: -1 / 0 }]) {
      assert.strictEqual(read(demand, metrics)._tag, "Missing")
    }
    assert.strictEqual(read(demand)._tag, "Measured")
  })
})
