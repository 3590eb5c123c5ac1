/** JSON as small as the asker can take: a fleet of thousands repeats itself, and often comes through a port-forward. */
import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { promisify } from "node:util"
import { gzip } from "node:zlib"

const zip = promisify(gzip)
/** Below this the envelope costs more than it saves. */
const WORTH_BYTES = 4_096

export const compressed = Effect.fn("dashboard.compressed")(function* ({ headers }: HttpServerRequest, body: unknown) {
  const text = JSON.stringify(body)
  if (text.length < WORTH_BYTES || !/\bgzip\b/u.test(headers["accept-encoding"] ?? "")) {
    return HttpServerResponse.text(text, { contentType: "application/json" })
  }
  const bytes = yield* Effect.promise(() => zip(text, { level: 4 }))
  return HttpServerResponse.uint8Array(bytes, {
    contentType: "application/json",
    headers: { "content-encoding": "gzip", vary: "accept-encoding" }
  })
})
