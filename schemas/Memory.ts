/**
 * What one policy remembers of one target between ticks. Evidence (windows, engines' own memory) is kept by every
 * decision; commitments (rescale events, last writes) only by a write that happened. Versioned: older memory is
 * read, newer memory is refused without harm.
 */
import * as Schema from "effect/Schema"
import { Millis } from "./Reading.ts"

export const MEMORY_VERSION = 1

const Rescale = Schema.Struct({ at: Millis, change: Schema.Int })

export const Memory = Schema.Struct({
  version: Schema.Literal(MEMORY_VERSION),
  /** Hash of the parts of the spec that give the windows their meaning. */
  specHash: Schema.String,
  /** First time this policy saw this target. */
  since: Millis,
  /** Raw recommendations of the stabilization windows, oldest first. */
  recommendations: Schema.Array(Schema.Struct({ at: Millis, replicas: Schema.Int })),
  /** Successful rescales, for the rate policies and the cooldowns. */
  ups: Schema.Array(Rescale),
  downs: Schema.Array(Rescale),
  lastUpAt: Schema.optionalKey(Millis),
  lastWriteAt: Schema.optionalKey(Millis),
  /** The value of the last write of ours: any other spec.replicas was somebody else's. */
  lastWritten: Schema.optionalKey(Schema.Int),
  /** Changes of spec.replicas that were not ours, within the last ten minutes. */
  foreignWrites: Schema.Array(Millis),
  frozenUntil: Schema.optionalKey(Millis),
  freezes: Schema.Int,
  /** Since when each signal has not been Measured. */
  missingSince: Schema.Record(Schema.String, Millis),
  /** After a harmful down-step was rolled back. */
  downBlockedUntil: Schema.optionalKey(Millis),
  lastDown: Schema.optionalKey(Schema.Struct({ at: Millis, from: Schema.Int, to: Schema.Int })),
  /** Each engine's own memory under its registry key, in that engine's schema. */
  engines: Schema.Record(Schema.String, Schema.Unknown)
})
export type Memory = typeof Memory.Type
