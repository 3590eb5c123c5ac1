// Objects of each kind as small as they may be, and their decoding, for the tests of this folder.
import { assert } from "@effect/vitest"
import * as Result from "effect/Result"
import type { CrdKind, DecodeSettings } from "#schemas/crd/Crd"
import { DECODE_SETTINGS } from "#schemas/crd/Crd"
import { GeneralScaler } from "#schemas/crd/GeneralScaler"
import { IntelligentScaling } from "#schemas/crd/IntelligentScaling"
import { ScalingPolicy } from "#schemas/crd/ScalingPolicy"
import { ScalingRule } from "#schemas/crd/ScalingRule"
import type { Policy, Refusal } from "#schemas/Policy"

type Spec = Readonly<Record<string, unknown>>

export const objectOf = (kind: CrdKind, spec: unknown, metadata: object = {}) => ({
  apiVersion: `${kind.group}/${kind.version}`,
  kind: kind.kind,
  metadata: {
    name: "web",
    namespace: "shop",
    uid: "u-1",
    generation: 3,
    creationTimestamp: "2026-01-01T00:00:00Z",
    ...metadata
  },
  spec
})

export const decodes = (
  kind: CrdKind,
  spec: unknown,
  settings: Partial<DecodeSettings> = {},
  metadata: object = {}
): Policy => {
  const result = kind.decode(objectOf(kind, spec, metadata), { ...DECODE_SETTINGS, ...settings })
  if (Result.isFailure(result)) assert.fail(JSON.stringify(result.failure, undefined, 2))
  return result.success
}

export const refuses = (
  kind: CrdKind,
  spec: unknown,
  settings: Partial<DecodeSettings> = {}
): ReadonlyArray<Refusal> => {
  const result = kind.decode(objectOf(kind, spec), { ...DECODE_SETTINGS, ...settings })
  if (Result.isSuccess(result)) assert.fail("was decoded")
  return result.failure
}

export const policy = (spec: Spec = {}): Spec => ({ target: { kind: "Deployment", name: "web" }, ...spec })

export const rps = (extra: Spec = {}): Spec => ({
  name: "rps",
  prometheus: { query: "sum(rate(x[1m]))" },
  target: { type: "AverageValue", value: 100 },
  ...extra
})

export const labels = (metrics: ReadonlyArray<Spec>, extra: Spec = {}): Spec => ({
  target_labels: { app: "web" },
  max_replicas: 10,
  metrics_config: { metrics },
  ...extra
})

export const rule = (extra: Spec = {}): Spec => ({
  deploymentName: "web",
  namespace: "shop",
  minReplicas: 1,
  maxReplicas: 10,
  natsMonitoringURL: "http://nats:8222",
  subject: "orders.processing",
  scaleUpThreshold: 50,
  scaleDownThreshold: 10,
  pollIntervalSeconds: 30,
  ...extra
})

export const scaler = (extra: Spec = {}, metric: Spec = {}): Spec => ({
  targetRef: { kind: "Deployment", name: "web" },
  maxReplicas: 10,
  metric: { type: "prometheus", targetValue: 100, prometheus: { query: "up" }, ...metric },
  ...extra
})

export { GeneralScaler, IntelligentScaling, ScalingPolicy, ScalingRule }
