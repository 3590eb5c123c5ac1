/** Learns what one replica can carry. Described, so that manifests may hold it; not run in this version. */
import * as Schema from "effect/Schema"
import type { Engine } from "#domain/Engine"
import { proposeNothing } from "#domain/unbuilt"

const CapacityOptions = Schema.Struct({
  signal: Schema.optionalKey(
    Schema.String.annotate({
      description: "Name of the signal that says how much work there is. Absent: the first with the role demand."
    }).check(Schema.isMinLength(1), Schema.isMaxLength(63))
  ),
  headroomPercent: Schema.optionalKey(
    Schema.Int.annotate({ description: "Capacity to keep free, in percent. Absent: 15." }).check(
      Schema.isBetween({ minimum: 0, maximum: 90 })
    )
  )
}).annotate({ description: "Learns what one replica can carry and asks for enough of them. Not run in this version." })

export const capacity: Engine<typeof CapacityOptions.Type, null> = {
  name: "capacity",
  description: "Learns what one replica can carry and asks for enough of them.",
  options: CapacityOptions,
  memory: Schema.Null,
  initial: null,
  example: { headroomPercent: 20 },
  built: false,
  propose: proposeNothing
}
