/** Picks engines by the objectives. Described, so that manifests may hold it; the baseline steers in this version. */
import * as Schema from "effect/Schema"
import type { Engine } from "#domain/Engine"
import { proposeNothing } from "#domain/unbuilt"

const AutoOptions = Schema.Struct({
  headroomPercent: Schema.optionalKey(
    Schema.Int.annotate({
      description: "Capacity to keep free beyond what the objectives need, in percent. Absent: learned."
    }).check(Schema.isBetween({ minimum: 0, maximum: 90 }))
  )
}).annotate({
  description:
    "Weighs the objectives against the cost by what it has learned of the workload. Not run in this version: the engines target and slo steer instead."
})

export const auto: Engine<typeof AutoOptions.Type, null> = {
  name: "auto",
  description: "Weighs the objectives against the cost by what it has learned of the workload.",
  options: AutoOptions,
  memory: Schema.Null,
  initial: null,
  example: {},
  built: false,
  propose: proposeNothing
}
