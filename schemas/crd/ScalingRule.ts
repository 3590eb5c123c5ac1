/** One Deployment, the backlog of one NATS subject, two thresholds. */
import * as Schema from "effect/Schema"
import { CATEGORY, columnsOf } from "./Crd.ts"
import type { CrdKind } from "./Crd.ts"
import {
  ALL_SAFE,
  checkBounds,
  decoder,
  DIRECTION,
  milli,
  noteInlineSecrets,
  resolvePause,
  targetNamespace
} from "./Crd/decoder.ts"
import type { Reader, Resolved } from "./Crd/decoder.ts"
import { commonFields, int, namespaceName, objectName } from "./Crd/fields.ts"
import { optionsBeside, withPlug } from "./Crd/plugs.ts"

/** Everything but the source: where the backlog is read stands beside, as the options of the source nats. */
const fields = {
  deploymentName: objectName("Name of the Deployment to scale."),
  namespace: namespaceName(
    "Namespace of the Deployment. It must be the namespace of this object, unless the operator runs with ALLOW_CROSS_NAMESPACE=true."
  ),
  minReplicas: int("Smallest number of replicas.", 1),
  maxReplicas: int("Largest number of replicas.", 1),
  scaleUpThreshold: int("More waiting messages than this scale up.", 1),
  scaleDownThreshold: int("Fewer waiting messages than this, for 120 seconds, scale down.", 0),
  pollIntervalSeconds: int("Seconds between two looks at the backlog.", 1, 3600),
  messagesPerReplica: Schema.optionalKey(
    int(
      "Messages that one replica is meant to have waiting: replicas jump straight to ceil(backlog / messagesPerReplica). Absent: one replica more or fewer in each poll.",
      1
    )
  ),
  ...commonFields
}

const wire = withPlug(
  fields,
  { registry: "sources", optionsOf: "nats" },
  { description: "Which Deployment to scale, and by which backlog." }
)
type Spec = typeof wire.Type

const SIGNAL = "backlog"

const resolve = (spec: Spec, reader: Reader): Resolved => {
  const options = optionsBeside(spec, fields)
  noteInlineSecrets(options, "spec", reader)
  if (spec.scaleUpThreshold <= spec.scaleDownThreshold) {
    reader.refuse("spec.scaleUpThreshold", "must be greater than scaleDownThreshold, or replicas would flap.")
  }
  const upMilli = milli(spec.scaleUpThreshold, "spec.scaleUpThreshold", reader)
  const perReplica =
    spec.messagesPerReplica === undefined
      ? "one"
      : { perReplicaMilli: milli(spec.messagesPerReplica, "spec.messagesPerReplica", reader) }
  return {
    targets: {
      _tag: "Ref",
      target: {
        apiVersion: "apps/v1",
        kind: "Deployment",
        namespace: targetNamespace(spec.namespace, reader),
        name: spec.deploymentName
      }
    },
    bounds: checkBounds(
      { path: "spec.minReplicas", value: spec.minReplicas },
      { path: "spec.maxReplicas", value: spec.maxReplicas },
      reader
    ),
    intervalMillis: spec.pollIntervalSeconds * 1000,
    mode: spec.mode,
    ...resolvePause(spec.pause, reader),
    signals: [
      {
        name: SIGNAL,
        source: "nats",
        options,
        target: { type: "Value", milli: upMilli },
        role: "backlog",
        onEmpty: "Missing",
        onMissing: "Hold",
        worksAtZero: true
      }
    ],
    engines: [
      {
        engine: "step",
        options: {
          rules: [
            {
              signal: SIGNAL,
              up: { op: "gt", thresholdMilli: upMilli },
              down: { op: "lt", thresholdMilli: milli(spec.scaleDownThreshold, "spec.scaleDownThreshold", reader) }
            }
          ],
          up: perReplica,
          down: perReplica,
          downAfterSeconds: 120
        }
      }
    ],
    limits: {
      rates: { _tag: "Windows", upSeconds: 0, downSeconds: 0 },
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

export const ScalingRule: CrdKind = {
  kind: "ScalingRule",
  group: "scaling.example.com",
  version: "v1",
  plural: "scalingrules",
  singular: "scalingrule",
  shortNames: ["srule"],
  categories: [CATEGORY],
  description: "Scales one Deployment by the messages that wait behind a NATS subject.",
  wire,
  columns: columnsOf({ min: ".spec.minReplicas", max: ".spec.maxReplicas" }),
  rules: [
    {
      rule: "self.minReplicas <= self.maxReplicas",
      message: "minReplicas must not be greater than maxReplicas",
      fieldPath: ".minReplicas"
    },
    {
      rule: "self.scaleUpThreshold > self.scaleDownThreshold",
      message: "scaleUpThreshold must be greater than scaleDownThreshold, or replicas would flap",
      fieldPath: ".scaleUpThreshold"
    }
  ],
  decode: decoder("ScalingRule", "scaling.example.com/v1", wire, resolve)
}
