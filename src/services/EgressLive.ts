/**
 * Egress over undici. One pool per origin and credentials, closed when unused; every address is judged after it was
 * resolved, on the very answer that the connection uses, and again after each redirect.
 */
import { createHash } from "node:crypto"
import { lookup as lookupName } from "node:dns"
import type { LookupFunction } from "node:net"
import { Agent, ProxyAgent } from "@effect/platform-node/Undici"
import type { Dispatcher } from "@effect/platform-node/Undici"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as RcMap from "effect/RcMap"
import * as Redacted from "effect/Redacted"
import { headerNameIssue } from "#schemas/Endpoint"
import { ANSWER_LIMITS, Egress, EgressError, printableUrl, REDIRECTS_MAX, TIMEOUT_MILLIS } from "#services/Egress"
import type { AnswerLimit, EgressAnswer, EgressRequest } from "#services/Egress"
import { makeJudge } from "#services/forbiddenAddresses"
import type { Judge } from "#services/forbiddenAddresses"
import { Allowance, blocked, exchange, ExchangeFailure, failureOf } from "#services/httpExchange"
import { judgedLookup } from "#services/judgedLookup"
import { proxyFor } from "#services/proxies"
import type { Proxies } from "#services/proxies"
import { Settings } from "#services/Settings"
import type { TlsMaterial } from "#services/tlsMaterial"
import { traced } from "#services/traced"
import { Turns } from "#services/turns"

const POOLS_MAX = 4096
const POOL_IDLE = "60 seconds"
/**
 * Not for the server's sake, which may answer fewer at once, but for the event loop's: each turn of it takes at most
 * one answer from each connection, so that a few connections and one slow turn make a queue that outlives deadlines.
 */
const CONNECTIONS_PER_POOL = 64
const CONNECT_MILLIS = 5_000
const HEADER_BYTES_MAX = 16_384

export interface EgressSettings {
  readonly insideCluster: boolean
  readonly proxies: Proxies
  /** How names become addresses. */
  readonly lookup: LookupFunction
}

/** What a pool is made from; its text is its key in the map. */
interface PoolKey {
  readonly origin: string
  readonly proxy: string | undefined
  readonly loopbackAllowed: boolean
  readonly credentials: string
  readonly tls: TlsMaterial | undefined
}

const makeDispatcher = (key: PoolKey, judge: Judge, lookup: LookupFunction): Dispatcher => {
  // The caller's deadline is the only clock of a request; undici's own would start anew with each byte.
  const limits = { maxHeaderSize: HEADER_BYTES_MAX, headersTimeout: 0, bodyTimeout: 0, allowH2: false }
  const pool = { ...limits, connections: CONNECTIONS_PER_POOL, pipelining: 1, keepAliveTimeout: 30_000 }
  return key.proxy === undefined
    ? new Agent({
        ...pool,
        connect: { ...key.tls, timeout: CONNECT_MILLIS, lookup: judgedLookup(judge, lookup, key.loopbackAllowed) }
      })
    : new ProxyAgent({ ...pool, uri: key.proxy, proxyTunnel: false, requestTls: { ...key.tls } })
}

const credentialsHash = (headers: Readonly<Record<string, string>>): string => {
  const entries = Object.entries(headers)
  if (entries.length === 0) return "none"
  const text = JSON.stringify(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)))
  return createHash("sha256").update(text).digest("hex")
}

/** User and password of a URL are sent as what they are, and stand in no URL any more. */
const separate = (url: URL, headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> => {
  if (url.username === "" && url.password === "") return headers
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
  url.username = ""
  url.password = ""
  const named = Object.keys(headers).some((name) => name.toLowerCase() === "authorization")
  return named ? headers : { ...headers, authorization: `Basic ${Buffer.from(pair).toString("base64")}` }
}

/** One request on its way: what is asked next, and with what. */
interface Leg {
  readonly url: URL
  readonly method: "GET" | "POST"
  readonly headers: Readonly<Record<string, string>>
  readonly body: EgressRequest["body"]
  readonly tls: TlsMaterial | undefined
  readonly trusted: boolean
  readonly limit: AnswerLimit
  readonly stripped: boolean
}

const parseUrl = (text: string, base?: string): URL => {
  const url = URL.canParse(text, base) ? new URL(text, base) : undefined
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new ExchangeFailure({ _tag: "BadOptions" }, "is not an http:// or https:// URL")
  }
  return url
}

const firstLeg = (request: EgressRequest): Leg => {
  const url = parseUrl(request.url)
  const given = Object.entries(request.headers ?? {})
  for (const [name] of given) {
    const issue = headerNameIssue(name)
    if (issue === undefined) continue
    throw new ExchangeFailure({ _tag: "BadOptions" }, `cannot be asked: the header ${name} ${issue}`)
  }
  // One spelling each, or a header could be sent twice with two meanings.
  const headers = Object.fromEntries(given.map(([name, value]) => [name.toLowerCase(), value]))
  return {
    url,
    method: request.method,
    headers: separate(url, headers),
    body: request.body,
    tls: request.tls,
    trusted: request.trusted === true,
    limit: ANSWER_LIMITS[request.answer ?? "number"],
    stripped: false
  }
}

/** Every redirect but a 303 asks the same question again: that is what a read-only API means by moving. */
const redirected = (leg: Leg, status: number, location: string): Leg => {
  const url = parseUrl(location, leg.url.href)
  if (leg.url.protocol === "https:" && url.protocol === "http:") throw blocked("Downgrade", printableUrl(url.href))
  const sameOrigin = url.origin === leg.url.origin
  const repeats = status !== 303
  if (!sameOrigin && repeats && leg.body !== undefined) {
    const there = printableUrl(url.href)
    const detail = `moved to ${there}, and what the policy sends is not sent on to other origins: name ${there} instead`
    throw new ExchangeFailure({ _tag: "HttpStatus", status }, detail)
  }
  const headers = separate(url, leg.headers)
  return {
    url,
    method: repeats ? leg.method : "GET",
    headers: sameOrigin ? headers : {},
    body: repeats ? leg.body : undefined,
    tls: sameOrigin ? leg.tls : undefined,
    trusted: leg.trusted && sameOrigin,
    limit: leg.limit,
    stripped: leg.stripped || (!sameOrigin && Object.keys(leg.headers).length > 0)
  }
}

const asError = (url: string) => (cause: unknown) => {
  const failure = failureOf(cause)
  return new EgressError({ reason: failure.reason, url: printableUrl(url), detail: failure.message })
}

const make = Effect.fn("EgressLive.make")(function* (settings: EgressSettings) {
  const judge = makeJudge()
  const allowance = new Allowance()
  const turns = new Turns()
  const pools = yield* RcMap.make({
    lookup: (text: string) =>
      Effect.acquireRelease(
        Effect.sync(() => makeDispatcher(JSON.parse(text) as PoolKey, judge, settings.lookup)),
        (dispatcher) => Effect.promise(() => dispatcher.destroy().catch(() => {}))
      ),
    idleTimeToLive: POOL_IDLE,
    capacity: POOLS_MAX
  })

  const travel = Effect.fnUntraced(function* (leg: Leg) {
    const loopbackAllowed = leg.trusted || !settings.insideCluster
    const rule = judge.host(leg.url.hostname, loopbackAllowed)
    if (rule !== undefined) return yield* Effect.fail(blocked(rule, leg.url.hostname))
    const key: PoolKey = {
      origin: leg.url.origin,
      proxy: proxyFor(settings.proxies, leg.url),
      loopbackAllowed,
      credentials: credentialsHash(leg.headers),
      tls: leg.tls
    }
    const dispatcher = yield* RcMap.get(pools, JSON.stringify(key)).pipe(
      Effect.mapError(() => new ExchangeFailure({ _tag: "Throttled" }, "was not asked: too many servers at once"))
    )
    const typed = leg.body === undefined ? {} : { "content-type": leg.body.contentType }
    return yield* Effect.tryPromise({
      try: (signal) =>
        exchange(leg.url, {
          dispatcher,
          allowance,
          turns,
          limit: leg.limit,
          method: leg.method,
          headers: { "user-agent": "nimbusguard", accept: "application/json", ...leg.headers, ...typed },
          body: leg.body?.text,
          signal
        }),
      catch: failureOf
    })
  }, Effect.scoped)

  const follow = Effect.fnUntraced(function* (request: EgressRequest) {
    let leg = yield* Effect.try({ try: () => firstLeg(request), catch: asError(request.url) })
    for (let redirects = 0; ; redirects++) {
      const from = leg
      const answer = yield* travel(from).pipe(Effect.mapError(asError(from.url.href)))
      const { location } = answer
      if (location === undefined) {
        const url = printableUrl(from.url.href)
        return {
          status: answer.status,
          body: answer.body,
          ...(answer.retryAfter === undefined ? {} : { retryAfter: answer.retryAfter }),
          url,
          strippedOfCredentials: from.stripped
        } satisfies EgressAnswer
      }
      if (redirects === REDIRECTS_MAX) {
        return yield* new EgressError({
          reason: { _tag: "HttpStatus", status: answer.status },
          url: printableUrl(request.url),
          detail: `redirects more than ${REDIRECTS_MAX} times`
        })
      }
      leg = yield* Effect.try({ try: () => redirected(from, answer.status, location), catch: asError(from.url.href) })
    }
  })

  return Egress.of({
    request: traced("Egress.request")(function* (request) {
      yield* Effect.annotateCurrentSpan("url", printableUrl(request.url))
      const millis = request.timeoutMillis ?? TIMEOUT_MILLIS
      return yield* follow(request).pipe(
        Effect.timeoutOrElse({
          duration: millis,
          orElse: () =>
            new EgressError({
              reason: { _tag: "Timeout" },
              url: printableUrl(request.url),
              detail: `did not answer within ${millis} ms`
            })
        })
      )
    })
  })
})

export const layerWith = (settings: EgressSettings): Layer.Layer<Egress> => Layer.effect(Egress, make(settings))

export const layer: Layer.Layer<Egress, never, Settings> = Layer.effect(
  Egress,
  Effect.gen(function* () {
    const { httpProxy, httpsProxy, inCluster, noProxy } = yield* Settings
    const reveal = (url: Redacted.Redacted<string> | undefined) => (url === undefined ? undefined : Redacted.value(url))
    return yield* make({
      insideCluster: inCluster,
      proxies: { http: reveal(httpProxy), https: reveal(httpsProxy), except: noProxy },
      lookup: lookupName as LookupFunction
    })
  })
)
