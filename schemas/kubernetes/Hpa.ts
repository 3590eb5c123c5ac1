/** Other autoscalers: whom they scale. autoscaling/v2 HorizontalPodAutoscaler and KEDA's ScaledObject. */
import * as Schema from "effect/Schema"
import { Meta } from "./Meta.ts"

export const ScaleTargetRef = Schema.Struct({
  apiVersion: Schema.optionalKey(Schema.String),
  kind: Schema.optionalKey(Schema.String),
  name: Schema.String
})
export type ScaleTargetRef = typeof ScaleTargetRef.Type

export const Hpa = Schema.Struct({
  metadata: Meta,
  spec: Schema.Struct({
    scaleTargetRef: ScaleTargetRef,
    minReplicas: Schema.optionalKey(Schema.Int),
    maxReplicas: Schema.optionalKey(Schema.Int)
  })
})
export type Hpa = typeof Hpa.Type

/** Kind and apiVersion default to an apps/v1 Deployment there. */
export const ScaledObject = Schema.Struct({
  metadata: Meta,
  spec: Schema.Struct({ scaleTargetRef: ScaleTargetRef })
})
export type ScaledObject = typeof ScaledObject.Type
