/**
 * The API's place on the listener. What it is made of, its schemas and handlers, is loaded with the first request that
 * wants it: an operator that nobody looks at starts without it, and holds none of it.
 */
import * as ByteSize from "effect/ByteSize"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerError from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import type { Closing } from "#dashboard/Closing"
import { refuse } from "#dashboard/guard"
import type { Operations } from "#dashboard/Operations"
import type { Health } from "#operator/Health"
import type { Ledger } from "#operator/Ledger"

/** Names have 253 characters, and each may be three of an address. */
const NAME_MAX = 3 * 253

const BODY_MAX = 64 * 1024

const METHODS = ["GET", "POST"] as const

const TOO_LONG = refuse(413, `Send at most ${BODY_MAX} bytes`)
const NOT_JSON = refuse(415, "Send JSON, with the header Content-Type: application/json")

/** What the API's own decoding could not read, in its words; undefined: something else went wrong. */
const misread = (defect: unknown): HttpServerResponse.HttpServerResponse | undefined => {
  if (HttpServerError.isHttpServerError(defect) && defect.reason._tag === "RequestParseError") {
    return defect.reason.reason === "BodyTooLarge" ? TOO_LONG : refuse(400, "The body could not be read: send it again")
  }
  if (typeof defect !== "object" || defect === null || !("_tag" in defect) || defect._tag !== "HttpApiSchemaError") {
    return undefined
  }
  const cause = "cause" in defect && defect.cause instanceof Error ? defect.cause.message : ""
  return refuse(400, `This is not understood: ${cause.replaceAll(/\s*\n\s*/gu, " ")}. See /api/v1/openapi.json`)
}

/** `otherwise` answers what the API does not know. */
export const apiRoutes = (
  otherwise: Effect.Effect<HttpServerResponse.HttpServerResponse, never, HttpServerRequest.HttpServerRequest>
) =>
  HttpRouter.use(
    Effect.fnUntraced(function* (router) {
      const scope = yield* Effect.scope
      const memoMap = yield* Layer.makeMemoMap
      // With a memo of its own: the inner router would else be this one, and what neither knows would go round for ever.
      const context = (yield* Effect.context<Closing | Health | Ledger | Operations>()).pipe(
        Context.add(Scope.Scope, scope),
        Context.add(Layer.CurrentMemoMap, memoMap),
        Context.add(HttpRouter.RouterConfig, { maxParamLength: NAME_MAX })
      )
      // Not in the context of the request that comes first: the handlers would take all others for that one.
      const only: (before: Context.Context<never>) => typeof context = () => context
      const loaded = yield* Effect.cached(
        Effect.promise(() => import("#dashboard/api/handlers")).pipe(
          Effect.flatMap(({ layerApi }) => HttpRouter.toHttpEffect(layerApi)),
          Effect.updateContext(only)
        )
      )
      const serve = Effect.gen(function* () {
        const request = yield* HttpServerRequest.HttpServerRequest
        if (!(Number(request.headers["content-length"] ?? 0) <= BODY_MAX)) return TOO_LONG
        const answer = yield* Effect.flatten(loaded)
        return answer.status === 415 ? NOT_JSON : answer
      }).pipe(
        // A body in chunks does not say its length before.
        Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(BODY_MAX)),
        Effect.catchTag("HttpServerError", () => otherwise),
        Effect.catchDefect((defect) => {
          const said = misread(defect)
          return said === undefined ? Effect.die(defect) : Effect.succeed(said)
        })
      )
      for (const method of METHODS) yield* router.add(method, "/api/v1/*", serve)
    })
  )
