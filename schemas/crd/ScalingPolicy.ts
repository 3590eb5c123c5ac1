/** The full kind: everything the operator can do. What its fields are and what they mean is in the folder beside. */
import { CATEGORY, columnsOf } from "./Crd.ts"
import type { CrdKind } from "./Crd.ts"
import { decoder } from "./Crd/decoder.ts"
import { resolve } from "./ScalingPolicy/resolve.ts"
import { specRules, wire } from "./ScalingPolicy/spec.ts"

export const ScalingPolicy: CrdKind = {
  kind: "ScalingPolicy",
  group: "nimbusguard.io",
  version: "v1",
  plural: "scalingpolicies",
  singular: "scalingpolicy",
  shortNames: ["scalep"],
  categories: [CATEGORY],
  description:
    "Scales one workload by any number of signals, with the HorizontalPodAutoscaler's rules or with objectives for latency, errors, queues and cost.",
  wire,
  columns: columnsOf({ min: ".spec.scaling.minReplicas", max: ".spec.scaling.maxReplicas" }),
  rules: specRules,
  decode: decoder("ScalingPolicy", "nimbusguard.io/v1", wire, resolve)
}
