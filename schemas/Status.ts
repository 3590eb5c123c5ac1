/** The status subresource that all four kinds share, as it stands on the wire. */
import * as Schema from "effect/Schema"
import { Action, Limiter } from "./Decision.ts"

export const Phase = Schema.Literals(["Initializing", "Learning", "Active", "Paused", "Error"])
export type Phase = typeof Phase.Type

export const ConditionType = Schema.Literals([
  "Ready",
  "MetricsAvailable",
  "ScalingActive",
  "ScalingLimited",
  "Conflict",
  "BudgetExceeded",
  "SLOObserved",
  "Degraded"
])
export type ConditionType = typeof ConditionType.Type

const described = <S extends Schema.Top>(schema: S, description: string) => schema.annotate({ description })

export const Condition = Schema.Struct({
  type: described(Schema.String, "What this condition is about, e.g. Ready."),
  status: described(Schema.Literals(["True", "False", "Unknown"]), "Whether it holds."),
  reason: described(Schema.String, "One word for the reason, stable, for programs."),
  message: described(Schema.String, "A sentence for a person: what is so, and what to do about it."),
  observedGeneration: Schema.optionalKey(described(Schema.Int, "The generation of the spec that this was said of.")),
  lastTransitionTime: described(Schema.String, "When the status last changed (RFC 3339).")
}).annotate({ description: "One aspect of the policy's health." })
export type Condition = typeof Condition.Type

export const SignalStatus = Schema.Struct({
  name: described(Schema.String, "The signal's name."),
  value: Schema.optionalKey(described(Schema.String, "The value that was read, as a quantity.")),
  target: Schema.optionalKey(described(Schema.String, "The value it is held against, as a quantity.")),
  proposal: Schema.optionalKey(described(Schema.Int, "The replicas that this signal alone would have asked for.")),
  at: Schema.optionalKey(described(Schema.String, "When the value was sampled (RFC 3339).")),
  error: Schema.optionalKey(described(Schema.String, "Why there is no value, and what to do about it."))
}).annotate({ description: "One signal as the last decision saw it." })
export type SignalStatus = typeof SignalStatus.Type

export const LastDecision = Schema.Struct({
  action: described(Action, "What was decided."),
  confidence: described(Schema.Finite, "0 to 1: how much of the target and of the signals the decision could see."),
  reasoning: described(Schema.String, "Why, in a sentence."),
  engine: Schema.optionalKey(described(Schema.String, "The engine whose proposal won.")),
  limitedBy: Schema.optionalKey(
    Schema.Array(described(Limiter, "The name of a limiter that changed the proposal.")).annotate({
      description: "The limiters that changed the proposal, in their order."
    })
  )
}).annotate({ description: "The latest decision." })
export type LastDecision = typeof LastDecision.Type

export const DecisionSummary = Schema.Struct({
  at: described(Schema.String, "When it was decided (RFC 3339)."),
  target: Schema.optionalKey(described(Schema.String, "The workload, where a policy has several.")),
  from: described(Schema.Int, "Replicas before."),
  recommended: Schema.optionalKey(described(Schema.Int, "Replicas proposed, before limiters.")),
  to: described(Schema.Int, "Replicas decided."),
  outcome: described(Schema.String, "What came of it: Unchanged, Withheld, Scaled, Refused, Unknown or Recovered."),
  reason: described(Schema.String, "Why, in a sentence."),
  limitedBy: Schema.optionalKey(Schema.Array(Limiter).annotate({ description: "Limiters that changed the proposal." })),
  traceId: Schema.optionalKey(described(Schema.String, "The trace of this decision."))
}).annotate({ description: "One of the last decisions." })
export type DecisionSummary = typeof DecisionSummary.Type

export const TargetStatus = Schema.Struct({
  name: described(Schema.String, "The workload's name."),
  kind: described(Schema.String, "The workload's kind."),
  currentReplicas: Schema.optionalKey(described(Schema.Int, "Replicas asked for now (spec.replicas of the target).")),
  targetReplicas: Schema.optionalKey(described(Schema.Int, "Replicas that the last decision wants.")),
  recommendedReplicas: Schema.optionalKey(described(Schema.Int, "Replicas proposed, before limiters.")),
  lastScalingTime: Schema.optionalKey(described(Schema.String, "When we last scaled it (RFC 3339).")),
  reason: Schema.optionalKey(described(Schema.String, "The last decision's reason."))
}).annotate({ description: "One workload of a policy that selects several." })
export type TargetStatus = typeof TargetStatus.Type

/** Commitments that must survive a crash: written with the decision, read back by the next leader. */
export const Commitments = Schema.Struct({
  target: described(Schema.String, "The workload, as kind/name."),
  lastUpTime: Schema.optionalKey(described(Schema.String, "When we last scaled up (RFC 3339, with milliseconds).")),
  lastWriteTime: Schema.optionalKey(described(Schema.String, "When we last scaled (RFC 3339, with milliseconds).")),
  lastWritten: Schema.optionalKey(described(Schema.Int, "The replicas that we last wrote.")),
  rescales: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({
        at: described(Schema.String, "When (RFC 3339, with milliseconds)."),
        change: described(Schema.Int, "By how many replicas; negative is down.")
      }).annotate({ description: "One rescale." })
    ).annotate({ description: "Rescales that the rate policies still count." })
  )
}).annotate({ description: "What we did to one workload, for cooldowns and rate limits." })
export type Commitments = typeof Commitments.Type

export const Status = Schema.Struct({
  phase: Schema.optionalKey(
    described(Phase, "Where the policy stands: Initializing, Learning, Active, Paused or Error.")
  ),
  observedGeneration: Schema.optionalKey(
    described(Schema.Int, "The generation of the spec that this status is about.")
  ),
  currentReplicas: Schema.optionalKey(described(Schema.Int, "Replicas asked for now (spec.replicas of the target).")),
  targetReplicas: Schema.optionalKey(described(Schema.Int, "Replicas that the last decision wants.")),
  recommendedReplicas: Schema.optionalKey(described(Schema.Int, "Replicas proposed, before limiters.")),
  target: Schema.optionalKey(described(Schema.String, "The workload that is scaled, as kind/name.")),
  lastScalingTime: Schema.optionalKey(described(Schema.String, "When we last scaled the target (RFC 3339).")),
  lastDecision: Schema.optionalKey(LastDecision),
  metrics: Schema.optionalKey(
    Schema.Struct({
      totalDecisions: described(Schema.Int, "Decisions in the last 24 hours."),
      successfulDecisions: described(Schema.Int, "Those that were neither refused nor left unknown."),
      successRate: described(Schema.Finite, "Their share, 0 to 1."),
      averageReward: Schema.optionalKey(described(Schema.Finite, "Mean reward, where learning is on."))
    }).annotate({ description: "How the policy has done over the last 24 hours." })
  ),
  signals: Schema.optionalKey(Schema.Array(SignalStatus).annotate({ description: "The signals as last read." })),
  decisions: Schema.optionalKey(Schema.Array(DecisionSummary).annotate({ description: "The last 10 decisions." })),
  targets: Schema.optionalKey(
    Schema.Array(TargetStatus).annotate({ description: "One row per workload, for a policy that selects several." })
  ),
  commitments: Schema.optionalKey(Schema.Array(Commitments).annotate({ description: "Rescales that still count." })),
  conditions: Schema.optionalKey(Schema.Array(Condition).annotate({ description: "Conditions, one of each type." }))
}).annotate({ description: "What the operator saw and did. Written by the operator only." })
export type Status = typeof Status.Type
