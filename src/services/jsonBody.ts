/** The body of an answer as JSON of a known shape, or the reason why it is none. Never quotes the body. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { EgressAnswer } from "#services/Egress"
import { SourceError } from "#services/SourceError"

export const parseJson = (text: string): Result.Result<unknown, unknown> =>
  Result.try((): unknown => JSON.parse(text) as unknown)

export const jsonBody = <A>(
  schema: Schema.Codec<A, unknown>,
  answer: EgressAnswer,
  expected: string
): Effect.Effect<A, SourceError> => {
  const malformed = (what: string) =>
    new SourceError({
      why: "Malformed",
      detail: `${answer.url} answered with ${what} instead of ${expected}. Check that the URL names that server itself.`
    })
  const parsed = parseJson(answer.body)
  if (Result.isFailure(parsed)) return Effect.fail(malformed("text that is not JSON, or was cut off,"))
  const decoded = Schema.decodeUnknownResult(schema)(parsed.success)
  return Result.isFailure(decoded) ? Effect.fail(malformed("other JSON")) : Effect.succeed(decoded.success)
}
