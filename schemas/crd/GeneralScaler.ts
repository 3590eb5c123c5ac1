/** Any scalable workload, one metric, and an optional policy: objectives or a budget. */
import { CATEGORY, columnsOf } from "./Crd.ts"
import type { CrdKind } from "./Crd.ts"
import { decoder } from "./Crd/decoder.ts"
import { resolve } from "./GeneralScaler/resolve.ts"
import { specRules, wire } from "./GeneralScaler/spec.ts"

export const GeneralScaler: CrdKind = {
  kind: "GeneralScaler",
  group: "autoscaling.generalscaler.io",
  version: "v1alpha1",
  plural: "generalscalers",
  singular: "generalscaler",
  shortNames: ["gscaler"],
  categories: [CATEGORY],
  description: "Scales any workload in proportion to one metric, minding latency and errors or a budget.",
  wire,
  columns: columnsOf({ min: ".spec.minReplicas", max: ".spec.maxReplicas" }),
  rules: specRules,
  decode: decoder("GeneralScaler", "autoscaling.generalscaler.io/v1alpha1", wire, resolve)
}
