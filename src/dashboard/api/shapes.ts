/** What the API answers with and what it is asked, as the page and OpenAPI know it. Absent stays absent: no field has a stand-in. */
import * as Schema from "effect/Schema"
import { Action, Limiter } from "#schemas/Decision"
import { Kind, MetricTarget, Policy, Role } from "#schemas/Policy"
import { Millis } from "#schemas/Reading"
import { Condition, Phase } from "#schemas/Status"

const optional = Schema.optionalKey

/** Null where the course has a gap. */
const Course = Schema.Array(Schema.NullOr(Schema.Finite))

export const Leadership = Schema.Struct({
  leading: Schema.Boolean,
  holder: optional(Schema.String.annotate({ description: "Who holds the Lease, as far as is known." }))
})

export const SignalNow = Schema.Struct({
  name: Schema.String,
  value: optional(Schema.String.annotate({ description: "As a quantity; absent while it is not known." })),
  target: optional(Schema.String),
  perPod: Schema.Boolean.annotate({
    description: "Whether the target is for each pod, and the value for all of them."
  }),
  error: optional(Schema.String.annotate({ description: "Why the value is not known, or not to be believed." }))
})
export type SignalNow = typeof SignalNow.Type

export const Row = Schema.Struct({
  uid: Schema.String,
  kind: Kind,
  namespace: Schema.String,
  name: Schema.String,
  phase: Phase,
  mode: Schema.Literals(["Active", "Recommend", "Paused"]),
  targets: Schema.Array(Schema.String).annotate({ description: "The workloads, as kind/name; at most three of them." }),
  targetCount: Schema.Int,
  now: optional(Schema.Int.annotate({ description: "Replicas that are asked for now." })),
  wanted: optional(Schema.Int.annotate({ description: "Replicas that the last decision wants, after limiters." })),
  recommended: optional(Schema.Int.annotate({ description: "Replicas proposed, before limiters." })),
  min: optional(Schema.Int),
  max: optional(Schema.Int),
  signals: Schema.Array(SignalNow).annotate({ description: "The first three." }),
  signalCount: Schema.Int,
  action: optional(Action),
  reason: optional(Schema.String),
  engine: optional(Schema.String),
  limitedBy: optional(Schema.Array(Limiter)),
  scaledAt: optional(Schema.String.annotate({ description: "When the operator last scaled it (RFC 3339)." })),
  wrong: Schema.Array(Schema.Struct({ type: Schema.String, reason: Schema.String, message: Schema.String })).annotate({
    description: "The conditions that are not as one would like them."
  }),
  replicas: Course.annotate({ description: "The replicas at the last ticks that are held, oldest first." }),
  signal: Course.annotate({ description: "The first signal at the same ticks." }),
  at: Millis.annotate({ description: "When it was last looked at." })
})
export type Row = typeof Row.Type

export const Component = Schema.Struct({
  name: Schema.String,
  healthy: optional(Schema.Boolean),
  detail: Schema.String
})

const standing = {
  leadership: Leadership,
  waitingFor: Schema.Array(Schema.String).annotate({ description: "What readiness still waits for." }),
  components: Schema.Array(Component)
}
export type Standing = Schema.Struct<typeof standing>["Type"]

export const Fleet = Schema.Struct({
  version: Schema.String,
  at: Millis,
  ...standing,
  cursor: Schema.String.annotate({ description: "Where the stream goes on: /api/v1/stream?after=" }),
  rows: Schema.Array(Row)
})
export type Fleet = typeof Fleet.Type

/** One event of the stream. */
export const Change = Schema.Struct({
  at: Millis,
  ...standing,
  rows: Schema.Array(Row),
  gone: Schema.Array(Schema.String).annotate({ description: "The uids of policies that are not there any more." })
})
export type Change = typeof Change.Type

export const Story = Schema.Struct({
  id: Schema.String,
  at: Millis,
  upshot: Schema.String,
  seen: Schema.Array(Schema.String),
  proposed: Schema.Array(Schema.String),
  limited: Schema.Array(Schema.String),
  decided: Schema.String,
  written: Schema.String,
  then: optional(Schema.String),
  traceId: optional(Schema.String),
  replayed: optional(Schema.String),
  outcome: Schema.String,
  repeats: Schema.Int.annotate({ description: "So many ticks after it came to the same, and are not told." })
})
export type Story = typeof Story.Type

export const Stories = Schema.Struct({ target: optional(Schema.String), stories: Schema.Array(Story) })
export type Stories = typeof Stories.Type

const ChartSignal = Schema.Struct({
  name: Schema.String,
  role: optional(Role),
  target: optional(MetricTarget),
  values: Course
})

export const History = Schema.Struct({
  source: Schema.Literals(["records", "prometheus"]),
  target: optional(Schema.String),
  targets: Schema.Array(Schema.String),
  at: Schema.Array(Millis),
  current: Course,
  ready: Course,
  desired: Course,
  recommended: Course,
  min: Course,
  max: Course,
  signals: Schema.Array(ChartSignal),
  marks: Schema.Array(
    Schema.Struct({ at: Millis, id: Schema.String, outcome: Schema.String, from: Schema.Int, to: Schema.Int })
  ),
  note: optional(Schema.String.annotate({ description: "Why there is less than was asked for." }))
})
export type History = typeof History.Type

export const Forecast = Schema.Struct({
  engine: Schema.String,
  unit: Schema.String,
  points: Schema.Array(Schema.Struct({ at: Millis, value: Schema.Finite })),
  errorMean: optional(Schema.Finite.annotate({ description: "Mean of the past errors, as a share of what came." })),
  band: optional(Schema.Finite.annotate({ description: "Nine in ten past errors were within this share." })),
  errors: Schema.Int.annotate({ description: "So many past forecasts could be held against what came." })
})

export const Learning = Schema.Struct({
  epsilon: optional(Schema.Finite),
  averageReward: optional(Schema.Finite),
  transitions: optional(Schema.Int),
  steering: optional(Schema.Boolean),
  facts: Schema.Array(Schema.Struct({ name: Schema.String, value: Schema.String }))
})

export const Cost = Schema.Struct({
  perPodPerHour: Schema.Finite,
  hours: Schema.Finite.annotate({ description: "The time that the records cover." }),
  spent: Schema.Finite,
  atMaximum: Schema.Finite.annotate({ description: "What maxReplicas would have cost all that time." }),
  maxMonthly: optional(Schema.Finite)
})

export const Detail = Schema.Struct({
  row: Row,
  leadership: Leadership,
  at: Millis,
  conditions: Schema.Array(Condition),
  engines: Schema.Array(Schema.String),
  choices: Schema.Array(Schema.String).annotate({ description: "Engines that a what-if may ask for." }),
  modeCanBeSet: Schema.Boolean.annotate({
    description: "Whether this operator can ask its cluster for another mode in somebody's name."
  }),
  signals: Schema.Array(
    Schema.Struct({
      name: Schema.String,
      source: Schema.String,
      role: optional(Role),
      target: optional(MetricTarget)
    })
  ),
  facts: Schema.Array(Schema.Struct({ name: Schema.String, value: Schema.String })).annotate({
    description: "What else the policy says, in words."
  }),
  metrics: optional(
    Schema.Struct({ totalDecisions: Schema.Int, successfulDecisions: Schema.Int, successRate: Schema.Finite })
  ),
  forecast: optional(Forecast),
  learning: optional(Learning),
  cost: optional(Cost)
})
export type Detail = typeof Detail.Type

export const WhatIfQuestion = Schema.Struct({
  target: optional(Schema.String.annotate({ description: "Which workload, as kind/name, where there are several." })),
  min: optional(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100_000 }))),
  max: optional(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100_000 }))),
  engine: optional(Schema.String.annotate({ description: "An engine of this operator, in the place of all others." })),
  signals: optional(
    Schema.Array(Schema.Struct({ name: Schema.String, milli: Schema.Int.check(Schema.isGreaterThan(0)) })).annotate({
      description: "Other targets: in thousandths, and in percent for Utilization."
    })
  )
})
export type WhatIfQuestion = typeof WhatIfQuestion.Type

export const WhatIfAnswer = Schema.Struct({
  target: Schema.String,
  at: Schema.Array(Millis),
  recorded: Course,
  replicas: Course,
  desired: Course,
  min: Schema.Int,
  max: Schema.Int,
  assumptions: Schema.Array(Schema.String),
  recordedPodHours: Schema.Finite,
  podHours: Schema.Finite,
  recordedChanges: Schema.Int,
  changes: Schema.Int,
  yaml: Schema.String.annotate({ description: "The patch that would make it so; empty where nothing is changed." }),
  command: Schema.String
})
export type WhatIfAnswer = typeof WhatIfAnswer.Type

export const Activity = Schema.Struct({
  id: Schema.String,
  at: Millis,
  kind: Kind,
  namespace: Schema.String,
  policy: Schema.String,
  target: Schema.String,
  outcome: Schema.String,
  action: Action,
  from: Schema.Int,
  to: Schema.Int,
  engine: Schema.String,
  limitedBy: Schema.Array(Limiter),
  reason: Schema.String,
  message: optional(Schema.String)
})
export type Activity = typeof Activity.Type

export const Activities = Schema.Struct({ at: Millis, leadership: Leadership, activity: Schema.Array(Activity) })

export type Activities = typeof Activities.Type

export const Records = Schema.Struct({ policies: Schema.Array(Policy), records: Schema.Array(Schema.Unknown) })

export const ActionAnswer = Schema.Struct({ done: Schema.String })
