import { assert, describe, it } from "@effect/vitest"
import { decodes, GeneralScaler, refuses, scaler } from "#test/schemas/crd/objects"

type Spec = Readonly<Record<string, unknown>>
const decoded = (extra: Spec = {}, metric: Spec = {}) => decodes(GeneralScaler, scaler(extra, metric))
const of = (type: string, options: Spec) => ({ type, prometheus: undefined, [type]: options })
const withMetric = (type: string, options: Spec, extra: Spec = {}) =>
  decodes(GeneralScaler, {
    ...scaler(extra),
    metric: { targetValue: 50, type, [type]: options }
  })

describe("the metric of a GeneralScaler", () => {
  it("is the one signal, and is held in proportion", () => {
    const { engines, intervalMillis, signals } = decoded()
    assert.deepStrictEqual(signals, [
      {
        name: "metric",
        source: "prometheus",
        options: { query: "up" },
        target: { type: "Value", milli: 100_000 },
        onEmpty: "Missing",
        onMissing: "Hold",
        worksAtZero: false
      }
    ])
    assert.deepStrictEqual([engines, intervalMillis], [[{ engine: "target", options: {} }], 30_000])
  })

  it.each([
    { type: "prometheus", source: "prometheus", targetType: "Value" },
    { type: "redis", source: "redis", targetType: "AverageValue" },
    { type: "pubsub", source: "pubsub", targetType: "AverageValue" },
    { type: "custom", source: "http", targetType: "AverageValue" }
  ])("of type $type is read by $source as $targetType unless told", ({ source, targetType, type }) => {
    const [signal] = withMetric(type, {}).signals
    assert.deepStrictEqual([signal?.source, signal?.target], [source, { type: targetType, milli: 50_000 }])
    const told = decodes(GeneralScaler, {
      ...scaler(),
      metric: { targetValue: 0.1, type, [type]: {}, targetType: "Value" }
    })
    assert.deepStrictEqual(told.signals[0]?.target, { type: "Value", milli: 100 })
  })

  it("that is an empty queue in Redis, which is then no key at all, is zero", () => {
    assert.strictEqual(withMetric("redis", {}).signals[0]?.onEmpty, "Zero")
    assert.strictEqual(withMetric("custom", {}).signals[0]?.onEmpty, "Missing")
  })

  it("means a backlog where messages or items are counted, and an age where seconds are", () => {
    const role = (type: string, options: Spec) => withMetric(type, options).signals[0]?.role
    assert.deepStrictEqual(
      [role("redis", {}), role("pubsub", {}), role("prometheus", {})],
      ["backlog", "backlog", undefined]
    )
    assert.strictEqual(role("pubsub", { mode: "OldestUnackedMessageAge" }), "age")
  })

  it("stands in the field that type says, and in no other", () => {
    assert.strictEqual(refuses(GeneralScaler, scaler({}, { type: "redis" }))[0]?.path, "spec.metric")
    assert.strictEqual(refuses(GeneralScaler, scaler({}, { redis: {} }))[0]?.path, "spec.metric")
  })

  it("allows zero replicas only where it is true at zero", () => {
    assert.strictEqual(withMetric("pubsub", {}, { minReplicas: 0 }).bounds.min, 0)
    assert.strictEqual(refuses(GeneralScaler, scaler({ minReplicas: 0 }))[0]?.path, "spec.minReplicas")
    assert.deepStrictEqual(of("redis", {}).type, "redis")
  })

  it("with a password in plain text is read, and its author told", () => {
    const { findings } = withMetric("redis", { password: "hunter2" })
    assert.deepStrictEqual(
      findings.map(({ path, reason }) => [reason, path]),
      [["InlineSecret", "spec.metric.redis.password"]]
    )
    assert.notInclude(JSON.stringify(findings), "hunter2")
  })
})

describe("the behavior of a GeneralScaler", () => {
  it("is any step, 0 s up and 300 s down, where it says nothing", () => {
    for (const behavior of [undefined, {}, { scaleUp: {} }, { scaleDown: {} }]) {
      const { cooldown, rates, step } = decoded(behavior === undefined ? {} : { behavior }).limits
      assert.deepStrictEqual(cooldown, { upSeconds: 0, downSeconds: 300 })
      assert.deepStrictEqual([rates, step], [{ _tag: "Windows", upSeconds: 0, downSeconds: 0 }, {}])
    }
  })

  it("bounds one step and waits as it says", () => {
    const { cooldown, step } = decoded({
      behavior: {
        scaleUp: { maxIncrement: 5, cooldownSeconds: 60 },
        scaleDown: { maxDecrement: 2, cooldownSeconds: 0 }
      }
    }).limits
    assert.deepStrictEqual(
      [cooldown, step],
      [
        { upSeconds: 60, downSeconds: 0 },
        { up: 5, down: 2 }
      ]
    )
  })
})

describe("the policy slo", () => {
  const slo = (extra: Spec) =>
    decoded({ policy: { type: "slo", slo: { targetLatencyMs: 200, targetErrorRate: 0.01, ...extra } } })

  it("scales in proportion alone while nothing measures it, and names the two fields", () => {
    const { engines, findings, objectives } = slo({})
    assert.deepStrictEqual(engines, [{ engine: "target", options: {} }])
    assert.deepStrictEqual(
      findings.map(({ path, reason }) => [reason, path]),
      [
        ["SLONotConfigured", "spec.policy.slo.latencyQuery"],
        ["SLONotConfigured", "spec.policy.slo.errorQuery"]
      ]
    )
    assert.deepStrictEqual(objectives, { latency: { targetMs: 200, goodFraction: 0.99 }, errorRate: { target: 0.01 } })
  })

  it("says what is not measured of it, and no more", () => {
    const { findings } = slo({ latencyQuery: "p99" })
    assert.deepStrictEqual(
      findings.map(({ message }) => message),
      ["Nothing measures this objective, so it has no say: name a query in spec.policy.slo.errorQuery."]
    )
  })

  it("asks where the metric is, with its credentials, and guards what it can measure", () => {
    const { engines, objectives, signals } = decodes(
      GeneralScaler,
      scaler(
        { policy: { type: "slo", slo: { targetLatencyMs: 200, latencyQuery: "p99" } } },
        { prometheus: { serverUrl: "http://p", query: "up", reduce: "sum", bearerSecret: { name: "a", key: "b" } } }
      )
    )
    assert.deepStrictEqual(
      engines.map(({ engine }) => engine),
      ["target", "slo"]
    )
    assert.deepStrictEqual(objectives, { latency: { signal: "latency", targetMs: 200, goodFraction: 0.99 } })
    assert.deepInclude(signals[1], {
      name: "latency",
      role: "latency",
      options: { serverUrl: "http://p", bearerSecret: { name: "a", key: "b" }, query: "p99" }
    })
    assert.isUndefined(signals[1]?.target)
  })

  it("asks the operator's own Prometheus where the metric is something else", () => {
    const policy = { type: "slo", slo: { targetErrorRate: 0.01, errorQuery: "e" } }
    assert.deepStrictEqual(withMetric("redis", { host: "r" }, { policy }).signals[1]?.options, { query: "e" })
  })
})

describe("the policy costAware", () => {
  const costAware = { maxMonthlyCost: 1000, costPerPodPerHour: 0.05 }

  it("is a budget, and a lean", () => {
    const { limits, objectives } = decoded({
      policy: { type: "costAware", costAware: { ...costAware, preferredScaleDirection: "down" } }
    })
    assert.deepStrictEqual(objectives.cost, { ...costAware, preferredScaleDirection: "down" })
    assert.deepStrictEqual(limits.toleranceMilli, { up: 200, down: 50 })
  })

  it("that does not pay for the minimum says what would", () => {
    const { findings } = decoded({ policy: { type: "costAware", costAware }, minReplicas: 28, maxReplicas: 40 })
    assert.strictEqual(findings[0]?.reason, "BudgetBelowMinimum")
    assert.include(findings[0]?.message, "at least 1022.00")
  })
})
