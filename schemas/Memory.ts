/**
 * What one policy remembers of one target between ticks. Evidence (windows, engines' own memory) is kept by every
 * decision; commitments (rescale events, last writes) only by a write that happened. Versioned: older memory is
 * read, newer memory is refused without harm. Bounded by what adds to it, in src/domain.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { Millis } from "./Reading.ts"

export const MEMORY_VERSION = 1

export const Recommendation = Schema.Struct({ at: Millis, replicas: Schema.Int })
export type Recommendation = typeof Recommendation.Type

export const Rescale = Schema.Struct({
  at: Millis,
  change: Schema.Int,
  /** Once older than its own direction's longest period: the next rescale of that direction takes its place. */
  outdated: Schema.optionalKey(Schema.Boolean)
})
export type Rescale = typeof Rescale.Type

/** What a build before the field existed has not written down is as if nothing had happened. */
const list = <S extends Schema.Constraint>(item: S) =>
  Schema.Array(item).pipe(Schema.withDecodingDefaultKey(Effect.succeed([])))

/** Replicas that an open window asks for, and its name. */
export const Edge = Schema.Struct({ replicas: Schema.Int, name: Schema.String })
export type Edge = typeof Edge.Type

export const Memory = Schema.Struct({
  version: Schema.Literal(MEMORY_VERSION),
  /** Hash of the parts of the spec that give the windows their meaning. */
  specHash: Schema.String,
  /** First time this policy saw this target. */
  since: Millis,
  /** Raw recommendations of the stabilization windows, oldest first; without those that can no longer count. */
  recommendations: list(Recommendation),
  /** True after a restart: time has passed unseen, so the replicas that there are count as a recommendation. */
  reseed: Schema.optionalKey(Schema.Boolean),
  /** True while the target is switched off: no engine is asked, so none knows what has happened since. */
  switchedOff: Schema.optionalKey(Schema.Boolean),
  /** Successful rescales, for the rate policies; in slots, as the HPA keeps them, not by time. */
  ups: list(Rescale),
  downs: list(Rescale),
  lastUpAt: Schema.optionalKey(Millis),
  lastWriteAt: Schema.optionalKey(Millis),
  /** The value of the last write, while it stands: gone as soon as somebody else has changed it. */
  lastWritten: Schema.optionalKey(Schema.Int),
  /** The resourceVersion that the last write made: what is older than it tells nothing new. */
  writtenVersion: Schema.optionalKey(Schema.String),
  /** A write whose answer was lost: should the replicas become this, it was ours. */
  unsettled: Schema.optionalKey(Schema.Int),
  /** spec.replicas as last seen or written: any other value was somebody else's. */
  lastSeen: Schema.optionalKey(Schema.Int),
  /** Changes of spec.replicas that were not ours, within the last ten minutes. */
  foreignWrites: list(Millis),
  frozenUntil: Schema.optionalKey(Millis),
  /** Freezes in a row, for the backoff. */
  freezes: Schema.Int.pipe(Schema.withDecodingDefaultKey(Effect.succeed(0))),
  /** Since when each signal has not been Measured. */
  missingSince: Schema.Record(Schema.String, Millis).pipe(Schema.withDecodingDefaultKey(Effect.succeed({}))),
  /** After a harmful down-step was rolled back. */
  downBlockedUntil: Schema.optionalKey(Millis),
  lastDown: Schema.optionalKey(Schema.Struct({ at: Millis, from: Schema.Int, to: Schema.Int })),
  /** When a pod was last kept to learn what it is worth. */
  triedAt: Schema.optionalKey(Millis),
  /** What the schedules ask for, from one edge of theirs to the next, for the schedules with this hash. */
  schedules: Schema.optionalKey(
    Schema.Struct({
      hash: Schema.String,
      from: Millis,
      until: Millis,
      floor: Schema.optionalKey(Edge),
      ceiling: Schema.optionalKey(Edge)
    })
  ),
  /** Each engine's own memory under its registry key, in that engine's schema. */
  engines: Schema.Record(Schema.String, Schema.Unknown).pipe(Schema.withDecodingDefaultKey(Effect.succeed({})))
})
export type Memory = typeof Memory.Type

const decode = Schema.decodeUnknownResult(Memory)
const isNewer = Schema.is(Schema.Struct({ version: Schema.Int.check(Schema.isGreaterThan(MEMORY_VERSION)) }))

/** Memory as it was written down. Newer: a later version of the operator wrote it, and will want it back. */
export const readMemory = (json: unknown): Result.Result<Memory, "Newer" | "Unreadable"> =>
  decode(json).pipe(Result.mapError(() => (isNewer(json) ? "Newer" : "Unreadable")))
