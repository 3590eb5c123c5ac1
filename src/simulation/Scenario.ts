/** One run as data: who is there, what comes, and what goes wrong. It is kept with a failure and replayed from there. */
import * as Schema from "effect/Schema"
import { Fault } from "#simulation/Fault"

/** How many replicas the load of a target needs, over time. */
export const Load = Schema.Struct({
  pattern: Schema.Literals(["steady", "ramp", "spike", "diurnal", "onOff", "crowd"]),
  low: Schema.Int,
  high: Schema.Int,
  periodSeconds: Schema.Int
})
export type Load = typeof Load.Type

export const TargetPlan = Schema.Struct({
  name: Schema.String,
  kind: Schema.Literals(["Deployment", "StatefulSet"]),
  labels: Schema.Record(Schema.String, Schema.String),
  replicas: Schema.Int,
  startupMillis: Schema.Int,
  load: Load,
  /** What the load needs for good when the faults have ended. */
  settlesAt: Schema.Int,
  /** Its pods are objects of their own, for what is measured pod by pod. */
  hasPods: Schema.Boolean
})
export type TargetPlan = typeof TargetPlan.Type

export const PolicyPlan = Schema.Struct({
  kind: Schema.String,
  name: Schema.String,
  spec: Schema.JsonObject,
  /** After the edit, where there is one. */
  edited: Schema.JsonObject,
  /** Names of the targets that it may write. */
  targets: Schema.Array(Schema.String),
  /** What each signal that steers asks the world. */
  questions: Schema.Record(Schema.String, Schema.String),
  /** Where it ends depends on nothing but what is there at the end. */
  isMemoryless: Schema.Boolean,
  /** Since the start. */
  appearsSeconds: Schema.Int
})
export type PolicyPlan = typeof PolicyPlan.Type

export const Scenario = Schema.Struct({
  seed: Schema.Union([Schema.Int, Schema.String]),
  /** Of faults; the time to converge comes on top. */
  minutes: Schema.Finite,
  /** One each; how far its wall clock is off. */
  operators: Schema.Array(Schema.Struct({ name: Schema.String, skewMillis: Schema.Int })),
  /** The most that a request takes when nothing is wrong. */
  latencyMillis: Schema.Int,
  targets: Schema.Array(TargetPlan),
  policies: Schema.Array(PolicyPlan),
  faults: Schema.Array(Fault)
})
export type Scenario = typeof Scenario.Type

/** What one replica of every target carries. */
export const PER_REPLICA = 10

export const needAt = ({ high, low, pattern, periodSeconds }: Load, seconds: number): number => {
  const phase = (seconds % periodSeconds) / periodSeconds
  switch (pattern) {
    case "steady":
      return high
    case "ramp":
      return low + (high - low) * phase
    case "spike":
      return phase < 0.1 ? high : low
    case "diurnal":
      return low + ((high - low) * (1 - Math.cos(2 * Math.PI * phase))) / 2
    case "onOff":
      return phase < 0.5 ? high : low
    case "crowd":
      return phase < 0.3 ? low : low + (high - low) * Math.exp(-(phase - 0.3) * 5)
  }
}
