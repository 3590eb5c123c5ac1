/** apps/v1 workloads, as far as replicas and rollouts go. */
import * as Schema from "effect/Schema"
import { LabelSelector, Meta } from "./Meta.ts"

export const WorkloadCondition = Schema.Struct({
  type: Schema.String,
  status: Schema.String,
  reason: Schema.optionalKey(Schema.String)
})

export const Deployment = Schema.Struct({
  metadata: Meta,
  spec: Schema.Struct({
    /** The API server defaults it to 1. */
    replicas: Schema.optionalKey(Schema.Int),
    /** A rollout that somebody holds; its progress deadline does not run. */
    paused: Schema.optionalKey(Schema.Boolean),
    selector: Schema.optionalKey(LabelSelector)
  }),
  status: Schema.optionalKey(
    Schema.Struct({
      observedGeneration: Schema.optionalKey(Schema.Int),
      replicas: Schema.optionalKey(Schema.Int),
      updatedReplicas: Schema.optionalKey(Schema.Int),
      readyReplicas: Schema.optionalKey(Schema.Int),
      conditions: Schema.optionalKey(Schema.NullOr(Schema.Array(WorkloadCondition)))
    })
  )
})
export type Deployment = typeof Deployment.Type

export const StatefulSet = Schema.Struct({
  metadata: Meta,
  spec: Schema.Struct({
    replicas: Schema.optionalKey(Schema.Int),
    selector: Schema.optionalKey(LabelSelector),
    updateStrategy: Schema.optionalKey(
      Schema.Struct({
        type: Schema.optionalKey(Schema.String),
        rollingUpdate: Schema.optionalKey(Schema.Struct({ partition: Schema.optionalKey(Schema.Int) }))
      })
    )
  }),
  status: Schema.optionalKey(
    Schema.Struct({
      observedGeneration: Schema.optionalKey(Schema.Int),
      replicas: Schema.optionalKey(Schema.Int),
      updatedReplicas: Schema.optionalKey(Schema.Int),
      readyReplicas: Schema.optionalKey(Schema.Int),
      currentRevision: Schema.optionalKey(Schema.String),
      updateRevision: Schema.optionalKey(Schema.String)
    })
  )
})
export type StatefulSet = typeof StatefulSet.Type

/** Only who owns it: the link between a Deployment and its pods. */
export const ReplicaSet = Schema.Struct({ metadata: Meta })
export type ReplicaSet = typeof ReplicaSet.Type
