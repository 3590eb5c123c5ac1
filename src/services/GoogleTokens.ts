/**
 * The port to Google's access tokens: for the key of a service account, or for the operator's own workload identity.
 * A token is kept until shortly before it expires, so that a fleet of policies on one key asks for one an hour.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { SourceError } from "#services/SourceError"

/** The text of a service account's key, or the identity that the operator itself runs as. */
export type GoogleCredentials = Redacted.Redacted<string> | "WorkloadIdentity"

export class GoogleTokens extends Context.Service<
  GoogleTokens,
  {
    readonly token: (credentials: GoogleCredentials) => Effect.Effect<Redacted.Redacted<string>, SourceError>
    /** Google no longer takes it: the next one is asked for. */
    readonly forget: (credentials: GoogleCredentials) => Effect.Effect<void>
  }
>()("nimbusguard/services/GoogleTokens") {}
