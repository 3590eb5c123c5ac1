/** autoscaling/v1 Scale: the one object through which we change anything's replicas. */
import * as Schema from "effect/Schema"

export const Scale = Schema.Struct({
  metadata: Schema.Struct({
    name: Schema.String,
    namespace: Schema.optionalKey(Schema.String),
    uid: Schema.optionalKey(Schema.String),
    /** The scaled object's own: a precondition for the write. */
    resourceVersion: Schema.String
  }),
  spec: Schema.optionalKey(
    Schema.Struct({
      /** The wire omits a zero. */
      replicas: Schema.optionalKey(Schema.Int)
    })
  ),
  status: Schema.optionalKey(
    Schema.Struct({
      replicas: Schema.optionalKey(Schema.Int),
      /** A label selector as text, e.g. `app=web,tier in (a,b)`. */
      selector: Schema.optionalKey(Schema.String)
    })
  )
})
export type Scale = typeof Scale.Type
