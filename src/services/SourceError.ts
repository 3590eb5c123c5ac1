/**
 * Why an outside system gave no number. Its reasons are the reasons of a Missing, so that what a service could not
 * do reaches the person who wrote the policy in the same words, and can never turn into a value on the way.
 */
import * as Schema from "effect/Schema"
import { missing, MissingReason } from "#schemas/Reading"
import type { Missing } from "#schemas/Reading"

export class SourceError extends Schema.TaggedError<SourceError>()("SourceError", {
  why: MissingReason,
  /** What happened and what to do about it; never a credential, never a raw body. */
  detail: Schema.String
}) {
  override get message() {
    return this.detail
  }

  get missing(): Missing {
    return missing(this.why, this.detail)
  }
}
