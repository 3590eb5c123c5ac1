/**
 * A whole scenario from one seed: how many operators, which policies of which kinds, sources and engines on which
 * targets, what load comes, and which faults strike. Everything is drawn, so that seeds differ in kind and not only in
 * luck; loops over the registries let what is added there take part by itself.
 */
import type { JsonObject } from "#cluster/api/json"
import { ENGINES, type EngineName } from "#engines/index"
import { KINDS } from "#schemas/crd/index"
import type { Kind } from "#schemas/Policy"
import { SOURCES, type SourceName } from "#sources/index"
import { NAMESPACE } from "#simulation/Plant"
import * as Prng from "#simulation/Prng"
import { ask, promqlOf, PROMETHEUS_URL } from "#simulation/questions"
import { type Load, PER_REPLICA, type PolicyPlan, type Scenario, type TargetPlan } from "#simulation/Scenario"
import { drawFaults } from "#simulation/storm"

export interface SwarmOptions {
  readonly seed: Prng.Seed
  readonly minutes: number
  /** At most so many; how many is drawn. */
  readonly policiesMax?: number
  /** Exactly so many, for a benchmark. */
  readonly policies?: number
  /** None, for a benchmark. */
  readonly withoutFaults?: boolean
}

const POLICIES_MAX = 10
const BUILT_SOURCES = (Object.keys(SOURCES) as ReadonlyArray<SourceName>).filter((name) => SOURCES[name].built)
const BUILT_ENGINES = (Object.keys(ENGINES) as ReadonlyArray<EngineName>).filter((name) => ENGINES[name].built)

export const scenarioOf = (options: SwarmOptions): Scenario => {
  const { minutes, seed } = options
  const prng = Prng.make(seed, "swarm")
  const count = options.policies ?? 1 + prng.below(options.policiesMax ?? POLICIES_MAX)
  const drafts = Array.from({ length: count }, (_, index) => draft(prng, index))
  const policies = drafts.flatMap(({ policy, rival }) => (rival === undefined ? [policy] : [policy, rival]))
  const operators = ["a", "b", ...(prng.chance(0.2) ? ["c"] : [])].map((name) => ({ name, skewMillis: skew(prng) }))
  return {
    seed,
    minutes,
    operators,
    latencyMillis: prng.pick([0, 5, 40]),
    targets: drafts.flatMap(({ targets }) => targets),
    policies,
    faults: options.withoutFaults === true ? [] : drawFaults(Prng.make(seed, "faults"), minutes, policies)
  }
}

const skew = (prng: Prng.Prng): number =>
  prng.chance(0.5) ? 0 : Math.round(prng.between(-1, 1) * prng.pick([200, 5_000, 120_000]))

// ---- who is there

interface Draft {
  readonly policy: PolicyPlan
  /** A younger policy on the same target. */
  readonly rival?: PolicyPlan
  readonly targets: ReadonlyArray<TargetPlan>
}

const draft = (prng: Prng.Prng, index: number): Draft => {
  // The first ones are one of each kind, so that ten policies hold all of them.
  const kind = (KINDS[index] ?? prng.pick(KINDS)).kind
  const { draw } = DRAWS[kind]
  return draw(prng, `${kind.toLowerCase().slice(0, 2)}${index}`)
}

const targetOf = (prng: Prng.Prng, name: string, change: Partial<TargetPlan> = {}): TargetPlan => {
  const high = 2 + prng.below(9)
  const load: Load = {
    pattern: prng.pick(["steady", "ramp", "spike", "diurnal", "onOff", "crowd"]),
    low: prng.below(Math.min(high, 4)),
    high,
    periodSeconds: prng.pick([60, 150, 400, 1200]) + prng.below(60)
  }
  return {
    name,
    kind: prng.chance(0.2) ? "StatefulSet" : "Deployment",
    labels: { app: name },
    replicas: 1 + prng.below(6),
    startupMillis: prng.pick([500, 5_000, 20_000, 60_000]),
    load,
    settlesAt: 2 + prng.below(5),
    hasPods: false,
    ...change
  }
}

const bounds = (prng: Prng.Prng) => ({ min: 1 + prng.below(2), max: 8 + prng.below(5) })

const plan = (
  kind: Kind,
  name: string,
  change: Pick<PolicyPlan, "spec" | "edited" | "targets" | "questions"> & Partial<PolicyPlan>
): PolicyPlan => ({ kind, name, isMemoryless: true, appearsSeconds: 0, ...change })

const scalingPolicy = (prng: Prng.Prng, name: string): Draft => {
  const shape = prng.pick([bySource, bySource, bySource, byEngine])
  const drawn = shape(prng, name)
  const { max, min } = bounds(prng)
  const scaling = { minReplicas: min, maxReplicas: max, ...prng.pick(PACES)(prng) }
  const spec: JsonObject = {
    target: { apiVersion: "apps/v1", kind: drawn.target.kind, name },
    ...(drawn.interval === undefined ? {} : { interval: drawn.interval }),
    ...(prng.chance(0.1) ? { mode: "Recommend" } : {}),
    ...drawn.spec,
    scaling
  }
  const edited: JsonObject = { ...spec, scaling: { ...scaling, minReplicas: 2, maxReplicas: 7 + prng.below(4) } }
  const { questions } = drawn
  // What only recommends leaves the replicas where anybody has put them.
  const isMemoryless = drawn.isMemoryless && spec["mode"] === undefined
  const policy = plan("ScalingPolicy", name, { spec, edited, targets: [name], questions, isMemoryless })
  if (!prng.chance(0.15)) return { policy, targets: [drawn.target] }
  const appearsSeconds = 30 + prng.below(300)
  return { policy, rival: { ...policy, name: `${name}-rival`, appearsSeconds }, targets: [drawn.target] }
}

interface Shape {
  readonly target: TargetPlan
  readonly spec: JsonObject
  readonly questions: Readonly<Record<string, string>>
  readonly isMemoryless: boolean
  readonly interval?: string
}

const bySource = (prng: Prng.Prng, name: string): Shape => {
  const source = prng.pick(BUILT_SOURCES)
  const { key, options } = ask(source, name)
  const target = source === "resource" ? { type: "AverageValue", value: "1" } : averageValue
  const falls = prng.chance(0.15)
  return {
    target: targetOf(prng, name, { hasPods: source === "resource" || source === "kafka" }),
    spec: {
      signals: [{ name: "load", [source]: options, target, ...(falls ? { onMissing: "Fallback" } : {}) }],
      ...(falls ? { fallback: { afterSeconds: 60 + prng.below(240), replicas: 3 + prng.below(5) } } : {}),
      ...(prng.chance(0.3) ? { aiConfig: { advisor: {} } } : {})
    },
    questions: { load: key },
    isMemoryless: true,
    ...(prng.chance(0.2) ? { interval: prng.pick(["5s", "30s"]) } : {})
  }
}

const averageValue: JsonObject = { type: "AverageValue", value: String(PER_REPLICA) }

/** One engine of the registry, beside `target` unless it wants to be alone, with all that any engine may ask for. */
const byEngine = (prng: Prng.Prng, name: string): Shape => {
  const engine = prng.pick(BUILT_ENGINES)
  const total = ask("prometheus", name)
  const signal = (what: Parameters<typeof ask>[2], role: string) => ({
    name: role,
    role,
    prometheus: ask("prometheus", name, what).options
  })
  const isPlain = engine === "target"
  const alone = engine === "auto" || isPlain
  return {
    target: targetOf(prng, name, { kind: "Deployment" }),
    spec: {
      signals: [
        { name: "demand", role: "demand", prometheus: total.options, target: averageValue },
        ...(isPlain
          ? []
          : [
              signal("served", "served"),
              signal("busy", "utilization"),
              signal("bad", "badFraction"),
              signal("latency", "latency")
            ])
      ],
      ...(isPlain ? {} : { objectives: { latency: { targetMs: 400 } } }),
      engines: [...(alone ? [] : [{ target: {} }]), { [engine]: isPlain ? {} : exampleOf(engine) }]
    },
    questions: { demand: total.key },
    isMemoryless: isPlain
  }
}

const STEP: JsonObject = {
  rules: [{ signal: "demand", up: { op: "gt", thresholdMilli: 60_000 }, downBelowMilli: 20_000 }],
  up: "one",
  down: "one",
  downAfterSeconds: 60
}

const exampleOf = (engine: EngineName): JsonObject =>
  engine === "step" ? STEP : (ENGINES[engine].example as JsonObject)

/** How fast a ScalingPolicy may be. */
const PACES: ReadonlyArray<(prng: Prng.Prng) => JsonObject> = [
  () => ({}),
  (prng) => ({ cooldownPeriod: 60 + prng.below(240) }),
  (prng) => ({ behavior: { scaleDown: { stabilizationWindowSeconds: prng.below(2) * 60 } } }),
  (prng) => ({
    behavior: {
      scaleUp: { policies: [{ type: "Pods", value: 1 + prng.below(3), periodSeconds: 30 + prng.below(90) }] },
      scaleDown: {
        stabilizationWindowSeconds: 0,
        selectPolicy: prng.pick(["Max", "Min"]),
        policies: [
          { type: "Pods", value: 1 + prng.below(2), periodSeconds: 60 },
          { type: "Percent", value: 50, periodSeconds: 120 }
        ]
      }
    }
  })
]

const intelligentScaling = (prng: Prng.Prng, name: string): Draft => {
  const count = 1 + prng.below(3)
  // Load that does not fall as pods are added: only its ends are calm.
  const settlesAt = prng.pick([1, 9])
  const first = targetOf(prng, name, { kind: "Deployment", labels: { group: name }, settlesAt })
  const names = Array.from({ length: count }, (_, index) => (index === 0 ? name : `${name}-${index}`))
  const targets = names.map((each) => ({ ...first, name: each, replicas: 1 + prng.below(4) }))
  const { key } = ask("prometheus", name)
  const spec: JsonObject = {
    target_labels: { group: name },
    min_replicas: 1,
    max_replicas: 4 + prng.below(3),
    ...(prng.chance(0.3) ? { ai: { advisor: true } } : {}),
    metrics_config: {
      prometheus_url: PROMETHEUS_URL,
      metrics: [{ query: promqlOf("total", name), threshold: 50, condition: "gt" }]
    }
  }
  const edited = { ...spec, max_replicas: 5, min_replicas: 2 }
  return {
    policy: plan("IntelligentScaling", name, { spec, edited, targets: names, questions: { "metrics[0]": key } }),
    targets
  }
}

const scalingRule = (prng: Prng.Prng, name: string): Draft => {
  const jumps = prng.chance(0.5)
  const { key, options } = ask("nats", name)
  const spec: JsonObject = {
    deploymentName: name,
    namespace: NAMESPACE,
    minReplicas: 1,
    maxReplicas: 8 + prng.below(4),
    scaleUpThreshold: 50,
    scaleDownThreshold: 20,
    pollIntervalSeconds: prng.pick([10, 15, 30]),
    ...(jumps ? { messagesPerReplica: PER_REPLICA } : {}),
    ...options
  }
  const edited = { ...spec, maxReplicas: 6, minReplicas: 2 }
  const target = targetOf(prng, name, { kind: "Deployment", settlesAt: jumps ? 1 : prng.pick([1, 9]) })
  return {
    policy: plan("ScalingRule", name, { spec, edited, targets: [name], questions: { backlog: key } }),
    targets: [target]
  }
}

const generalScaler = (prng: Prng.Prng, name: string): Draft => {
  const type = prng.pick(["prometheus", "redis", "pubsub", "custom"] as const)
  const source = type === "custom" ? "http" : type
  const { key, options } = ask(source, name, source === "prometheus" ? "each" : "total")
  const policy = prng.pick([undefined, "slo", "costAware"] as const)
  const { max, min } = bounds(prng)
  const target = targetOf(prng, name)
  const spec: JsonObject = {
    targetRef: { apiVersion: "apps/v1", kind: target.kind, name },
    minReplicas: min,
    maxReplicas: max,
    metric: { type, targetValue: PER_REPLICA, [type]: options },
    behavior: {
      scaleUp: { maxIncrement: 1 + prng.below(4), cooldownSeconds: prng.below(3) * 30 },
      scaleDown: { maxDecrement: 1 + prng.below(3), cooldownSeconds: prng.below(3) * 90 }
    },
    syncIntervalSeconds: prng.pick([10, 15, 30]),
    ...(policy === undefined ? {} : { policy: { type: policy, [policy]: GUARDS[policy](name) } })
  }
  const edited = { ...spec, maxReplicas: 7 + prng.below(4), minReplicas: 2 }
  const questions = { metric: key }
  return { policy: plan("GeneralScaler", name, { spec, edited, targets: [name], questions }), targets: [target] }
}

const GUARDS: Readonly<Record<"slo" | "costAware", (name: string) => JsonObject>> = {
  slo: (name) => ({ targetLatencyMs: 500, latencyQuery: promqlOf("latency", name) }),
  // Enough for a dozen pods, so that the budget is looked at and rarely decides.
  costAware: () => ({ maxMonthlyCost: 500, costPerPodPerHour: 0.05 })
}

const DRAWS: Readonly<Record<Kind, { readonly draw: (prng: Prng.Prng, name: string) => Draft }>> = {
  ScalingPolicy: { draw: scalingPolicy },
  IntelligentScaling: { draw: intelligentScaling },
  ScalingRule: { draw: scalingRule },
  GeneralScaler: { draw: generalScaler }
}
