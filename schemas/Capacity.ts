/** What has been learned of one pod, as engines remember it: how much it serves, and how fast answers go bad. */
import * as Schema from "effect/Schema"

export const Capacity = Schema.Struct({
  /** Work per second of one busy pod; 0 while unknown. */
  perPod: Schema.Finite,
  /** How much evidence stands behind it, up to a bound, so that old evidence fades. */
  samples: Schema.Int,
  /** So many times in a row it was off to one side: above 0 served more than thought, below 0 less. */
  offs: Schema.Int,
  steepness: Schema.Finite,
  /** What is being averaged for the next fit. */
  ticks: Schema.Int,
  load: Schema.Finite,
  bad: Schema.Finite,
  requests: Schema.Finite
})
export type Capacity = typeof Capacity.Type
