import { assert, describe, it } from "@effect/vitest"
import { POLICY_DEFAULTS } from "#schemas/crd/Crd"
import { decodes, policy, refuses, rps, ScalingPolicy } from "#test/schemas/crd/objects"

type Spec = Readonly<Record<string, unknown>>
const signals = (spec: Spec = {}, settings = {}) => decodes(ScalingPolicy, policy(spec), settings).signals
const names = (spec: Spec = {}, settings = {}) => signals(spec, settings).map(({ name }) => name)

describe("the signals of a policy that names none", () => {
  it("are CPU, which decides, and memory, which is seen", () => {
    assert.deepStrictEqual(signals(), [
      {
        name: "cpu",
        source: "resource",
        options: { resource: "cpu" },
        target: { type: "Utilization", milli: 70 },
        role: "utilization",
        onEmpty: "Missing",
        onMissing: "Hold",
        worksAtZero: false,
        isDefault: true
      },
      {
        name: "memory",
        source: "resource",
        options: { resource: "memory" },
        onEmpty: "Missing",
        onMissing: "Hold",
        worksAtZero: false
      }
    ])
  })

  it("include the network where the operator has a Prometheus, of this workload's pods only", () => {
    const [, , network] = signals({ target: { kind: "Deployment", name: "shop.web" } }, { prometheusUrl: "http://p" })
    assert.strictEqual(network?.name, "network")
    assert.isUndefined(network?.target)
    assert.deepStrictEqual(network?.options, {
      query: 'sum(rate(container_network_receive_bytes_total{namespace="shop",pod=~"shop\\\\.web-.*"}[1m]))'
    })
  })

  it("hold CPU where the policy says, else where the operator says", () => {
    const cpu = (spec: Spec, settings = {}) => signals(spec, settings)[0]?.target?.milli
    assert.strictEqual(cpu({ scaling: { targetCpuUtilization: 55 } }), 55)
    assert.strictEqual(cpu({}, { defaults: { ...POLICY_DEFAULTS, targetCpuUtilization: 80 } }), 80)
  })

  it("stand in where its own only watch and no objective or engine is named", () => {
    const watching = rps({ target: undefined, name: "cpu" })
    const observed = { name: "rps", prometheus: { query: "up" } }
    assert.deepStrictEqual(names({ signals: [observed] }), ["rps", "cpu", "memory"])
    assert.deepStrictEqual(names({ signals: [{ name: watching["name"], prometheus: { query: "up" } }] }), [
      "cpu",
      "memory"
    ])
    assert.deepStrictEqual(names({ signals: [observed], engines: [{ step: {} }] }), ["rps"])
    assert.deepStrictEqual(names({ signals: [observed], objectives: { queue: { drainSeconds: 1 } } }), ["rps"])
    assert.deepStrictEqual(names({ signals: [rps()] }), ["rps"])
  })
})

describe("a signal", () => {
  it("is its source, its options as they stand, and what it is held at in thousandths", () => {
    const [signal] = signals({ signals: [rps({ maxSampleAge: "2m", onEmpty: "Zero", role: "demand" })] })
    assert.deepStrictEqual(signal, {
      name: "rps",
      source: "prometheus",
      options: { query: "sum(rate(x[1m]))" },
      target: { type: "AverageValue", milli: 100_000 },
      role: "demand",
      onEmpty: "Zero",
      onMissing: "Hold",
      maxSampleAgeMillis: 120_000,
      worksAtZero: false
    })
  })

  it.each([
    { source: "resource", role: "utilization" },
    { source: "nats", role: "backlog" },
    { source: "redis", role: "backlog" },
    { source: "kafka", role: "backlog" },
    { source: "prometheus", role: undefined }
  ])("of $source has the role $role unless told", ({ role, source }) => {
    const [signal] = signals({ signals: [{ name: "a", [source]: {} }, rps()] })
    assert.strictEqual(signal?.role, role)
    const [told] = signals({ signals: [{ name: "a", [source]: {}, role: "served" }, rps()] })
    assert.strictEqual(told?.role, "served")
  })

  it("of Pub/Sub is a backlog where it counts messages, and an age where it counts seconds", () => {
    const roles = ["NumUndeliveredMessages", "OldestUnackedMessageAge", undefined].map(
      (mode) => signals({ signals: [{ name: "a", pubsub: mode === undefined ? {} : { mode } }, rps()] })[0]?.role
    )
    assert.deepStrictEqual(roles, ["backlog", "age", "backlog"])
  })

  it.each([
    { value: "1500m", milli: 1500 },
    { value: "2Gi", milli: 2_147_483_648_000 },
    { value: 0.0001, milli: undefined },
    { value: "100", milli: 100_000 }
  ])("is held at $value", ({ milli, value }) => {
    const spec = { signals: [rps({ target: { type: "Value", value } })] }
    if (milli === undefined) assert.isAbove(refuses(ScalingPolicy, policy(spec)).length, 0)
    else assert.strictEqual(signals(spec)[0]?.target?.milli, milli)
  })

  it.each([
    { title: "zero", target: { type: "Value", value: "0" }, says: "not above 0" },
    { title: "a part of a percent", target: { type: "Utilization", value: "70500m" }, says: "not a whole percentage" },
    { title: "more than can be counted", target: { type: "Value", value: "999999999999999E" }, says: "too large" }
  ])("is refused at $title", ({ says, target }) => {
    const [refusal] = refuses(ScalingPolicy, policy({ signals: [rps({ target })] }))
    assert.strictEqual(refusal?.path, "spec.signals[0].target.value")
    assert.include(refusal?.message, says)
  })

  it("has exactly one source and a name of its own", () => {
    const paths = (list: ReadonlyArray<Spec>) =>
      refuses(ScalingPolicy, policy({ signals: list })).map(({ path }) => path)
    assert.deepStrictEqual(paths([{ name: "a" }, rps()]), ["spec.signals[0]"])
    assert.deepStrictEqual(paths([rps({ redis: {} })]), ["spec.signals[0]"])
    assert.deepStrictEqual(paths([rps(), rps()]), ["spec.signals"])
  })

  it("with a credential in plain text is read, and its author told", () => {
    const headers = { Authorization: "Bearer abc" }
    const { findings } = decodes(ScalingPolicy, policy({ signals: [rps({ prometheus: { query: "up", headers } })] }))
    assert.deepStrictEqual(
      findings.map(({ path, reason }) => [reason, path]),
      [["InlineSecret", "spec.signals[0].prometheus.headers.Authorization"]]
    )
    assert.notInclude(findings[0]?.message, "abc")
  })
})

describe("objectives", () => {
  it("ask their own questions under their own names", () => {
    const { objectives, signals: all } = decodes(
      ScalingPolicy,
      policy({
        signals: [rps()],
        objectives: {
          latency: { query: "p99", serverUrl: "http://p", targetMs: 200 },
          errorRate: { preset: "istio", target: 0.01 }
        }
      })
    )
    assert.deepStrictEqual(objectives, {
      latency: { signal: "latency", targetMs: 200, goodFraction: 0.99 },
      errorRate: { signal: "errorRate", target: 0.01 }
    })
    assert.deepStrictEqual(
      all.map(({ name, options, role, source, target }) => ({ name, options, role, source, target })).slice(1),
      [
        {
          name: "latency",
          options: { serverUrl: "http://p", query: "p99" },
          role: "latency",
          source: "prometheus",
          target: undefined
        },
        { name: "errorRate", options: { preset: "istio" }, role: "errorRate", source: "prometheus", target: undefined }
      ]
    )
  })

  it("read the signal of their role where they ask nothing", () => {
    const p99 = { name: "p99", prometheus: { query: "p99" }, role: "latency" }
    const { findings, objectives } = decodes(
      ScalingPolicy,
      policy({ signals: [p99], objectives: { latency: { targetMs: 200 } } })
    )
    assert.strictEqual(objectives.latency?.signal, "p99")
    assert.deepStrictEqual(findings, [])
  })

  it("read the answer to their own question, whatever else has their role", () => {
    const p50 = { name: "p50", prometheus: { query: "p50" }, role: "latency" }
    const { objectives } = decodes(
      ScalingPolicy,
      policy({ signals: [p50], objectives: { latency: { query: "p99", targetMs: 200 } } })
    )
    assert.strictEqual(objectives.latency?.signal, "latency")
  })

  it("that nothing measures are said to be so, not missing", () => {
    const { findings, objectives } = decodes(
      ScalingPolicy,
      policy({ objectives: { latency: { targetMs: 200 }, queue: { drainSeconds: 60 } } })
    )
    assert.isUndefined(objectives.latency?.signal)
    assert.deepStrictEqual(findings.map(({ path, reason }) => `${reason} ${path}`).toSorted(), [
      "SLONotConfigured spec.objectives.latency",
      "SLONotConfigured spec.objectives.queue"
    ])
  })

  it("do not share their names with a signal", () => {
    const spec = policy({
      signals: [rps({ name: "latency" })],
      objectives: { latency: { query: "p99", targetMs: 200 } }
    })
    assert.include(refuses(ScalingPolicy, spec)[0]?.message, "Two signals are called latency")
  })
})
