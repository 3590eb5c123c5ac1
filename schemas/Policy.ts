/**
 * The canonical policy: what all four kinds decode into, with every default resolved, so that one `decide`
 * serves them all. Quantities are integers in milli-units, durations in the unit their name ends with.
 */
import * as Schema from "effect/Schema"
import { Millis } from "./Reading.ts"

export const Kind = Schema.Literals(["ScalingPolicy", "IntelligentScaling", "ScalingRule", "GeneralScaler"])
export type Kind = typeof Kind.Type

export const PolicyRef = Schema.Struct({
  kind: Kind,
  apiVersion: Schema.String,
  namespace: Schema.String,
  name: Schema.String,
  uid: Schema.String,
  generation: Schema.Int,
  /** Age decides who owns a target that two policies name. */
  createdAt: Millis
})
export type PolicyRef = typeof PolicyRef.Type

export const Target = Schema.Struct({
  apiVersion: Schema.String,
  kind: Schema.String,
  namespace: Schema.String,
  name: Schema.String
})
export type Target = typeof Target.Type

export const TargetSelector = Schema.Union([
  Schema.TaggedStruct("Ref", { target: Target }),
  /** IntelligentScaling: up to `limit` Deployments of the namespace that carry all of these labels. */
  Schema.TaggedStruct("Labels", {
    namespace: Schema.String,
    labels: Schema.Record(Schema.String, Schema.String),
    limit: Schema.Int
  })
])
export type TargetSelector = typeof TargetSelector.Type

export const TargetType = Schema.Literals(["Value", "AverageValue", "Utilization"])
export type TargetType = typeof TargetType.Type

/** Utilization in percent; the others in milli-units of the metric. */
export const MetricTarget = Schema.Struct({ type: TargetType, milli: Schema.Int })
export type MetricTarget = typeof MetricTarget.Type

export const Role = Schema.Literals([
  "demand",
  "served",
  "utilization",
  "concurrency",
  "backlog",
  "age",
  "latency",
  "errorRate",
  "badFraction"
])
export type Role = typeof Role.Type

export const Signal = Schema.Struct({
  name: Schema.String,
  /** A key of the source registry; only that plug understands `options`. */
  source: Schema.String,
  options: Schema.Unknown,
  /** Absent: observed and shown, proposes nothing. */
  target: Schema.optionalKey(MetricTarget),
  role: Schema.optionalKey(Role),
  onEmpty: Schema.Literals(["Missing", "Zero"]),
  onMissing: Schema.Literals(["Hold", "Fallback"]),
  maxSampleAgeMillis: Schema.optionalKey(Schema.Int),
  worksAtZero: Schema.Boolean,
  /** Nobody wrote it down: its target is `scaling.targetCpuUtilization` of the spec. */
  isDefault: Schema.optionalKey(Schema.Boolean)
})
export type Signal = typeof Signal.Type

/** A key of the engine registry and the options that only that plug understands. */
export const EngineSpec = Schema.Struct({ engine: Schema.String, options: Schema.Unknown })
export type EngineSpec = typeof EngineSpec.Type

export const ScalingRules = Schema.Struct({
  stabilizationSeconds: Schema.Int,
  selectPolicy: Schema.Literals(["Max", "Min", "Disabled"]),
  policies: Schema.Array(
    Schema.Struct({
      type: Schema.Literals(["Pods", "Percent"]),
      value: Schema.Int,
      periodSeconds: Schema.Int
    })
  )
})
export type ScalingRules = typeof ScalingRules.Type

/**
 * How fast replicas may move.
 * Behavior: the HPA's own rules, each side already defaulted. Absent: the HPA's path for an object without
 * `behavior` (300 s window down, at most max(2 x current, 4) up). Windows: only stabilization windows, for the
 * kinds that know no rates.
 */
export const Rates = Schema.Union([
  Schema.TaggedStruct("Behavior", { scaleUp: ScalingRules, scaleDown: ScalingRules }),
  Schema.TaggedStruct("Absent", { downSeconds: Schema.Int }),
  Schema.TaggedStruct("Windows", { upSeconds: Schema.Int, downSeconds: Schema.Int })
])
export type Rates = typeof Rates.Type

export const Limits = Schema.Struct({
  rates: Rates,
  /** The up cooldown counts from the last up; the down cooldown from the last write in either direction. */
  cooldown: Schema.Struct({ upSeconds: Schema.Int, downSeconds: Schema.Int }),
  /** Largest change of one write. */
  step: Schema.Struct({ up: Schema.optionalKey(Schema.Int), down: Schema.optionalKey(Schema.Int) }),
  /** Thousandths: 100 is the HPA's 0.1. */
  toleranceMilli: Schema.Struct({ up: Schema.Int, down: Schema.Int })
})
export type Limits = typeof Limits.Type

export const Pause = Schema.Struct({
  direction: Schema.Literals(["Both", "Up", "Down"]),
  /** Held at this count while paused in both directions. */
  replicas: Schema.optionalKey(Schema.Int),
  until: Schema.optionalKey(Millis),
  reason: Schema.optionalKey(Schema.String)
})
export type Pause = typeof Pause.Type

export const Schedule = Schema.Struct({
  name: Schema.String,
  /** Five-field cron expressions in `timeZone`. */
  start: Schema.String,
  end: Schema.String,
  timeZone: Schema.String,
  floor: Schema.optionalKey(Schema.Int),
  ceiling: Schema.optionalKey(Schema.Int)
})
export type Schedule = typeof Schedule.Type

/** Objectives that ask a question of their own name a signal; it is in `signals` under that name. */
export const Objectives = Schema.Struct({
  latency: Schema.optionalKey(
    Schema.Struct({ signal: Schema.optionalKey(Schema.String), targetMs: Schema.Finite, goodFraction: Schema.Finite })
  ),
  errorRate: Schema.optionalKey(Schema.Struct({ signal: Schema.optionalKey(Schema.String), target: Schema.Finite })),
  queue: Schema.optionalKey(Schema.Struct({ drainSeconds: Schema.Finite })),
  cost: Schema.optionalKey(
    Schema.Struct({
      maxMonthlyCost: Schema.Finite,
      costPerPodPerHour: Schema.Finite,
      preferredScaleDirection: Schema.Literals(["up", "down", "balanced"])
    })
  ),
  startupSeconds: Schema.optionalKey(Schema.Finite)
})
export type Objectives = typeof Objectives.Type

export const Safety = Schema.Struct({
  rolloutGuard: Schema.Boolean,
  disruptionFloor: Schema.Boolean,
  rollback: Schema.Boolean,
  freezeOnFailingPods: Schema.Boolean
})
export type Safety = typeof Safety.Type

export const QLearning = Schema.Struct({
  learningRate: Schema.Finite,
  discountFactor: Schema.Finite,
  epsilonStart: Schema.Finite,
  epsilonEnd: Schema.Finite,
  epsilonDecay: Schema.Finite,
  exploration: Schema.Literals(["Shadow", "Bounded"])
})
export type QLearning = typeof QLearning.Type

/** A sentence for the person who wrote the object: nothing is refused, but it should be known. */
export const Finding = Schema.Struct({
  reason: Schema.Literals(["NotBuilt", "InlineSecret", "SLONotConfigured", "BudgetBelowMinimum", "Unused"]),
  path: Schema.String,
  message: Schema.String
})
export type Finding = typeof Finding.Type

export const Policy = Schema.Struct({
  ref: PolicyRef,
  targets: TargetSelector,
  bounds: Schema.Struct({ min: Schema.Int, max: Schema.Int }),
  intervalMillis: Schema.Int,
  mode: Schema.Literals(["Active", "Recommend", "Paused"]),
  pause: Schema.optionalKey(Pause),
  signals: Schema.Array(Signal),
  engines: Schema.Array(EngineSpec),
  limits: Limits,
  objectives: Objectives,
  schedules: Schema.Array(Schedule),
  fallback: Schema.optionalKey(Schema.Struct({ afterSeconds: Schema.Int, replicas: Schema.Int })),
  actuation: Schema.Union([Schema.TaggedStruct("Scale", {}), Schema.TaggedStruct("HPAFloor", { name: Schema.String })]),
  safety: Safety,
  qLearning: Schema.optionalKey(QLearning),
  findings: Schema.Array(Finding)
})
export type Policy = typeof Policy.Type

/** Why an object that the API server accepted still cannot be run: becomes Ready=False. */
export const Refusal = Schema.Struct({
  reason: Schema.Literals([
    "InvalidSpec",
    "CrossNamespace",
    "UnknownSource",
    "UnknownEngine",
    "InvalidOptions",
    "TooManyTargets"
  ]),
  path: Schema.String,
  message: Schema.String
})
export type Refusal = typeof Refusal.Type
