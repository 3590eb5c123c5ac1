/** The registry of kinds, one line each. Watch, RBAC, CRDs and validation loop over it. */
import type { CrdKind, DecodeSettings } from "./Crd.ts"
import { GeneralScaler } from "./GeneralScaler.ts"
import { IntelligentScaling } from "./IntelligentScaling.ts"
import { ScalingPolicy } from "./ScalingPolicy.ts"
import { ScalingRule } from "./ScalingRule.ts"

export const KINDS: ReadonlyArray<CrdKind> = [ScalingPolicy, IntelligentScaling, ScalingRule, GeneralScaler]

const field = (object: unknown, name: string): unknown =>
  typeof object === "object" && object !== null && Object.hasOwn(object, name)
    ? (object as Readonly<Record<string, unknown>>)[name]
    : undefined

/** The kind that an object says it is. */
export const kindOf = (object: unknown): CrdKind | undefined =>
  KINDS.find(
    ({ group, kind, version }) =>
      field(object, "kind") === kind && field(object, "apiVersion") === `${group}/${version}`
  )

export type { CrdKind, DecodeSettings }
