/** Building blocks of the kinds' wire schemas: described, bounded, and the same wherever they mean the same. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Rule } from "../Crd.ts"

export const INT32_MAX = 2_147_483_647

export const described = <S extends Schema.Top>(schema: S, description: string): S["Rebuild"] =>
  schema.annotate({ description })

/** A default that the API server writes into the object, and that decoding knows too, for files it never saw. */
export const defaulted = <S extends Schema.Top>(schema: S, value: S["Encoded"]): Schema.withDecodingDefaultKey<S> =>
  Schema.annotateEncoded<Schema.withDecodingDefaultKey<S>>({ default: value })(
    Schema.withDecodingDefaultKey<S>(Effect.succeed(value))(schema)
  )

export const rules = (...all: ReadonlyArray<Rule>) => ({ "x-kubernetes-validations": all })

export const listMap = (key: string) => ({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key] })

export const int = (description: string, minimum: number, maximum = INT32_MAX) =>
  Schema.Int.annotate({ description }).check(Schema.isBetween({ minimum, maximum }))

export const text = (description: string, maximum: number, pattern?: RegExp) => {
  const bounded = Schema.String.annotate({ description }).check(Schema.isMinLength(1), Schema.isMaxLength(maximum))
  return pattern === undefined ? bounded : bounded.check(Schema.isPattern(pattern))
}

export const above = (description: string, exclusiveMinimum: number) =>
  Schema.Finite.annotate({ description }).check(Schema.isGreaterThan(exclusiveMinimum))

export const fraction = (description: string) =>
  Schema.Finite.annotate({ description }).check(Schema.isBetween({ minimum: 0, maximum: 1 }))

const DURATION_TEXT = "^([0-9]{1,6}([.][0-9]{1,3})?(ms|s|m|h)){1,4}$"
const DURATION = new RegExp(DURATION_TEXT, "u")

/** A Go duration between two others, so that `15s` and `1m30s` mean what they mean everywhere in Kubernetes. */
export const duration = (description: string, minimum: string, maximum: string) =>
  Schema.String.annotate({
    description: `${description} A duration such as 15s or 1m30s, from ${minimum} to ${maximum}.`,
    ...rules({
      // What is no duration at all has its own message, from the pattern.
      rule: `!self.matches('${DURATION_TEXT}') || (duration(self) >= duration('${minimum}') && duration(self) <= duration('${maximum}'))`,
      message: `must be between ${minimum} and ${maximum}`
    })
  }).check(Schema.isMinLength(1), Schema.isMaxLength(32), Schema.isPattern(DURATION))

const QUANTITY = /^([0-9]{1,15}(\.[0-9]{0,9})?|\.[0-9]{1,9})(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?[0-9]{1,2})?$/u

/** A whole number or the text of a Kubernetes quantity. */
export const quantity = (description: string, ...extra: ReadonlyArray<Rule>) =>
  Schema.Union([Schema.Int, Schema.String.check(Schema.isMaxLength(32), Schema.isPattern(QUANTITY))]).annotate({
    description: `${description} A quantity: 100, "1500m", "2Gi".`,
    "x-kubernetes-int-or-string": true,
    ...rules(...extra)
  })

export const POSITIVE_QUANTITY: Rule = {
  rule: "!isQuantity(string(self)) || quantity(string(self)).isGreaterThan(quantity('0'))",
  message: "must be greater than 0"
}

export const NOT_NEGATIVE_QUANTITY: Rule = {
  rule: "!isQuantity(string(self)) || !quantity(string(self)).isLessThan(quantity('0'))",
  message: "must not be negative"
}

export const mode = defaulted(
  described(
    Schema.Literals(["Active", "Recommend", "Paused"]),
    "Active scales. Recommend computes and publishes everything and writes nothing. Paused holds the replicas that there are, whatever is recommended, until it is changed back."
  ),
  "Active"
)

export const pause = Schema.Struct({
  direction: defaulted(
    described(
      Schema.Literals(["Both", "Up", "Down"]),
      "Which way replicas may not move: Both freezes, Up only lets them fall, Down only lets them rise."
    ),
    "Both"
  ),
  replicas: Schema.optionalKey(
    int(
      "Hold the target at this count while paused, or at the nearest that the bounds allow. Only with direction Both. Absent: hold what is there.",
      0
    )
  ),
  until: Schema.optionalKey(
    Schema.String.annotate({
      description: "When the pause ends by itself (RFC 3339, e.g. 2026-01-31T18:00:00Z). Absent: when it is removed.",
      format: "date-time"
    }).check(Schema.isMaxLength(64))
  ),
  reason: Schema.optionalKey(text("Why, for whoever finds the pause later; shown in status and events.", 256))
}).annotate({
  description: "Stops scaling in one direction or both, with an end and a reason. Remove it to resume.",
  ...rules({
    rule: "!has(self.replicas) || self.direction == 'Both'",
    message: "replicas holds the target still, so it needs direction: Both",
    fieldPath: ".replicas"
  })
})

/** On every kind. */
export const commonFields = { mode, pause: Schema.optionalKey(pause) }

const DNS_NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/u
const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/u

export const objectName = (description: string) => text(description, 253, DNS_NAME)

export const namespaceName = (description: string) => text(description, 63, DNS_LABEL)

export const targetRef = Schema.Struct({
  apiVersion: defaulted(
    text(
      "API group and version of the workload.",
      253,
      /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?v[0-9]+((alpha|beta)[0-9]+)?$/u
    ),
    "apps/v1"
  ),
  kind: text(
    "Kind of the workload: Deployment, StatefulSet, or anything else that serves the scale subresource. The operator must be allowed to read and patch it; its own rules cover Deployments, StatefulSets and ReplicaSets.",
    63,
    /^[A-Z][A-Za-z0-9]*$/u
  ),
  name: objectName("Name of the workload, in the namespace of this object.")
}).annotate({ description: "The workload to scale. One policy per workload: the older one wins." })

export const promql = (description: string) => text(description, 8192)

export const cost = Schema.Struct({
  maxMonthlyCost: above("Budget for a month, in any currency.", 0),
  costPerPodPerHour: above("What one pod costs in an hour, in the same currency.", 0),
  preferredScaleDirection: defaulted(
    described(
      Schema.Literals(["down", "up", "balanced"]),
      "What to do when in doubt, as tolerances around the target (up/down): down 20 %/5 %, up 5 %/20 %, balanced 10 %/10 %."
    ),
    "balanced"
  )
}).annotate({
  description:
    "Caps replicas at floor(maxMonthlyCost / (costPerPodPerHour x 730)). The smallest allowed number of replicas wins over the cap and sets the condition BudgetExceeded."
})
