import { assert, describe, it } from "@effect/vitest"
import { decodes, IntelligentScaling, labels, refuses } from "#test/schemas/crd/objects"

const metric = (condition: string, threshold = 10, query = "q") => ({ query, threshold, condition })
const decoded = (...metrics: ReadonlyArray<ReturnType<typeof metric>>) => decodes(IntelligentScaling, labels(metrics))
const step = (...metrics: ReadonlyArray<ReturnType<typeof metric>>) => decoded(...metrics).engines[0]?.options

describe("an IntelligentScaling", () => {
  it("selects up to 20 Deployments of its own namespace by all of its labels", () => {
    assert.deepStrictEqual(decoded(metric("gt")).targets, {
      _tag: "Labels",
      namespace: "shop",
      labels: { app: "web" },
      limit: 20
    })
  })

  it("looks every 30 s, and keeps one replica where it names no minimum", () => {
    const { bounds, intervalMillis } = decoded(metric("gt"))
    assert.deepStrictEqual([bounds, intervalMillis], [{ min: 1, max: 10 }, 30_000])
  })

  it("takes the largest of several series for gt and gte, and the smallest for lt and lte", () => {
    const { signals } = decoded(metric("gt"), metric("gte"), metric("lt"), metric("lte"))
    assert.deepStrictEqual(
      signals.map(({ name, options }) => [name, (options as { readonly reduce: string }).reduce]),
      [
        ["metrics[0]", "max"],
        ["metrics[1]", "max"],
        ["metrics[2]", "min"],
        ["metrics[3]", "min"]
      ]
    )
  })

  it("asks the Prometheus that it names, else the operator's own", () => {
    assert.deepStrictEqual(decoded(metric("gt")).signals[0]?.options, { query: "q", reduce: "max" })
    const named = labels([], { metrics_config: { prometheus_url: "http://p:9090", metrics: [metric("lt")] } })
    assert.deepStrictEqual(decodes(IntelligentScaling, named).signals[0]?.options, {
      serverUrl: "http://p:9090",
      query: "q",
      reduce: "min"
    })
  })

  it("votes up strictly or not as it is written, agrees to fewer below 0.7 of that, and waits 300 s", () => {
    assert.deepStrictEqual(step(metric("gt"), metric("gte", 0.5), metric("lt", 3), metric("lte", 60)), {
      rules: [
        { signal: "metrics[0]", up: { op: "gt", thresholdMilli: 10_000 }, downBelowMilli: 7000 },
        { signal: "metrics[1]", up: { op: "gte", thresholdMilli: 500 }, downBelowMilli: 350 },
        { signal: "metrics[2]", down: { op: "lt", thresholdMilli: 3000 } },
        { signal: "metrics[3]", down: { op: "lte", thresholdMilli: 60_000 } }
      ],
      up: "ratio",
      down: "one",
      downAfterSeconds: 300
    })
  })

  it("takes thresholds as they are written, below a thousandth too", () => {
    assert.deepInclude(step(metric("gt", 0.0005), metric("lt", 0.00025), metric("gt", 1.1)), {
      rules: [
        { signal: "metrics[0]", up: { op: "gt", thresholdMilli: 0.5 }, downBelowMilli: 0.35 },
        { signal: "metrics[1]", down: { op: "lt", thresholdMilli: 0.25 } },
        { signal: "metrics[2]", up: { op: "gt", thresholdMilli: 1100 }, downBelowMilli: 770 }
      ]
    })
  })

  it("goes up within an HPA's default steps", () => {
    const { cooldown, rates } = decoded(metric("gt")).limits
    assert.deepStrictEqual(cooldown, { upSeconds: 0, downSeconds: 0 })
    assert.isTrue(rates._tag === "Behavior")
    if (rates._tag === "Behavior") {
      assert.deepStrictEqual(rates.scaleUp.policies, [
        { type: "Pods", value: 4, periodSeconds: 15 },
        { type: "Percent", value: 100, periodSeconds: 15 }
      ])
      assert.strictEqual(rates.scaleDown.stabilizationSeconds, 0)
    }
  })

  it("asks a language model only when told to", () => {
    const engines = (ai: Readonly<Record<string, unknown>>) =>
      decodes(IntelligentScaling, labels([metric("gt")], ai)).engines.map(({ engine }) => engine)
    assert.deepStrictEqual(engines({}), ["step"])
    assert.deepStrictEqual(engines({ ai: {} }), ["step"])
    assert.deepStrictEqual(engines({ ai: { advisor: true } }), ["step", "advisor"])
  })

  it("refuses a condition without a direction, a threshold of nothing, and bounds that cross", () => {
    assert.strictEqual(refuses(IntelligentScaling, labels([metric("eq")])).length, 1)
    assert.strictEqual(refuses(IntelligentScaling, labels([metric("gt", 0)])).length, 1)
    const crossed = refuses(IntelligentScaling, labels([metric("gt")], { min_replicas: 11 }))
    assert.deepStrictEqual(
      crossed.map(({ path }) => path),
      ["spec.min_replicas"]
    )
  })
})
