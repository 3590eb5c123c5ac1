import { assert, describe, it } from "@effect/vitest"
import { POLICY_DEFAULTS } from "#schemas/crd/Crd"
import { decodes, policy, refuses, rps, ScalingPolicy } from "#test/schemas/crd/objects"

const decoded = (spec: Readonly<Record<string, unknown>> = {}) => decodes(ScalingPolicy, policy(spec))
const engines = (spec: Readonly<Record<string, unknown>>) => decoded(spec).engines.map(({ engine }) => engine)

describe("the bounds of a ScalingPolicy", () => {
  it("are the operator's defaults where it says nothing", () => {
    assert.deepStrictEqual(decoded().bounds, { min: 1, max: 50 })
    const settings = { defaults: { ...POLICY_DEFAULTS, minReplicas: 2, maxReplicas: 7 } }
    assert.deepStrictEqual(decodes(ScalingPolicy, policy(), settings).bounds, { min: 2, max: 7 })
  })

  it("may not cross, also where one of them is the default", () => {
    const [refusal] = refuses(ScalingPolicy, policy({ scaling: { minReplicas: 60 } }))
    assert.deepInclude(refusal, { reason: "InvalidSpec", path: "spec.scaling.minReplicas" })
    assert.include(refusal?.message, "above spec.scaling.maxReplicas, which is 50")
  })

  it("begin at zero only with a signal that is true with no pod running", () => {
    const scaling = { minReplicas: 0 }
    assert.strictEqual(refuses(ScalingPolicy, policy({ scaling }))[0]?.path, "spec.scaling.minReplicas")
    assert.strictEqual(refuses(ScalingPolicy, policy({ scaling, signals: [rps()] })).length, 1)
    const working = rps({ prometheus: { query: "up", worksAtZero: true } })
    assert.strictEqual(decoded({ scaling, signals: [working] }).bounds.min, 0)
  })
})

describe("the engines of a ScalingPolicy", () => {
  it("are what it names, and nothing besides", () => {
    assert.deepStrictEqual(decoded({ engines: [{ slo: {} }, { target: { signals: ["rps"] } }] }).engines, [
      { engine: "slo", options: {} },
      { engine: "target", options: { signals: ["rps"] } }
    ])
  })

  it("are target where it names none, and auto as soon as it names an objective", () => {
    assert.deepStrictEqual(engines({}), ["target"])
    assert.deepStrictEqual(engines({ signals: [rps()] }), ["target"])
    assert.deepStrictEqual(engines({ objectives: { startupSeconds: 20 } }), ["target"])
    for (const objectives of [
      { latency: { query: "l", targetMs: 200 } },
      { errorRate: { query: "e", target: 0.01 } },
      { queue: { drainSeconds: 60 } },
      { cost: { maxMonthlyCost: 100, costPerPodPerHour: 1 } }
    ]) {
      assert.deepStrictEqual(engines({ objectives }), ["auto"])
    }
  })

  it("learn beside the others where aiConfig says so, each once", () => {
    const aiConfig = { qLearning: {}, forecast: { model: "Seasonal" }, advisor: {} }
    assert.deepStrictEqual(engines({ aiConfig }), ["target", "qlearning", "predictive", "advisor"])
    assert.deepStrictEqual(engines({ aiConfig, engines: [{ predictive: {} }] }), ["predictive", "qlearning", "advisor"])
    assert.deepStrictEqual(decoded({ aiConfig }).engines[2]?.options, { model: "Seasonal" })
  })

  it("are one to an item", () => {
    const refusals = refuses(ScalingPolicy, policy({ engines: [{}, { a: {}, b: {} }] }))
    assert.deepStrictEqual(
      refusals.map(({ path }) => path),
      ["spec.engines[0]", "spec.engines[1]"]
    )
  })
})

describe("the interval of a ScalingPolicy", () => {
  it("is 15 s, 5 s where auto decides, or what it says", () => {
    assert.strictEqual(decoded().intervalMillis, 15_000)
    assert.strictEqual(decoded({ engines: [{ auto: {} }] }).intervalMillis, 5000)
    assert.strictEqual(decoded({ engines: [{ auto: {} }], interval: "1m30s" }).intervalMillis, 90_000)
  })
})

describe("what the CRD's rules refuse", () => {
  it.each([
    { title: "no time between decisions", spec: { interval: "0s" }, path: "spec.interval" },
    { title: "hours between decisions", spec: { interval: "2h" }, path: "spec.interval" },
    { title: "an HPA without a name", spec: { actuation: { type: "HPAFloor" } }, path: "spec.actuation.name" },
    {
      title: "a window that crosses itself",
      spec: { schedules: [{ name: "a", start: "0 8 * * *", end: "0 9 * * *", floor: 3, ceiling: 2 }] },
      path: "spec.schedules[0].floor"
    }
  ])("is refused in a file that has met no API server: $title", ({ path, spec }) => {
    assert.deepStrictEqual(
      refuses(ScalingPolicy, policy(spec)).map((refusal) => refusal.path),
      [path]
    )
  })
})

describe("the speed of a ScalingPolicy", () => {
  const limits = (spec: Readonly<Record<string, unknown>> = {}) => decoded(spec).limits

  it("is an HPA's without behavior, and has no cooldown, where it says nothing", () => {
    assert.deepStrictEqual(limits(), {
      rates: { _tag: "Absent", downSeconds: 300 },
      cooldown: { upSeconds: 0, downSeconds: 0 },
      step: {},
      toleranceMilli: { up: 100, down: 100 }
    })
  })

  it("is the HPA's own with behavior, each side and each field defaulted as the HPA does", () => {
    const { rates, toleranceMilli } = limits({
      scaling: {
        behavior: {
          scaleUp: { tolerance: "0.05", policies: [{ type: "Pods", value: 2, periodSeconds: 60 }] },
          scaleDown: { stabilizationWindowSeconds: 60, selectPolicy: "Disabled", tolerance: "250m" }
        }
      }
    })
    assert.deepStrictEqual(rates, {
      _tag: "Behavior",
      scaleUp: {
        stabilizationSeconds: 0,
        selectPolicy: "Max",
        policies: [{ type: "Pods", value: 2, periodSeconds: 60 }]
      },
      scaleDown: {
        stabilizationSeconds: 60,
        selectPolicy: "Disabled",
        policies: [{ type: "Percent", value: 100, periodSeconds: 15 }]
      }
    })
    assert.deepStrictEqual(toleranceMilli, { up: 50, down: 250 })
    const below = policy({ scaling: { behavior: { scaleUp: { tolerance: -1 } } } })
    assert.strictEqual(refuses(ScalingPolicy, below)[0]?.path, "spec.scaling.behavior.scaleUp.tolerance")
  })

  it("has an empty behavior mean the HPA's defaults", () => {
    assert.deepStrictEqual(limits({ scaling: { behavior: {} } }).rates, {
      _tag: "Behavior",
      scaleUp: {
        stabilizationSeconds: 0,
        selectPolicy: "Max",
        policies: [
          { type: "Pods", value: 4, periodSeconds: 15 },
          { type: "Percent", value: 100, periodSeconds: 15 }
        ]
      },
      scaleDown: {
        stabilizationSeconds: 300,
        selectPolicy: "Max",
        policies: [{ type: "Percent", value: 100, periodSeconds: 15 }]
      }
    })
  })

  const ai = { aiConfig: { qLearning: {} } }
  it.each([
    { title: "none with behavior", spec: { scaling: { behavior: {} }, ...ai }, seconds: 0 },
    { title: "what it says, also with behavior", spec: { scaling: { behavior: {}, cooldownPeriod: 60 } }, seconds: 60 },
    { title: "300 s down with aiConfig", spec: ai, seconds: 300 },
    { title: "none with auto", spec: { engines: [{ auto: {} }], ...ai }, seconds: 0 },
    { title: "what it says with aiConfig", spec: { scaling: { cooldownPeriod: 30 }, ...ai }, seconds: 30 }
  ])("has a cooldown of $title", ({ seconds, spec }) => {
    assert.deepStrictEqual(limits(spec).cooldown, { upSeconds: 0, downSeconds: seconds })
  })

  it("takes the cooldown of the operator's defaults file where it says neither that nor behavior", () => {
    const settings = { defaults: { ...POLICY_DEFAULTS, cooldownSeconds: 120 } }
    assert.strictEqual(decodes(ScalingPolicy, policy(), settings).limits.cooldown.downSeconds, 120)
    const hpa = policy({ scaling: { behavior: {} } })
    assert.strictEqual(decodes(ScalingPolicy, hpa, settings).limits.cooldown.downSeconds, 0)
  })

  it("lets a cooldown shorter than the HPA's window be felt", () => {
    assert.deepStrictEqual(limits({ scaling: { cooldownPeriod: 60 } }).rates, { _tag: "Absent", downSeconds: 60 })
    assert.deepStrictEqual(limits({ scaling: { cooldownPeriod: 900 } }).rates, { _tag: "Absent", downSeconds: 300 })
  })

  it("leaves auto to hold by itself", () => {
    assert.deepStrictEqual(limits({ engines: [{ auto: {} }] }).rates, { _tag: "Windows", upSeconds: 0, downSeconds: 0 })
  })

  it("leans where the cost objective prefers", () => {
    const cost = { maxMonthlyCost: 1000, costPerPodPerHour: 0.05 }
    const of = (preferredScaleDirection: string) => {
      const { toleranceMilli } = limits({ objectives: { cost: { ...cost, preferredScaleDirection } } })
      return toleranceMilli
    }
    assert.deepStrictEqual(of("down"), { up: 200, down: 50 })
    assert.deepStrictEqual(of("up"), { up: 50, down: 200 })
    assert.deepStrictEqual(of("balanced"), { up: 100, down: 100 })
  })
})

describe("the guards of a ScalingPolicy", () => {
  const all = { rolloutGuard: true, disruptionFloor: true, rollback: true, freezeOnFailingPods: true }

  it("are all on, but leave disruption floor and rollback to who asks for HPA rules", () => {
    assert.deepStrictEqual(decoded().safety, all)
    assert.deepStrictEqual(decoded({ scaling: { behavior: {} } }).safety, {
      ...all,
      disruptionFloor: false,
      rollback: false
    })
  })

  it("are what safety names, with or without behavior", () => {
    assert.isFalse(decoded({ safety: { rolloutGuard: false } }).safety.rolloutGuard)
    assert.isTrue(decoded({ safety: { rollback: true }, scaling: { behavior: {} } }).safety.rollback)
  })
})

describe("Q-learning", () => {
  it("is off unless present, and learns as the operator's defaults say", () => {
    assert.isUndefined(decoded().qLearning)
    assert.deepStrictEqual(decoded({ aiConfig: { qLearning: { epsilonStart: 0.5 } } }).qLearning, {
      learningRate: 0.1,
      discountFactor: 0.95,
      epsilonStart: 0.5,
      epsilonEnd: 0.01,
      epsilonDecay: 0.995,
      exploration: "Shadow"
    })
  })
})

describe("schedules", () => {
  const office = { name: "office", start: "0 8 * * 1-5", end: "0 18 * * 1-5", floor: 3 }

  it("are in UTC unless they say where", () => {
    assert.deepStrictEqual(decoded({ schedules: [office] }).schedules, [{ ...office, timeZone: "UTC" }])
  })

  it.each([
    { title: "a start that is no cron expression", change: { start: "at eight" }, path: "start" },
    { title: "an end with seconds", change: { end: "0 0 18 * * *" }, path: "end" },
    { title: "an hour that no day has", change: { end: "0 25 * * *" }, path: "end" },
    { title: "a place without a clock", change: { timeZone: "Mars/Olympus" }, path: "timeZone" }
  ])("are refused for $title", ({ change, path }) => {
    const refusals = refuses(ScalingPolicy, policy({ schedules: [{ ...office, ...change }] }))
    assert.deepStrictEqual(
      refusals.map((refusal) => refusal.path),
      [`spec.schedules[0].${path}`]
    )
  })
})

describe("falling back", () => {
  const fallback = { afterSeconds: 60, replicas: 5 }

  it("is for the signals that ask for it, and for the default ones", () => {
    const onMissing = (spec: Readonly<Record<string, unknown>>) =>
      decoded(spec).signals.map((signal) => signal.onMissing)
    assert.deepStrictEqual(onMissing({ fallback }), ["Fallback", "Hold"])
    assert.deepStrictEqual(onMissing({ fallback, signals: [rps({ onMissing: "Fallback" }), rps({ name: "b" })] }), [
      "Fallback",
      "Hold"
    ])
  })

  it("to nothing is refused, and by nobody is noted", () => {
    assert.strictEqual(
      refuses(ScalingPolicy, policy({ signals: [rps({ onMissing: "Fallback" })] }))[0]?.path,
      "spec.fallback"
    )
    const { findings } = decoded({ fallback, signals: [rps()] })
    assert.deepStrictEqual(
      findings.map(({ path, reason }) => [reason, path]),
      [["Unused", "spec.fallback"]]
    )
  })
})

describe("what is said besides", () => {
  it("names a budget that does not pay for the minimum", () => {
    const objectives = { cost: { maxMonthlyCost: 100, costPerPodPerHour: 1 } }
    const { findings } = decoded({ objectives, scaling: { minReplicas: 1 } })
    assert.deepStrictEqual(
      findings.map(({ reason }) => reason),
      ["BudgetBelowMinimum"]
    )
    assert.include(findings[0]?.message, "pays for 0 replicas and the minimum is 1")
  })

  it("names a CPU target that nothing reads", () => {
    const scaling = { targetCpuUtilization: 50 }
    assert.deepStrictEqual(decoded({ scaling }).findings, [])
    assert.strictEqual(decoded({ scaling, signals: [rps()] }).findings[0]?.path, "spec.scaling.targetCpuUtilization")
  })
})

describe("how a ScalingPolicy acts", () => {
  it("is on the scale of its target, or on the floor of an HPA", () => {
    assert.deepStrictEqual(decoded().actuation, { _tag: "Scale" })
    const actuation = { type: "HPAFloor", name: "web" }
    assert.deepStrictEqual(decoded({ actuation }).actuation, { _tag: "HPAFloor", name: "web" })
    assert.deepStrictEqual(decoded().targets, {
      _tag: "Ref",
      target: { apiVersion: "apps/v1", kind: "Deployment", name: "web", namespace: "shop" }
    })
  })
})
