/**
 * Who may ask. Tokens are compared without telling by time how much of them was right; a listener on loopback
 * answers only to names of this machine, so that no web page can reach it through a name of its own.
 */
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { createHash, timingSafeEqual } from "node:crypto"
import type { Review } from "#dashboard/review"
import { isOwnName, ONLY_OWN_NAMES } from "#services/ownNames"
import { isLoopback } from "#services/Settings"

const digest = (text: string) => createHash("sha256").update(text).digest()

/** The token that came along: as a bearer, or as the password of a browser's login window. */
const givenIn = (header: string | undefined): string | undefined => {
  const [scheme = "", value = ""] = (header ?? "").split(/ +/, 2)
  switch (scheme.toLowerCase()) {
    case "bearer":
      return value
    case "basic":
      return Buffer.from(value, "base64")
        .toString("utf8")
        .replace(/^[^:]*:/, "")
    default:
      return undefined
  }
}

const carries = (header: string | undefined, token: Redacted.Redacted<string>): boolean => {
  const given = givenIn(header)
  return given !== undefined && timingSafeEqual(digest(given), digest(Redacted.value(token)))
}

export const refuse = (status: number, error: string, headers: Readonly<Record<string, string>> = {}) =>
  HttpServerResponse.jsonUnsafe({ error }, { status, headers })

type Refusal = Effect.Effect<
  HttpServerResponse.HttpServerResponse | undefined,
  never,
  HttpServerRequest.HttpServerRequest
>

/** For what listens on loopback and has no token: only the names of this machine. */
export const ownNamesGuard: Refusal = HttpServerRequest.HttpServerRequest.useSync(({ headers }) =>
  isOwnName(headers["host"]) ? undefined : refuse(421, ONLY_OWN_NAMES)
)

/** For the dashboard: its token where it has one, else only the names of this machine. */
export const dashboardGuard = (token: Redacted.Redacted<string> | undefined): Refusal =>
  HttpServerRequest.HttpServerRequest.useSync(({ headers }) => {
    if (token !== undefined) {
      return carries(headers["authorization"], token)
        ? undefined
        : refuse(401, "Send the token of DASHBOARD_TOKEN: Authorization: Bearer <token>", {
            "www-authenticate": 'Basic realm="nimbusguard", charset="UTF-8"'
          })
    }
    return isOwnName(headers["host"])
      ? undefined
      : refuse(
          421,
          "Ask for http://localhost: without DASHBOARD_TOKEN the dashboard answers only to this machine's names"
        )
  })

const LOGIN = { "www-authenticate": 'Basic realm="nimbusguard", charset="UTF-8"' }

/** For a dashboard that listens to the network: its own token where it has one, else a Kubernetes token of whoever asks. */
export const reviewedGuard = (token: Redacted.Redacted<string> | undefined, review: Review): Refusal =>
  HttpServerRequest.HttpServerRequest.use(({ headers }) => {
    const header = headers["authorization"]
    if (token !== undefined && carries(header, token)) return Effect.succeed(undefined)
    const given = givenIn(header) ?? ""
    if (given === "") {
      const ask = "Send a Kubernetes token that may list scalingpolicies: Authorization: Bearer <token>"
      return Effect.succeed(refuse(401, ask, LOGIN))
    }
    return Effect.map(review(given), (verdict) => {
      switch (verdict) {
        case "Allowed":
          return undefined
        case "Unknown":
          return refuse(401, "The cluster does not know this token: make a new one with kubectl create token", LOGIN)
        case "Forbidden":
          return refuse(403, "The token's owner may not list scalingpolicies in all namespaces")
        case "Unanswered":
          return refuse(503, "The cluster could not be asked about the token: try again", { "retry-after": "2" })
      }
    })
  })

/** For events: their own token where there is one, else only callers on this machine, a port-forward for example. */
export const eventsGuard = (token: Redacted.Redacted<string> | undefined): Refusal =>
  HttpServerRequest.HttpServerRequest.useSync(({ headers, remoteAddress }) => {
    if (token !== undefined) {
      return carries(headers["authorization"], token)
        ? undefined
        : refuse(401, "Send the token of EVENTS_TOKEN: Authorization: Bearer <token>", { "www-authenticate": "Bearer" })
    }
    return Option.exists(remoteAddress, isLoopback) && isOwnName(headers["host"])
      ? undefined
      : refuse(
          403,
          "Without EVENTS_TOKEN only callers on loopback are heard: use kubectl port-forward, or set EVENTS_TOKEN"
        )
  })
