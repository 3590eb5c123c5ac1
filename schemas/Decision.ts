/**
 * The audit record: what was seen, what was proposed, what limited it, what came of it. Status, Event, span,
 * metrics and activity log are views of it, and `explain` re-runs it.
 */
import * as Schema from "effect/Schema"
import { Memory } from "./Memory.ts"
import { Observation } from "./Observation.ts"
import { PolicyRef } from "./Policy.ts"
import { Millis } from "./Reading.ts"

export const Proposal = Schema.Struct({
  engine: Schema.String,
  /** The signal it speaks for; absent for an engine that weighs several. */
  signal: Schema.optionalKey(Schema.String),
  /**
   * Absent: the engine could not propose. With a signal: because that signal cannot be used, and then nothing may be
   * lowered; without: because it is still learning, which holds nothing up.
   */
  replicas: Schema.optionalKey(Schema.Int),
  /** True where the value may only raise, e.g. an upward refill or a fallback. */
  raiseOnly: Schema.Boolean,
  /**
   * Absent: one voice among others, the largest wins. Replaces: stands for the largest, within 20 % of it. Advises:
   * may add one pod or 25 % to it, and never takes any away. Tries: may keep the one pod that is given up, for a tick.
   */
  standing: Schema.optionalKey(Schema.Literals(["Replaces", "Advises", "Tries"])),
  /** What it would have asked for, had it a say. */
  shadow: Schema.optionalKey(Schema.Int),
  reason: Schema.String
})
export type Proposal = typeof Proposal.Type

/** Names that users see in `limitedBy`; spec.md section 3. */
export const Limiter = Schema.Literals([
  "ScaleUpStabilized",
  "ScaleDownStabilized",
  "ScaleUpLimit",
  "ScaleDownLimit",
  "TooFewReplicas",
  "TooManyReplicas",
  "SignalMissing",
  "Cooldown",
  "CostCap",
  "Schedule",
  "SLOGuard",
  "DisruptionFloor",
  "Rollout",
  "Paused",
  "Frozen",
  "RolledBack"
])
export type Limiter = typeof Limiter.Type

export const Step = Schema.Struct({
  limiter: Limiter,
  before: Schema.Int,
  after: Schema.Int,
  reason: Schema.String
})
export type Step = typeof Step.Type

export const Action = Schema.Literals(["scale_up", "scale_down", "no_action"])
export type Action = typeof Action.Type

export const Decision = Schema.Struct({
  proposals: Schema.Array(Proposal),
  /** Before limiters. Absent: no engine could propose. */
  recommended: Schema.optionalKey(Schema.Int),
  steps: Schema.Array(Step),
  desired: Schema.Int,
  action: Action,
  limitedBy: Schema.Array(Limiter),
  /** The engine whose proposal won; "bounds" for a snap, "hold" when nothing could propose. */
  engine: Schema.String,
  reason: Schema.String,
  /** 0..1: share of the target's pods and signals that the decision could see. */
  confidence: Schema.Finite
})
export type Decision = typeof Decision.Type

export const Outcome = Schema.Union([
  Schema.TaggedStruct("Unchanged", {}),
  /** Computed and published, not written. */
  Schema.TaggedStruct("Withheld", {
    why: Schema.Literals(["Recommend", "Paused", "Conflict", "NotLeader", "Frozen"]),
    message: Schema.String
  }),
  Schema.TaggedStruct("Scaled", { from: Schema.Int, to: Schema.Int, resourceVersion: Schema.String }),
  /** The API server said no. */
  Schema.TaggedStruct("Refused", { reason: Schema.String, message: Schema.String }),
  /** Sent, and no answer could be had, not even by reading back. */
  Schema.TaggedStruct("Unknown", { message: Schema.String }),
  /** A write of an earlier leader whose record died with it. */
  Schema.TaggedStruct("Recovered", { from: Schema.Int, to: Schema.Int, by: Schema.String })
])
export type Outcome = typeof Outcome.Type

export const DecisionRecord = Schema.Struct({
  version: Schema.Literal(1),
  /** Unique per policy and tick; also the write's decision id. */
  id: Schema.String,
  policy: PolicyRef,
  traceId: Schema.optionalKey(Schema.String),
  observation: Observation,
  /** As it was before the decision, so that the decision can be run again. */
  memory: Memory,
  decision: Decision,
  outcome: Outcome,
  finishedAt: Millis
})
export type DecisionRecord = typeof DecisionRecord.Type
