/**
 * The port to any endpoint that answers in JSON. Policies that ask the same thing within a moment share one request,
 * and each picks its own number out of the answer.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Egress, printableUrl, statusError } from "#services/Egress"
import type { EgressRequest } from "#services/Egress"
import { jsonBody } from "#services/jsonBody"
import { sharedAnswers } from "#services/sharedAnswers"
import type { SourceError } from "#services/SourceError"
import { traced } from "#services/traced"

export interface JsonAnswer {
  readonly json: Schema.Json
  /** Printable address of the server that answered. */
  readonly url: string
}

export type JsonQuestion = Pick<EgressRequest, "method" | "url" | "headers" | "body" | "tls">

export class HttpJson extends Context.Service<
  HttpJson,
  { readonly ask: (question: JsonQuestion) => Effect.Effect<JsonAnswer, SourceError> }
>()("nimbusguard/services/HttpJson") {}

/** Larger answers are shared while they are on their way, and not kept. */
const CHARS_KEPT_MAX = 8192

const make = Effect.gen(function* () {
  const egress = yield* Egress

  const ask = traced("HttpJson.ask")(function* (question: JsonQuestion) {
    yield* Effect.annotateCurrentSpan("url", printableUrl(question.url))
    const answer = yield* egress.request(question).pipe(Effect.mapError((error) => error.sourceError))
    if (answer.status < 200 || answer.status > 299) return yield* statusError(answer).sourceError
    // Not looked through: a document may nest deeper than a walk of it could go.
    const json = (yield* jsonBody(Schema.Unknown, answer, "JSON")) as Schema.Json
    return { json, url: answer.url, chars: answer.body.length }
  })

  const shared = yield* sharedAnswers(ask, { keeps: ({ chars }) => chars <= CHARS_KEPT_MAX })

  return HttpJson.of({
    ask: ({ body, headers = {}, method, tls, url }) =>
      shared({
        method,
        url,
        headers: Object.fromEntries(Object.entries(headers).toSorted(([a], [b]) => (a < b ? -1 : 1))),
        ...(body === undefined ? {} : { body }),
        ...(tls === undefined ? {} : { tls })
      })
  })
})

export const layer: Layer.Layer<HttpJson, never, Egress> = Layer.effect(HttpJson, make)
