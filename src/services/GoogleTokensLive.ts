/** Tokens by a JWT that is signed here and exchanged over Egress, or as the metadata server gives them. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { Egress, statusError } from "#services/Egress"
import type { EgressAnswer } from "#services/Egress"
import { GoogleMetadata } from "#services/GoogleMetadata"
import { GoogleTokens } from "#services/GoogleTokens"
import type { GoogleCredentials } from "#services/GoogleTokens"
import { jsonBody, parseJson } from "#services/jsonBody"
import { keptAnswers } from "#services/keptAnswers"
import { readServiceAccountKey, signedAssertion } from "#services/serviceAccountKey"
import { SourceError } from "#services/SourceError"

const KEYS_MAX = 1024
const MARGIN_SECONDS = 300
/** Google gives an hour; who promises more is not believed. */
const KEPT_SECONDS_MAX = 3300
/** Short: whoever just created the key is waiting. Not shorter: a fleet with a bad key asks once. */
const FAILURE_KEPT = Duration.seconds(5)

const TokenAnswer = Schema.Struct({
  access_token: Schema.String.check(Schema.isPattern(/^[\x21-\x7e]{1,16384}$/u)),
  expires_in: Schema.optionalKey(Schema.Finite),
  token_type: Schema.optionalKey(Schema.String.check(Schema.isPattern(/^bearer$/iu)))
})

const TokenRefusal = Schema.Struct({
  error: Schema.String.check(Schema.isPattern(/^[a-z_]{1,64}$/u)),
  error_description: Schema.optionalKey(Schema.String)
})

interface Kept {
  readonly token: Redacted.Redacted<string>
  readonly keepFor: Duration.Duration
}

const keptSeconds = (expiresIn: number): number =>
  Math.min(Math.max(expiresIn - MARGIN_SECONDS, expiresIn / 2, 0), KEPT_SECONDS_MAX)

/** What was sent may come back in a server's words; then they are not repeated. */
const refusalOf = (answer: EgressAnswer, sent: string): SourceError => {
  const refusal = Schema.decodeUnknownResult(TokenRefusal)(Result.getOrUndefined(parseJson(answer.body)))
  if (Result.isFailure(refusal)) return statusError(answer).sourceError
  const { error, error_description = "" } = refusal.success
  const said = error_description.includes(sent) ? "" : error_description.replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, " ")
  const words = `${answer.url} gave no token (${error}${said === "" ? "" : `: ${said.slice(0, 200)}`}).`
  return error === "invalid_grant" || error === "invalid_client" || error === "unauthorized_client"
    ? new SourceError({
        why: "Unauthorized",
        detail: `${words} Put the JSON key of a service account that exists into credentialsSecret, and check the operator's clock.`
      })
    : new SourceError({ why: "HttpStatus", detail: `${words} Look up that word in Google's documentation of OAuth.` })
}

const make = Effect.gen(function* () {
  const egress = yield* Egress
  const metadata = yield* GoogleMetadata

  const exchanged = Effect.fnUntraced(function* (credentials: Redacted.Redacted<string>) {
    const key = readServiceAccountKey(Redacted.value(credentials))
    if (Result.isFailure(key)) {
      return yield* new SourceError({
        why: "BadOptions",
        detail: `The key that credentialsSecret names cannot be used: ${key.failure}. Store the JSON file that Google gives for a service account, as it is.`
      })
    }
    const assertion = signedAssertion(key.success, yield* Clock.currentTimeMillis)
    const text = new URLSearchParams({
      grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
      assertion
    }).toString()
    const answer = yield* egress
      .request({
        method: "POST",
        url: key.success.tokenUri,
        body: { contentType: "application/x-www-form-urlencoded", text }
      })
      .pipe(Effect.mapError((error) => error.sourceError))
    return answer.status === 200 ? answer : yield* refusalOf(answer, assertion)
  })

  const borrowed = Effect.flatMap(metadata.token, (answer) =>
    answer.status === 200
      ? Effect.succeed(answer)
      : Effect.fail(
          new SourceError({
            why: answer.status === 404 ? "NotFound" : "HttpStatus",
            detail: `Google's metadata server has no token for the operator (HTTP ${answer.status}). Bind the operator's ServiceAccount to a Google service account, or set credentialsSecret.`
          })
        )
  )

  const fetchToken = Effect.fn("GoogleTokens.fetch")(function* (credentials: GoogleCredentials) {
    const answer = yield* credentials === "WorkloadIdentity" ? borrowed : exchanged(credentials)
    const { access_token, expires_in = 0 } = yield* jsonBody(TokenAnswer, answer, "an access token")
    return {
      token: Redacted.make(access_token, { label: "Google access token" }),
      keepFor: Duration.seconds(keptSeconds(expires_in))
    } satisfies Kept
  })

  const kept = yield* keptAnswers({
    capacity: KEYS_MAX,
    lookup: fetchToken,
    timeToLive: (exit) => (Exit.isSuccess(exit) ? exit.value.keepFor : FAILURE_KEPT)
  })

  return GoogleTokens.of({
    token: (credentials) => Effect.map(kept.get(credentials), ({ token }) => token),
    forget: kept.forget
  })
})

export const layer: Layer.Layer<GoogleTokens, never, Egress | GoogleMetadata> = Layer.effect(GoogleTokens, make)
