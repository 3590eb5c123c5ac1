/** The envelope of every list and the two fields that a watch needs of any object. */
import * as Schema from "effect/Schema"

export const List = Schema.Struct({
  metadata: Schema.Struct({
    resourceVersion: Schema.String,
    continue: Schema.optionalKey(Schema.String)
  }),
  /** Null when a Go server has nothing. */
  items: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.Unknown)))
})
export type List = typeof List.Type

/** What identifies one state of one object; a bookmark has no name. */
export const Versioned = Schema.Struct({
  metadata: Schema.Struct({
    name: Schema.optionalKey(Schema.String),
    namespace: Schema.optionalKey(Schema.String),
    uid: Schema.optionalKey(Schema.String),
    resourceVersion: Schema.String
  })
})
export type Versioned = typeof Versioned.Type

/** GET /api/v1 and GET /apis/GROUP/VERSION. */
export const ApiResourceList = Schema.Struct({
  resources: Schema.Array(Schema.Struct({ name: Schema.String, kind: Schema.String, namespaced: Schema.Boolean }))
})
export type ApiResourceList = typeof ApiResourceList.Type
