/**
 * What a source says about one signal. Absence has a type of its own, so that no error can ever be mistaken
 * for a number: only `Measured` holds a value that may lower anything.
 */
import * as Schema from "effect/Schema"

/** Milliseconds since the epoch. */
export const Millis = Schema.Int
export type Millis = typeof Millis.Type

/**
 * One pod as the HPA's arithmetic needs it: usage and request in the metric's milli-units, and the facts by which
 * a pod counts as ready, unready or missing. The grouping itself is pure and lives in src/domain.
 */
export const PodSample = Schema.Struct({
  name: Schema.String,
  phase: Schema.String,
  deleting: Schema.Boolean,
  /** Absent: the pod has no Ready condition yet. */
  ready: Schema.optionalKey(Schema.Boolean),
  readyChangedAt: Schema.optionalKey(Millis),
  startedAt: Schema.optionalKey(Millis),
  requestMilli: Schema.optionalKey(Schema.Int),
  /** Absent: the metrics API has no sample of this pod. */
  usageMilli: Schema.optionalKey(Schema.Int),
  sampledAt: Schema.optionalKey(Millis),
  windowMillis: Schema.optionalKey(Schema.Int)
})
export type PodSample = typeof PodSample.Type

export const Measured = Schema.TaggedStruct("Measured", {
  value: Schema.Finite,
  at: Millis,
  /** Share of the target's pods that the value speaks for, 0..1. */
  coverage: Schema.Finite,
  /** Only from sources that sample pod by pod (resource). */
  pods: Schema.optionalKey(Schema.Array(PodSample)),
  /** True for CPU: starting up burns it, so the samples of pods that have just started are not believed. */
  warmUp: Schema.optionalKey(Schema.Boolean)
})
export type Measured = typeof Measured.Type

/** A number that was true once: shown, never acted upon to lower anything. */
export const Stale = Schema.TaggedStruct("Stale", {
  value: Schema.Finite,
  at: Millis,
  ageMillis: Schema.Int,
  detail: Schema.String
})
export type Stale = typeof Stale.Type

export const MissingReason = Schema.Literals([
  "Unreachable", // refused, reset, DNS
  "Timeout",
  "HttpStatus",
  "Unauthorized",
  "Forbidden",
  "NotFound",
  "Throttled",
  "Malformed", // not the protocol's shape, truncated, wrong type
  "NotANumber", // NaN, Inf
  "Negative",
  "Overflow",
  "Empty", // a well-formed answer without a sample
  "TooManySeries",
  "NotLeader",
  "NoStream",
  "NoConsumer",
  "AmbiguousConsumer",
  "NoPods", // the target has no pods to speak of
  "NoSamples", // pods, but no metrics of any
  "NoRequests", // utilization without resource requests
  "Blocked", // an address that tenants may not name
  "TooLarge",
  "BadOptions",
  "NoSecret",
  "NotBuilt", // accepted by the API, not yet in this version
  "NotGiven" // the line or record fed to `decide` holds no value for it
])
export type MissingReason = typeof MissingReason.Type

export const Missing = Schema.TaggedStruct("Missing", {
  why: MissingReason,
  /** What happened and what to do about it; never a credential, never a raw body. */
  detail: Schema.String
})
export type Missing = typeof Missing.Type

export const Reading = Schema.Union([Measured, Stale, Missing])
export type Reading = typeof Reading.Type

export const measured = (value: number, at: Millis, coverage = 1, pods?: ReadonlyArray<PodSample>): Measured =>
  pods === undefined ? { _tag: "Measured", value, at, coverage } : { _tag: "Measured", value, at, coverage, pods }

/** Names that servers give may be of any length, and are kept with each record that they are part of. */
const DETAIL_MAX = 2_000

/** What is no text but a command to the terminal that shows it. */
const CONTROLS = /[^\P{Cc}\n\t]+/gu

export const missing = (why: MissingReason, detail: string): Missing => {
  const text = detail.replace(CONTROLS, " ")
  return { _tag: "Missing", why, detail: text.length > DETAIL_MAX ? `${text.slice(0, DETAIL_MAX - 1)}…` : text }
}
