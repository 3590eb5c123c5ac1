/** Learns from its own scaling. Described, so that manifests may hold it; not run in this version. */
import * as Schema from "effect/Schema"
import type { Engine } from "#domain/Engine"
import { proposeNothing } from "#domain/unbuilt"

const QLearningOptions = Schema.Struct({
  minimumTransitions: Schema.optionalKey(
    Schema.Int.annotate({
      description: "Executed transitions to have learned from before it may steer. Absent: 500."
    }).check(Schema.isBetween({ minimum: 1, maximum: 100_000 }))
  )
}).annotate({
  description:
    "Q-learning with the rates of aiConfig.qLearning, in shadow until it has proven itself. Not run in this version."
})

export const qlearning: Engine<typeof QLearningOptions.Type, null> = {
  name: "qlearning",
  description: "Q-learning, in shadow until it has proven itself.",
  options: QLearningOptions,
  memory: Schema.Null,
  initial: null,
  example: { minimumTransitions: 500 },
  built: false,
  propose: proposeNothing
}
