/** events.k8s.io/v1 Event: what `kubectl describe` and `kubectl events` show about an object. */
import * as Schema from "effect/Schema"

export const ObjectReference = Schema.Struct({
  apiVersion: Schema.String,
  kind: Schema.String,
  namespace: Schema.optionalKey(Schema.String),
  name: Schema.String,
  uid: Schema.optionalKey(Schema.String)
})
export type ObjectReference = typeof ObjectReference.Type

export const EventType = Schema.Literals(["Normal", "Warning"])
export type EventType = typeof EventType.Type

export const Event = Schema.Struct({
  metadata: Schema.Struct({
    name: Schema.String,
    namespace: Schema.optionalKey(Schema.String),
    resourceVersion: Schema.String
  }),
  type: Schema.optionalKey(Schema.String),
  reason: Schema.optionalKey(Schema.String),
  note: Schema.optionalKey(Schema.String),
  regarding: Schema.optionalKey(ObjectReference),
  series: Schema.optionalKey(
    Schema.NullOr(Schema.Struct({ count: Schema.Int, lastObservedTime: Schema.optionalKey(Schema.String) }))
  )
})
export type Event = typeof Event.Type
