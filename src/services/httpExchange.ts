/**
 * One HTTP exchange on one connection pool: the answer as text, bounded as it streams in, before and after it is
 * unpacked, so that neither a flood nor a gzip bomb ever sits in memory.
 */
import { Transform } from "node:stream"
import type { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { createGunzip } from "node:zlib"
import { request } from "@effect/platform-node/Undici"
import type { Dispatcher } from "@effect/platform-node/Undici"
import { ANSWER_DEPTH_MAX, ANSWERS_BYTES_MAX, SMALL_ANSWER_BYTES } from "#services/Egress"
import type { AnswerLimit, EgressReason } from "#services/Egress"
import type { Rule } from "#services/forbiddenAddresses"
import { JsonTokens } from "#services/jsonTokens"
import type { Turns } from "#services/turns"

export interface Exchange {
  readonly status: number
  readonly location: string | undefined
  readonly retryAfter?: string | undefined
  readonly body: string
}

/** Thrown inside Node's callbacks only; EgressLive turns it into an EgressError. */
export class ExchangeFailure extends Error {
  readonly reason: EgressReason
  constructor(reason: EgressReason, detail: string) {
    super(detail)
    this.reason = reason
  }
}

export const blocked = (rule: Rule, host: string): ExchangeFailure => {
  const why = {
    LinkLocal: "is a link-local address",
    Metadata: "is the cloud's metadata service",
    Loopback: "is this machine itself",
    Unroutable: "is no address of a single server",
    Downgrade: "would be asked without TLS"
  }
  return new ExchangeFailure({ _tag: "Blocked", rule }, `is refused, because ${host} ${why[rule]}`)
}

/** Parsed at once, in any number: less than a millisecond each. */
export const SMALL_ANSWER_TOKENS = 1_000

const tooLarge = ({ bytesMax }: AnswerLimit) =>
  new ExchangeFailure(
    { _tag: "TooLarge" },
    `answered with more than ${bytesMax / 1024 / 1024} MiB, of which nothing was used`
  )

const tooMany = ({ tokensMax }: AnswerLimit) =>
  new ExchangeFailure(
    { _tag: "TooLarge" },
    `answered with more than ${tokensMax} values, or nested deeper than ${ANSWER_DEPTH_MAX}, of which nothing was used`
  )

/**
 * The memory that large answers share: what one tenant is sent must not end the process for all. Small ones need
 * none of it, so that they come through whatever others are sent.
 */
export class Allowance {
  #left = ANSWERS_BYTES_MAX

  /** Runs the work, which says how much it holds by now, and has everything back when it ends. */
  async during<A>(work: (holds: (bytes: number) => void) => Promise<A>): Promise<A> {
    let taken = 0
    try {
      return await work((bytes) => {
        const more = Math.max(bytes - SMALL_ANSWER_BYTES - taken, 0)
        if (more > this.#left) throw crowded()
        this.#left -= more
        taken += more
      })
    } finally {
      this.#left += taken
    }
  }
}

const crowded = () =>
  new ExchangeFailure(
    { _tag: "TooLarge" },
    `answered at length, while the large answers of others fill the ${ANSWERS_BYTES_MAX / 1024 / 1024} MiB that all share`
  )

const atMost = (limit: AnswerLimit) => {
  let seen = 0
  return new Transform({
    transform(chunk: Buffer, _, done) {
      seen += chunk.length
      if (seen > limit.bytesMax) done(tooLarge(limit))
      else done(null, chunk)
    }
  })
}

interface Collected {
  readonly bytes: Buffer
  readonly tokens: number
}

const collected = async (
  source: AsyncIterable<Buffer>,
  limit: AnswerLimit,
  holds: (bytes: number) => void
): Promise<Collected> => {
  const chunks: Array<Buffer> = []
  const tokens = new JsonTokens()
  let seen = 0
  for await (const chunk of source) {
    seen += chunk.length
    if (seen > limit.bytesMax) throw tooLarge(limit)
    tokens.add(chunk)
    if (tokens.count > limit.tokensMax || tokens.depth > ANSWER_DEPTH_MAX) throw tooMany(limit)
    holds(seen)
    chunks.push(chunk)
  }
  return {
    bytes: chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks),
    tokens: tokens.count
  }
}

/** Without a pipeline where nothing is to be unpacked: that is nearly every answer, and a pipeline costs as much as the request. */
const readText = (url: URL, body: Readable, gzipped: boolean, options: ExchangeOptions): Promise<string> =>
  options.allowance.during(async (holds) => {
    const { limit, signal, turns } = options
    const { bytes, tokens } = gzipped
      ? await pipeline(body, atMost(limit), createGunzip(), (unpacked: AsyncIterable<Buffer>) =>
          collected(unpacked, limit, holds)
        )
      : await collected(body as AsyncIterable<Buffer>, limit, holds)
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes)
    if (tokens > SMALL_ANSWER_TOKENS) await turns.take(url.origin, tokens, signal)
    return text
  })

/** A number or a date. */
const RETRY_AFTER_CHARS_MAX = 40

const single = (header: string | ReadonlyArray<string> | undefined): string | undefined =>
  typeof header === "string" ? header : header?.join(", ")

/** Gives up on a body that nobody will read, without its errors reaching anybody. */
const discard = (body: Readable) => {
  body.on("error", () => {})
  body.destroy()
}

export interface ExchangeOptions {
  readonly dispatcher: Dispatcher
  readonly allowance: Allowance
  readonly turns: Turns
  readonly limit: AnswerLimit
  readonly method: "GET" | "POST"
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  readonly signal: AbortSignal
}

export const exchange = async (url: URL, options: ExchangeOptions): Promise<Exchange> => {
  const answer = await request(url, {
    dispatcher: options.dispatcher,
    method: options.method,
    headers: { ...options.headers, "accept-encoding": "gzip" },
    body: options.body ?? null,
    signal: options.signal
  })
  const status = answer.statusCode
  const location = status >= 300 && status < 400 ? single(answer.headers["location"]) : undefined
  if (location !== undefined) {
    discard(answer.body)
    return { status, location, body: "" }
  }
  const encoding = (single(answer.headers["content-encoding"]) ?? "identity").trim().toLowerCase()
  const gzipped = encoding === "gzip" || encoding === "x-gzip"
  if (!gzipped && encoding !== "identity" && encoding !== "") {
    discard(answer.body)
    throw new ExchangeFailure({ _tag: "Malformed" }, "answered in an encoding that it was not asked for")
  }
  if (Number(single(answer.headers["content-length"]) ?? 0) > options.limit.bytesMax) {
    discard(answer.body)
    throw tooLarge(options.limit)
  }
  const retryAfter = single(answer.headers["retry-after"])?.slice(0, RETRY_AFTER_CHARS_MAX)
  return { status, location: undefined, retryAfter, body: await readText(url, answer.body, gzipped, options) }
}

const codeOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "code" in error && typeof error.code === "string" ? error.code : ""

/** Error codes only: messages of libraries may quote what was sent. */
export const failureOf = (error: unknown): ExchangeFailure => {
  if (error instanceof ExchangeFailure) return error
  // Happy eyeballs tries several addresses and reports them together.
  if (error instanceof AggregateError && error.errors.length > 0) return failureOf(error.errors[0])
  if (error instanceof Error && error.cause instanceof ExchangeFailure) return error.cause
  const code = codeOf(error)
  const told = code === "" ? "" : ` (${code})`
  if (code === "UND_ERR_CONNECT_TIMEOUT" || code === "ETIMEDOUT") {
    return new ExchangeFailure({ _tag: "Timeout" }, `did not accept a connection in time${told}`)
  }
  if (code === "UND_ERR_HEADERS_OVERFLOW" || code === "HPE_HEADER_OVERFLOW") {
    return new ExchangeFailure({ _tag: "TooLarge" }, `answered with headers beyond any use${told}`)
  }
  if (code === "UND_ERR_INVALID_ARG" || error instanceof URIError) {
    return new ExchangeFailure({ _tag: "BadOptions" }, `cannot be asked like this${told}`)
  }
  // undici's parser leaves the code out for an answer that is no HTTP from its first byte.
  const unparsed = error instanceof Error && error.name === "HTTPParserError"
  const undecoded = error instanceof TypeError && code.startsWith("ERR_ENCODING")
  const garbled = unparsed || undecoded || /^(?:HPE_|Z_|UND_ERR_RES_|UND_ERR_RESPONSE)/u.test(code)
  if (garbled) return new ExchangeFailure({ _tag: "Malformed" }, `did not answer in whole, well-formed HTTP${told}`)
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
    return new ExchangeFailure({ _tag: "Unreachable" }, `has a name that cannot be resolved${told}`)
  }
  if (/CERT|SSL|TLS|SIGNATURE|ISSUER/u.test(code)) {
    return new ExchangeFailure(
      { _tag: "Unreachable" },
      `showed a certificate that is not trusted, or spoke no TLS${told}`
    )
  }
  return new ExchangeFailure({ _tag: "Unreachable" }, `could not be asked: the connection failed${told}`)
}
