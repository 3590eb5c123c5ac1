/** The parts of Kubernetes objects that everything shares. Only fields that we touch; the rest is dropped. */
import * as Schema from "effect/Schema"

export const ManagedField = Schema.Struct({
  manager: Schema.optionalKey(Schema.String),
  operation: Schema.optionalKey(Schema.String),
  subresource: Schema.optionalKey(Schema.String),
  time: Schema.optionalKey(Schema.String),
  fieldsV1: Schema.optionalKey(Schema.Unknown)
})
export type ManagedField = typeof ManagedField.Type

export const OwnerReference = Schema.Struct({
  apiVersion: Schema.String,
  kind: Schema.String,
  name: Schema.String,
  uid: Schema.String,
  controller: Schema.optionalKey(Schema.Boolean)
})
export type OwnerReference = typeof OwnerReference.Type

export const Meta = Schema.Struct({
  name: Schema.String,
  namespace: Schema.optionalKey(Schema.String),
  uid: Schema.String,
  resourceVersion: Schema.String,
  generation: Schema.optionalKey(Schema.Int),
  creationTimestamp: Schema.String,
  deletionTimestamp: Schema.optionalKey(Schema.String),
  labels: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  annotations: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  ownerReferences: Schema.optionalKey(Schema.Array(OwnerReference)),
  managedFields: Schema.optionalKey(Schema.Array(ManagedField))
})
export type Meta = typeof Meta.Type

export const LabelSelector = Schema.Struct({
  matchLabels: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  matchExpressions: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({
        key: Schema.String,
        operator: Schema.String,
        values: Schema.optionalKey(Schema.Array(Schema.String))
      })
    )
  )
})
export type LabelSelector = typeof LabelSelector.Type
