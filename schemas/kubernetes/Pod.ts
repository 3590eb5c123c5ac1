/** A pod as the shared watch keeps it: projected to what decisions use, so that ten thousand of them stay small. */
import * as Schema from "effect/Schema"
import { Millis } from "../Reading.ts"
import { Meta } from "./Meta.ts"

const ContainerStatus = Schema.Struct({
  ready: Schema.optionalKey(Schema.Boolean),
  restartCount: Schema.optionalKey(Schema.Int),
  state: Schema.optionalKey(
    Schema.Struct({
      waiting: Schema.optionalKey(Schema.Struct({ reason: Schema.optionalKey(Schema.String) }))
    })
  )
})

const Container = Schema.Struct({
  name: Schema.String,
  restartPolicy: Schema.optionalKey(Schema.String),
  resources: Schema.optionalKey(
    Schema.Struct({
      requests: Schema.optionalKey(
        Schema.NullOr(Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Finite])))
      )
    })
  )
})

const listOf = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(Schema.Array(schema)))

/** v1 Pod as it stands on the wire. */
export const Pod = Schema.Struct({
  metadata: Meta,
  spec: Schema.Struct({ containers: listOf(Container), initContainers: listOf(Container) }),
  status: Schema.optionalKey(
    Schema.Struct({
      phase: Schema.optionalKey(Schema.String),
      startTime: Schema.optionalKey(Schema.NullOr(Schema.String)),
      conditions: listOf(
        Schema.Struct({
          type: Schema.String,
          status: Schema.String,
          reason: Schema.optionalKey(Schema.String),
          lastTransitionTime: Schema.optionalKey(Schema.NullOr(Schema.String))
        })
      ),
      containerStatuses: listOf(ContainerStatus),
      initContainerStatuses: listOf(ContainerStatus)
    })
  )
})
export type Pod = typeof Pod.Type

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
