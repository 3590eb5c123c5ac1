/** v1 ConfigMap. */
import * as Schema from "effect/Schema"
import { Meta } from "./Meta.ts"

export const ConfigMap = Schema.Struct({
  metadata: Meta,
  data: Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, Schema.String))),
  /** Base64. */
  binaryData: Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, Schema.String)))
})
export type ConfigMap = typeof ConfigMap.Type
