/**
 * Turns an HTTP answer of an API server into one of our reasons. Pure and apart from any transport, so that the
 * live layer and every in-memory API server fail in the same words.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { KubernetesError, type KubernetesReason, type KubernetesRequest } from "#services/Kubernetes"

/** The fields of `kind: Status` that say what went wrong. */
const Status = Schema.Struct({
  reason: Schema.optionalKey(Schema.String),
  message: Schema.optionalKey(Schema.String),
  code: Schema.optionalKey(Schema.Int),
  details: Schema.optionalKey(Schema.Struct({ retryAfterSeconds: Schema.optionalKey(Schema.Int) }))
})
type Status = typeof Status.Type

const decodeStatus = Schema.decodeUnknownOption(Status)

const DEFAULT_RETRY_AFTER_MILLIS = 1000
const RETRY_AFTER_MAX_MILLIS = 120_000
const DETAIL_MAX_CHARS = 600

export interface Answer {
  readonly method: KubernetesRequest["method"]
  readonly status: number
  /** The parsed body; whatever it is when it is not a Status. */
  readonly body: unknown
  /** The header, in seconds or as an HTTP date. */
  readonly retryAfter?: string | undefined
  readonly nowMillis: number
}

export const requestName = (method: string, path: string): string => `${method} ${path}`

export const failureOf = (request: string, answer: Answer): KubernetesError => {
  const status = Option.getOrElse(decodeStatus(answer.body), (): Status => ({}))
  const said = status.message ?? status.reason ?? "the server gave no reason"
  return new KubernetesError({
    request,
    reason: reasonOf(answer, status),
    detail: `HTTP ${answer.status}: ${said}`.slice(0, DETAIL_MAX_CHARS)
  })
}

/** What an ERROR event of a watch says; it comes with HTTP 200, so that its own code counts. */
export const watchFailureOf = (request: string, object: unknown, nowMillis: number): KubernetesError => {
  const code = Option.getOrElse(decodeStatus(object), (): Status => ({})).code ?? 500
  return failureOf(request, { method: "GET", status: code, body: object, nowMillis })
}

const reasonOf = (answer: Answer, status: Status): KubernetesReason => {
  switch (answer.status) {
    case 400:
    case 405:
    case 406:
    case 413:
    case 415:
    case 422:
      return { _tag: "Invalid" }
    case 401:
      return { _tag: "Unauthorized" }
    case 403:
      return { _tag: "Forbidden" }
    case 404:
      return { _tag: "NotFound" }
    case 409:
      return status.reason === "AlreadyExists" ? { _tag: "AlreadyExists" } : { _tag: "Conflict" }
    case 410:
      return { _tag: "Gone" }
  }
  const asked = retryAfterMillis(answer, status)
  if (answer.status === 429) return { _tag: "Throttled", retryAfterMillis: asked ?? DEFAULT_RETRY_AFTER_MILLIS }
  if (answer.status < 500) return { _tag: "Malformed" } // a redirect, or a success that is none
  // 429 and 503 with a Retry-After were turned away at the door. Any other 5xx may come from behind it (etcd timed
  // out, a proxy lost its upstream), so that a write may have happened all the same.
  const turnedAway = answer.status === 503 && asked !== undefined
  if (answer.method !== "GET" && !turnedAway) return { _tag: "Unknown" }
  return asked === undefined
    ? { _tag: "ServerError", status: answer.status }
    : { _tag: "Throttled", retryAfterMillis: asked }
}

const retryAfterMillis = (answer: Answer, status: Status): number | undefined => {
  const text = answer.retryAfter?.trim() ?? ""
  const date = dateMillis(text)
  const asked = /^\d{1,9}$/u.test(text)
    ? Number(text) * 1000
    : date !== undefined
      ? date - answer.nowMillis
      : status.details?.retryAfterSeconds === undefined
        ? undefined
        : status.details.retryAfterSeconds * 1000
  return asked === undefined ? undefined : Math.min(Math.max(Math.round(asked), 0), RETRY_AFTER_MAX_MILLIS)
}

/** An HTTP date has letters in it; anything shorter is no date. */
const dateMillis = (text: string): number | undefined => {
  const millis = /[a-z]/iu.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(millis) ? undefined : millis
}
