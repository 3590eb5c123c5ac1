/** Weighs the advice of a language model. Described, so that manifests may hold it; not run in this version. */
import * as Schema from "effect/Schema"
import type { Engine } from "#domain/Engine"
import { proposeNothing } from "#domain/unbuilt"

const AdvisorOptions = Schema.Struct({
  maxAgeSeconds: Schema.optionalKey(
    Schema.Int.annotate({ description: "Advice older than this many seconds is not used. Absent: 300." }).check(
      Schema.isBetween({ minimum: 10, maximum: 3600 })
    )
  ),
  minimumConfidencePercent: Schema.optionalKey(
    Schema.Int.annotate({ description: "Advice less sure of itself than this is not used. Absent: 60." }).check(
      Schema.isBetween({ minimum: 0, maximum: 100 })
    )
  )
}).annotate({
  description:
    "Asks a language model, where the operator has a key. It may add one pod or 25 %, and never asks for less than the others. Not run in this version."
})

export const advisor: Engine<typeof AdvisorOptions.Type, null> = {
  name: "advisor",
  description: "Asks a language model; may add one pod or 25 %, never takes any away.",
  options: AdvisorOptions,
  memory: Schema.Null,
  initial: null,
  example: { maxAgeSeconds: 300 },
  built: false,
  propose: proposeNothing
}
