/** A pod as the shared watch keeps it: projected to what decisions use, so that ten thousand of them stay small. */
import * as Schema from "effect/Schema"
import { Millis } from "../Reading.ts"

export const PodState = Schema.Struct({
  name: Schema.String,
  namespace: Schema.String,
  uid: Schema.String,
  /** uid of the controlling owner (a ReplicaSet, a StatefulSet, ...). */
  ownerUid: Schema.optionalKey(Schema.String),
  labels: Schema.Record(Schema.String, Schema.String),
  phase: Schema.String,
  deleting: Schema.Boolean,
  ready: Schema.optionalKey(Schema.Boolean),
  readyChangedAt: Schema.optionalKey(Millis),
  createdAt: Millis,
  startedAt: Schema.optionalKey(Millis),
  /** Per container, in milli-units: `cpu` in millicores, `memory` in milli-bytes. */
  requests: Schema.Record(
    Schema.String,
    Schema.Struct({ cpu: Schema.optionalKey(Schema.Int), memory: Schema.optionalKey(Schema.Int) })
  ),
  unschedulable: Schema.Boolean,
  crashLooping: Schema.Boolean
})
export type PodState = typeof PodState.Type
