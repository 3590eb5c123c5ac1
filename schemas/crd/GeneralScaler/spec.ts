/** The GeneralScaler as it stands on the wire. */
import * as Schema from "effect/Schema"
import type { Rule } from "../Crd.ts"
import {
  above,
  commonFields,
  cost,
  defaulted,
  described,
  fraction,
  int,
  promql,
  rules,
  targetRef
} from "../Crd/fields.ts"
import { withPlug, worksAtZeroRule } from "../Crd/plugs.ts"

/** The name of each metric type, and the source that reads it. */
export const METRIC_SOURCES = { prometheus: "prometheus", redis: "redis", pubsub: "pubsub", custom: "http" } as const

const TYPES = ["prometheus", "redis", "pubsub", "custom"] as const

/** Fields of the metric that are not its source. */
export const metricFields = {
  type: described(
    Schema.Literals(TYPES),
    "Where the metric comes from; the field of the same name says how. custom is a number out of any JSON endpoint."
  ),
  targetValue: above("What the metric is held at.", 0),
  targetType: Schema.optionalKey(
    described(
      Schema.Literals(["Value", "AverageValue"]),
      "Value: the metric is already per pod, and is held at targetValue. AverageValue: the metric is a total, and each pod's share is held at targetValue. Absent: Value for prometheus, AverageValue for redis, pubsub and custom."
    )
  )
}

const metric = withPlug(
  metricFields,
  { registry: "sources", names: METRIC_SOURCES },
  {
    description: "The one metric that is watched, and what to hold it at.",
    ...rules(
      ...TYPES.map((type) => ({
        rule: `has(self.${type}) == (self.type == '${type}')`,
        message: `the field ${type} belongs to type ${type}: name exactly the one that type says`
      }))
    )
  }
)

const slo = Schema.Struct({
  targetLatencyMs: Schema.optionalKey(above("Milliseconds that a request may take.", 0)),
  targetErrorRate: Schema.optionalKey(fraction("Share of the requests that may fail, 0 to 1.")),
  latencyQuery: Schema.optionalKey(
    promql(
      "PromQL whose value is the latency in milliseconds, asked where metric.prometheus is, else of the operator's own Prometheus. Absent: latency is not watched, and the condition SLOObserved says so."
    )
  ),
  errorQuery: Schema.optionalKey(
    promql(
      "PromQL whose value is the share of failed requests, 0 to 1, asked where metric.prometheus is, else of the operator's own Prometheus. Absent: errors are not watched, and the condition SLOObserved says so."
    )
  )
}).annotate({
  description: "Objectives. More replicas are added while one is missed, and none is taken away near its limit.",
  ...rules(
    {
      rule: "has(self.targetLatencyMs) || has(self.targetErrorRate)",
      message: "name targetLatencyMs, targetErrorRate or both"
    },
    {
      rule: "!has(self.latencyQuery) || has(self.targetLatencyMs)",
      message: "latencyQuery needs a targetLatencyMs to be held against",
      fieldPath: ".latencyQuery"
    },
    {
      rule: "!has(self.errorQuery) || has(self.targetErrorRate)",
      message: "errorQuery needs a targetErrorRate to be held against",
      fieldPath: ".errorQuery"
    }
  )
})

const policy = Schema.Struct({
  type: described(
    Schema.Literals(["slo", "costAware"]),
    "slo guards latency and errors; costAware stays within a budget. Both scale in proportion to the metric besides."
  ),
  slo: Schema.optionalKey(slo),
  costAware: Schema.optionalKey(cost)
}).annotate({
  description: "What to mind beyond the metric. Absent: replicas are simply in proportion to the metric.",
  ...rules(
    ...["slo", "costAware"].map((type) => ({
      rule: `has(self.${type}) == (self.type == '${type}')`,
      message: `the field ${type} belongs to type ${type}: name exactly the one that type says`
    }))
  )
})

const scaleUp = Schema.Struct({
  maxIncrement: Schema.optionalKey(int("Most pods that one step may add. Absent: any number.", 1)),
  cooldownSeconds: defaulted(int("Seconds after a step up before the next one.", 0, 86_400), 0)
}).annotate({ description: "Scaling up." })

const scaleDown = Schema.Struct({
  maxDecrement: Schema.optionalKey(int("Most pods that one step may take away. Absent: any number.", 1)),
  cooldownSeconds: defaulted(int("Seconds after a step in either direction before one down.", 0, 86_400), 300)
}).annotate({ description: "Scaling down." })

export const wire = Schema.Struct({
  targetRef,
  minReplicas: defaulted(int("Smallest number of replicas. 0 needs a metric that is true with no pod running.", 0), 1),
  maxReplicas: int("Largest number of replicas.", 1),
  metric,
  policy: Schema.optionalKey(policy),
  behavior: Schema.optionalKey(
    Schema.Struct({ scaleUp: Schema.optionalKey(scaleUp), scaleDown: Schema.optionalKey(scaleDown) }).annotate({
      description: "How large a step may be and how long to wait after it. Absent: any step, 0 s up, 300 s down."
    })
  ),
  syncIntervalSeconds: defaulted(int("Seconds between two decisions.", 1, 3600), 30),
  ...commonFields
}).annotate({ description: "What to scale, by which metric, and within which policy." })
export type Spec = typeof wire.Type

export const specRules: ReadonlyArray<Rule> = [
  {
    rule: "self.minReplicas <= self.maxReplicas",
    message: "minReplicas must not be greater than maxReplicas",
    fieldPath: ".minReplicas"
  },
  {
    rule: `self.minReplicas > 0 || ${worksAtZeroRule("self.metric", TYPES)}`,
    message:
      "minReplicas 0 needs a metric that is true with no pod running: redis, pubsub, or prometheus or custom with worksAtZero: true",
    fieldPath: ".minReplicas"
  }
]
