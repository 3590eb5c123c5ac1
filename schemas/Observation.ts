/** Everything one decision may look at, gathered before it: replicas, readings, time and a seed. */
import * as Schema from "effect/Schema"
import { Target } from "./Policy.ts"
import { Millis, Reading } from "./Reading.ts"

export const TargetState = Schema.Struct({
  /** spec.replicas: what somebody asked for. The HPA's "current". */
  specReplicas: Schema.Int,
  /** status.replicas: what exists, surge pods included. */
  statusReplicas: Schema.Int,
  /** Running and Ready. */
  readyReplicas: Schema.Int,
  resourceVersion: Schema.String,
  /** A rollout is under way and has not passed its progress deadline. */
  rollingOut: Schema.Boolean,
  /** The largest absolute minAvailable of a PodDisruptionBudget that covers the pods. */
  disruptionFloor: Schema.optionalKey(Schema.Int),
  /** Newly made pods stay unschedulable or crash: since when. */
  failingPodsSince: Schema.optionalKey(Millis),
  /** Another autoscaler or an older policy holds this target: nothing is written. */
  conflict: Schema.optionalKey(
    Schema.Struct({ reason: Schema.Literals(["AlreadyManaged", "OtherAutoscaler"]), message: Schema.String })
  )
})
export type TargetState = typeof TargetState.Type

export const SignalReading = Schema.Struct({ signal: Schema.String, reading: Reading })
export type SignalReading = typeof SignalReading.Type

/** What a language model has said about the target: judged already, and no more than a word among others. */
export const Advice = Schema.Struct({
  /** What it was told is as old as this. */
  askedAt: Millis,
  replicas: Schema.Int,
  horizonSeconds: Schema.Int,
  /** As sure as it says it is. */
  confidencePercent: Schema.Int,
  /** Its own words, cut short and without control characters: shown as a quotation, and nowhere else. */
  reasoning: Schema.String
})
export type Advice = typeof Advice.Type

export const Observation = Schema.Struct({
  at: Millis,
  target: Target,
  state: TargetState,
  readings: Schema.Array(SignalReading),
  advice: Schema.optionalKey(Advice),
  /** The only source of chance that an engine has. */
  seed: Schema.Int
})
export type Observation = typeof Observation.Type
