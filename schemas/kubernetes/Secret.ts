/** v1 Secret: values are base64 on the wire. */
import * as Schema from "effect/Schema"
import { Meta } from "./Meta.ts"

export const Secret = Schema.Struct({
  metadata: Meta,
  data: Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, Schema.String)))
})
export type Secret = typeof Secret.Type
