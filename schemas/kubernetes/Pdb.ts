/** policy/v1 PodDisruptionBudget. */
import * as Schema from "effect/Schema"
import { LabelSelector, Meta } from "./Meta.ts"

export const Pdb = Schema.Struct({
  metadata: Meta,
  spec: Schema.Struct({
    /** A number of pods, or a percentage as text. */
    minAvailable: Schema.optionalKey(Schema.Union([Schema.Int, Schema.String])),
    /** Absent selects no pod, empty selects all of the namespace. */
    selector: Schema.optionalKey(Schema.NullOr(LabelSelector))
  })
})
export type Pdb = typeof Pdb.Type
