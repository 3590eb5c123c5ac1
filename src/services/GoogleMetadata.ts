/**
 * The port to the one page of Google's metadata server that the operator may ever ask: the token of its own workload
 * identity. It takes no argument, so that nothing a tenant writes can change where it goes or what it asks.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { EgressAnswer } from "#services/Egress"
import type { SourceError } from "#services/SourceError"

/** Of the operator's own service account, and for reading metrics only. */
export const METADATA_PATH =
  "/computeMetadata/v1/instance/service-accounts/default/token?scopes=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fmonitoring.read"

export class GoogleMetadata extends Context.Service<
  GoogleMetadata,
  { readonly token: Effect.Effect<EgressAnswer, SourceError> }
>()("nimbusguard/services/GoogleMetadata") {}
