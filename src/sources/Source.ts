/**
 * The contract of a source: options in, a Reading out, never a number for an error. It cannot fail: whatever goes
 * wrong is a Missing or Stale that says why. One file in src/sources and one line in its index add one.
 */
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type { Target, TargetType } from "#schemas/Policy"
import type { PodState } from "#schemas/kubernetes/Pod"
import { missing } from "#schemas/Reading"
import type { Millis, Missing, Reading } from "#schemas/Reading"

export interface SampleInput<Options> {
  readonly options: Options
  /** Namespace of the policy: where Secrets are looked up. */
  readonly namespace: string
  readonly target: Target
  /** The target's pods by owner, from the shared watch. */
  readonly pods: ReadonlyArray<PodState>
  readonly at: Millis
  /** What the signal's target compares: decides the unit of a value that can be told in two. */
  readonly targetType: TargetType | undefined
  /** How much of it, in thousandths: decides how many pods could have work at all. */
  readonly targetMilli: number | undefined
  readonly onEmpty: "Missing" | "Zero"
  readonly maxSampleAgeMillis: number | undefined
}

export interface Source<Options, R> {
  readonly name: string
  readonly description: string
  /** Encoded side is what the CRD shows under `signals[].<name>` and, by the seed's names, under `metric.<name>`. */
  readonly options: Schema.Codec<Options, unknown>
  /** Options in the encoded form, used by contract tests and the docs. */
  readonly example: unknown
  /** False: the API accepts it, this version does not read it yet; every sample is Missing(NotBuilt). */
  readonly built: boolean
  /** A backlog outside the pods: true with nobody running. */
  readonly worksAtZero: boolean
  /** What the outside is asked, where that is less than the options: policies with one question tick together. */
  readonly question?: (options: Options, namespace: string) => unknown
  readonly sample: (input: SampleInput<Options>) => Effect.Effect<Reading, never, R>
}

/** Beyond it a double no longer counts by ones, and no replica count was ever meant. */
const LARGEST = Number.MAX_SAFE_INTEGER

/** Why this number must not be acted upon; undefined when it may. `what` begins the sentence. */
export const unusable = (value: number, what: string): Missing | undefined => {
  if (Number.isNaN(value)) {
    return missing("NotANumber", `${what} is NaN. Look for a division by zero or for series that do not exist.`)
  }
  if (value === Infinity || value === -Infinity) {
    return missing("NotANumber", `${what} is infinite. Look for a division by zero.`)
  }
  if (value < 0) {
    return missing("Negative", `${what} is negative, which no load can be. Correct its origin, or clamp it at zero.`)
  }
  return value > LARGEST ? missing("Overflow", `${what} is too large to be true. Correct its origin.`) : undefined
}

/** What a plug answers that the API knows and this version does not read: absence, so nothing is scaled by it. */
export const notBuilt = (name: string) => (): Effect.Effect<Missing> =>
  Effect.succeed(
    missing(
      "NotBuilt",
      `The source ${name} is not in this version yet. Use prometheus with an exporter's query, or remove the signal.`
    )
  )
