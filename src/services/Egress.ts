/**
 * The port to every URL that a tenant names. Whoever implements it keeps the promises that callers rely on: no
 * request reaches an address that tenants may not name, credentials never leave the origin they were meant for,
 * and no answer is larger than its kind may be, in bytes or in what a parser would make of them.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { SourceError } from "#services/SourceError"
import type { TlsMaterial } from "#services/tlsMaterial"

export interface AnswerLimit {
  readonly bytesMax: number
  /** Values of JSON, about: see jsonTokens. */
  readonly tokensMax: number
}

const MEBIBYTE = 1024 * 1024
export const ANSWER_BYTES_MAX = 10 * MEBIBYTE
/** Nothing that is asked nests deeper. */
export const ANSWER_DEPTH_MAX = 64

/** By what is asked for: docs/adr/0014 tells where the numbers come from. */
export const ANSWER_LIMITS = {
  /** What one number is made from. */
  number: { bytesMax: MEBIBYTE, tokensMax: 50_000 },
  /** What a server has of everything, where it cannot be asked for less. */
  listing: { bytesMax: 4 * MEBIBYTE, tokensMax: 200_000 },
  /** The operator's own question to its own server: no tenant has a word in it. */
  own: { bytesMax: ANSWER_BYTES_MAX, tokensMax: 500_000 }
} as const satisfies Record<string, AnswerLimit>
export type AnswerKind = keyof typeof ANSWER_LIMITS

/** Of all answers together that are on their way, beyond the first `SMALL_ANSWER_BYTES` of each. */
export const ANSWERS_BYTES_MAX = 32 * 1024 * 1024
export const SMALL_ANSWER_BYTES = 64 * 1024
export const REDIRECTS_MAX = 3
export const TIMEOUT_MILLIS = 10_000

/** Each tag is a MissingReason of the same name. */
export const EgressReason = Schema.Union([
  Schema.TaggedStruct("BadOptions", {}),
  Schema.TaggedStruct("Blocked", {
    rule: Schema.Literals(["LinkLocal", "Metadata", "Loopback", "Unroutable", "Downgrade"])
  }),
  /** Refused, reset, no such name, no trust in the certificate. */
  Schema.TaggedStruct("Unreachable", {}),
  Schema.TaggedStruct("Timeout", {}),
  Schema.TaggedStruct("TooLarge", {}),
  /** Not HTTP, cut off, or an encoding nobody asked for. */
  Schema.TaggedStruct("Malformed", {}),
  Schema.TaggedStruct("Unauthorized", {}),
  Schema.TaggedStruct("Forbidden", {}),
  Schema.TaggedStruct("NotFound", {}),
  Schema.TaggedStruct("Throttled", {}),
  Schema.TaggedStruct("HttpStatus", { status: Schema.Int })
])
export type EgressReason = typeof EgressReason.Type

/** Who has to do something, and what. Ends the sentence that the error's detail starts. */
const remedies = {
  BadOptions: "Correct the URL or the headers in the policy.",
  Blocked:
    "Name a server that tenants may reach; addresses of the machine, the link and the cloud's metadata are never asked.",
  Unreachable: "Check the address, that the server runs, and that a NetworkPolicy lets the operator reach it.",
  Timeout: "Check that the server is up and not overloaded, or make the question cheaper.",
  TooLarge:
    "Ask a narrower question, one whose answer is a number and not a listing (in PromQL: aggregate with sum()).",
  Malformed: "Check that the URL names the server itself and not a proxy's error page.",
  Unauthorized: "Give valid credentials with headerSecrets, basicAuth or bearerSecret.",
  Forbidden: "Let these credentials read there, or give others with headerSecrets, basicAuth or bearerSecret.",
  NotFound: "Check the path of the URL.",
  Throttled: "Ask less often (a longer interval), or raise the server's limit.",
  HttpStatus: "Look at the server's own log for the cause."
} as const satisfies Record<EgressReason["_tag"], string>

export class EgressError extends Schema.TaggedError<EgressError>()("EgressError", {
  reason: EgressReason,
  /** Printable: without user, password, query and fragment. */
  url: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `${this.url} ${this.detail}. ${remedies[this.reason._tag]}`
  }

  get sourceError(): SourceError {
    return new SourceError({ why: this.reason._tag, detail: this.message })
  }
}

export interface EgressRequest {
  readonly method: "GET" | "POST"
  readonly url: string
  /** All of them may be credentials, so none follows a redirect to another origin. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: { readonly contentType: string; readonly text: string }
  /** For this origin alone: after a redirect to another one, neither its authorities nor its certificate count. */
  readonly tls?: TlsMaterial
  /** The operator's own configuration named the URL, not a tenant: loopback is allowed, until a redirect. */
  readonly trusted?: boolean
  /** How much may be answered; absent: what one number takes. */
  readonly answer?: AnswerKind
  /** For everything: connecting, redirects and the whole body. */
  readonly timeoutMillis?: number
}

export interface EgressAnswer {
  readonly status: number
  readonly body: string
  /** The header Retry-After, as it came. */
  readonly retryAfter?: string
  /** Printable address of the server that answered. */
  readonly url: string
  /** The answer came from another origin, which was asked without the request's headers. */
  readonly strippedOfCredentials: boolean
}

export class Egress extends Context.Service<
  Egress,
  { readonly request: (request: EgressRequest) => Effect.Effect<EgressAnswer, EgressError> }
>()("nimbusguard/services/Egress") {}

/** What may be shown of a URL: a user, a password or a token in its query is nobody's business. */
export const printableUrl = (url: string): string => {
  if (!URL.canParse(url)) return "The URL"
  const { host, pathname, protocol } = new URL(url)
  return `${protocol}//${host}${pathname === "/" ? "" : pathname}`
}

/** Shorter ones are words that anything may hold. */
const SECRET_CHARS_MIN = 4

/** Whether words of a server repeat a header that it was sent, or the password in one: then they are not to be shown. */
export const repeatsHeader = (words: string, headers: EgressRequest["headers"] = {}): boolean =>
  Object.values(headers)
    .flatMap((value) => {
      const [, scheme = "", credentials = value] = /^(basic|bearer) +(.*)$/iu.exec(value) ?? []
      if (scheme.toLowerCase() !== "basic") return [credentials]
      const pair = Result.getOrElse(Base64.decodeString(credentials), () => "")
      return [credentials, pair.slice(pair.indexOf(":") + 1)]
    })
    .some((secret) => secret.length >= SECRET_CHARS_MIN && words.includes(secret))

const reasonOfStatus = (status: number): EgressReason => {
  switch (status) {
    case 401:
      return { _tag: "Unauthorized" }
    case 403:
      return { _tag: "Forbidden" }
    case 404:
      return { _tag: "NotFound" }
    case 429:
      return { _tag: "Throttled" }
    default:
      return { _tag: "HttpStatus", status }
  }
}

/** The failure that an answer outside 2xx is. `said`: the server's own words, where its protocol has a place for them. */
export const statusError = (answer: EgressAnswer, said?: string): EgressError =>
  new EgressError({
    reason: reasonOfStatus(answer.status),
    url: answer.url,
    detail:
      `answered with HTTP ${answer.status}` +
      (said === undefined ? "" : `: ${said.slice(0, 300)}`) +
      (answer.strippedOfCredentials
        ? ", after a redirect to this other origin, which never gets the policy's headers: name it in the policy instead"
        : "")
  })
