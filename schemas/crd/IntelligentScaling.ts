/** Label-selected Deployments and threshold rules over PromQL; snake_case, as its users have always written it. */
import * as Schema from "effect/Schema"
import { httpUrl } from "#schemas/Endpoint"
import type { Signal } from "#schemas/Policy"
import { thousandths } from "#schemas/quantity"
import { CATEGORY, columnsOf } from "./Crd.ts"
import type { CrdKind } from "./Crd.ts"
import { ALL_SAFE, checkBounds, decoder, DIRECTION, milli, resolvePause, targetNamespace } from "./Crd/decoder.ts"
import type { Reader, Resolved } from "./Crd/decoder.ts"
import { HPA_DOWN, HPA_UP } from "./Crd/hpaRules.ts"
import { above, commonFields, defaulted, described, int, namespaceName, promql } from "./Crd/fields.ts"

const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/u

const metric = Schema.Struct({
  query: promql(
    "PromQL. Where it yields several series, the largest counts for gt and gte and the smallest for lt and lte."
  ),
  threshold: above("What the value is compared with.", 0),
  condition: described(
    Schema.Literals(["gt", "gte", "lt", "lte"]),
    "gt and gte vote for more replicas when the value is above the threshold (or at it); lt and lte vote for fewer when it is below (or at it)."
  )
}).annotate({ description: "One query with its threshold." })
type Metric = typeof metric.Type

const wire = Schema.Struct({
  namespace: Schema.optionalKey(
    namespaceName(
      "Namespace of the Deployments. It must be the namespace of this object, unless the operator runs with ALLOW_CROSS_NAMESPACE=true. Absent: the namespace of this object."
    )
  ),
  target_labels: Schema.Record(
    Schema.String,
    Schema.String.annotate({ description: "Value of the label." }).check(
      Schema.isMaxLength(63),
      Schema.isPattern(LABEL_VALUE)
    )
  )
    .annotate({
      description:
        "Labels that a Deployment must carry, all of them. Up to 20 Deployments may match; each is decided by itself and has a row in status."
    })
    .check(Schema.isMinProperties(1), Schema.isMaxProperties(16)),
  min_replicas: defaulted(int("Smallest number of replicas of each Deployment.", 1), 1),
  max_replicas: int("Largest number of replicas of each Deployment.", 1),
  metrics_config: Schema.Struct({
    prometheus_url: Schema.optionalKey(
      httpUrl("Prometheus that answers the queries. Absent: the operator's own (PROMETHEUS_URL).")
    ),
    metrics: Schema.Array(metric)
      .annotate({
        description:
          "Queries. Any vote for more replicas wins. Fewer need every query to vote so, or to stay below 0.7 of its gt threshold, for 300 seconds."
      })
      .check(Schema.isMinLength(1), Schema.isMaxLength(16))
  }).annotate({ description: "What is measured, and where." }),
  ai: Schema.optionalKey(
    Schema.Struct({
      advisor: defaulted(
        described(
          Schema.Boolean,
          "Ask a language model too, where the operator has a key. It may add one pod or 25 %, and never asks for less than the thresholds do."
        ),
        false
      )
    }).annotate({ description: "What a language model may do. Absent: nothing." })
  ),
  ...commonFields
}).annotate({
  description:
    "Which Deployments to scale and by which thresholds. Up goes to ceil(replicas x value / threshold), at most double or 4 pods in 15 seconds; down goes one pod at a time; every 30 seconds."
})
type Spec = typeof wire.Type

const isUpward = (condition: Metric["condition"]): condition is "gt" | "gte" =>
  condition === "gt" || condition === "gte"

const signalName = (index: number) => `metrics[${index}]`

const signalOf = (metric: Metric, index: number, spec: Spec, reader: Reader): Signal => {
  const { prometheus_url } = spec.metrics_config
  return {
    name: signalName(index),
    source: "prometheus",
    options: {
      ...(prometheus_url === undefined ? {} : { serverUrl: prometheus_url }),
      query: metric.query,
      reduce: isUpward(metric.condition) ? "max" : "min"
    },
    target: {
      type: "Value",
      milli: milli(metric.threshold, `spec.metrics_config.metrics[${index}].threshold`, reader)
    },
    onEmpty: "Missing",
    onMissing: "Hold",
    worksAtZero: false
  }
}

/** Below so many tenths of its threshold a gt metric agrees to fewer replicas; as 0.7 it could not be told exactly. */
const CALM_TENTHS = 7

const ruleOf = ({ condition, threshold }: Metric, signal: Signal) => {
  const thresholdMilli = thousandths(threshold)
  return isUpward(condition)
    ? {
        signal: signal.name,
        up: { op: condition, thresholdMilli },
        downBelowMilli: (thresholdMilli * CALM_TENTHS) / 10
      }
    : { signal: signal.name, down: { op: condition, thresholdMilli } }
}

const resolve = (spec: Spec, reader: Reader): Resolved => {
  const { metrics } = spec.metrics_config
  const signals = metrics.map((each, index) => signalOf(each, index, spec, reader))
  const step = {
    rules: metrics.flatMap((each, index) => {
      const signal = signals[index]
      return signal === undefined ? [] : [ruleOf(each, signal)]
    }),
    up: "ratio",
    down: "one",
    downAfterSeconds: 300
  }
  return {
    targets: {
      _tag: "Labels",
      namespace: targetNamespace(spec.namespace, reader),
      labels: spec.target_labels,
      limit: 20
    },
    bounds: checkBounds(
      { path: "spec.min_replicas", value: spec.min_replicas },
      { path: "spec.max_replicas", value: spec.max_replicas },
      reader
    ),
    intervalMillis: 30_000,
    mode: spec.mode,
    ...resolvePause(spec.pause, reader),
    signals,
    engines: [
      { engine: "step", options: step },
      ...(spec.ai?.advisor === true ? [{ engine: "advisor", options: {} }] : [])
    ],
    limits: {
      rates: {
        _tag: "Behavior",
        scaleUp: HPA_UP,
        // The engine itself waits 300 s and goes down by one.
        scaleDown: { ...HPA_DOWN, stabilizationSeconds: 0 }
      },
      cooldown: { upSeconds: 0, downSeconds: 0 },
      step: {},
      ...DIRECTION.balanced
    },
    objectives: {},
    schedules: [],
    actuation: { _tag: "Scale" },
    safety: ALL_SAFE
  }
}

export const IntelligentScaling: CrdKind = {
  kind: "IntelligentScaling",
  group: "nimbusguard.io",
  version: "v1alpha1",
  // Not a plural, but what `kubectl get crd intelligentscaling.nimbusguard.io` has always asked for.
  plural: "intelligentscaling",
  singular: "intelligentscaling",
  shortNames: ["iscale"],
  categories: [CATEGORY],
  description: "Scales the Deployments that carry some labels by thresholds over PromQL queries.",
  wire,
  columns: columnsOf({ min: ".spec.min_replicas", max: ".spec.max_replicas" }),
  rules: [
    {
      rule: "self.min_replicas <= self.max_replicas",
      message: "min_replicas must not be greater than max_replicas",
      fieldPath: ".min_replicas"
    }
  ],
  decode: decoder("IntelligentScaling", "nimbusguard.io/v1alpha1", wire, resolve)
}
