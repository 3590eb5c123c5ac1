/**
 * The Kubernetes port over HTTP: one pool of connections for everything, credentials added to each request and
 * renewed when they are refused, deadlines that say what a lost answer means. Redirects are not followed, so no
 * credential ever reaches another server.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Agent, type Dispatcher, ProxyAgent, Socks5ProxyAgent } from "@effect/platform-node/Undici"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import type { HttpClientError } from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import { Kubernetes, KubernetesError, type KubernetesRequest, type RawWatchEvent } from "#services/Kubernetes"
import {
  type AccessError,
  type AccessOptions,
  type Credentials,
  findAccess,
  KubernetesAccess,
  type TlsMaterial
} from "#services/KubernetesAccess"
import { failureOf, requestName, watchFailureOf } from "#services/kubernetesStatus"
import { wasSent } from "#services/transportFailures"
import { VERSION } from "#services/version"
import { traced } from "#services/traced"

export interface LiveOptions extends AccessOptions {
  /** Told of every answer, for rest_client_requests_total; code is "<error>" where there was none. */
  readonly onAnswer?: (method: string, code: string, host: string) => Effect.Effect<void>
}

const TIMEOUT_MILLIS = 10_000
/** An API server answers a watch with its headers at once. */
const WATCH_OPEN_MILLIS = 15_000
const CONNECT_MILLIS = 5_000
/** Longer than two ticks, shorter than the idle timeouts of load balancers. */
const KEEP_ALIVE_MILLIS = 30_000
/** Bound tokens are replaced every hour or so. */
const CREDENTIALS_MILLIS = 60_000
const USER_AGENT = `nimbusguard/${VERSION}`

/** Both the port and what it is connected to. */
export const layer = (options: LiveOptions = {}): Layer.Layer<Kubernetes | KubernetesAccess, AccessError> =>
  Layer.provideMerge(layerTransport(options), Layer.effect(KubernetesAccess, findAccess(options)))

/** For a cluster that has been chosen elsewhere. */
export const layerTransport = (
  options: Pick<LiveOptions, "onAnswer"> = {}
): Layer.Layer<Kubernetes, never, KubernetesAccess> => Layer.effect(Kubernetes, makeLive(options))

interface Connection {
  readonly client: HttpClient.HttpClient
  readonly credentials: Credentials
  readonly loadedAt: number
}

const makeLive = Effect.fnUntraced(function* (options: Pick<LiveOptions, "onAnswer">) {
  const access = yield* KubernetesAccess
  const { cluster } = access
  const { host } = new URL(cluster.server)
  const scope = yield* Effect.scope
  const renewing = yield* Semaphore.make(1)
  let current: Connection | undefined
  let dispatcher: Dispatcher | undefined
  yield* Effect.addFinalizer(() => Effect.promise(async () => dispatcher?.destroy()))

  /** A new pool only where the certificates changed; the old one goes when its last watch ends. */
  const connect = Effect.fnUntraced(function* (credentials: Credentials) {
    const before = current
    const kept = before !== undefined && sameTls(before.credentials.tls, credentials.tls)
    if (!kept || dispatcher === undefined) {
      const old = dispatcher
      dispatcher = makeDispatcher(credentials.tls, cluster.proxyUrl)
      if (old !== undefined)
        yield* Effect.forkIn(
          Effect.promise(() => old.close()),
          scope
        )
    }
    const client = kept
      ? before.client
      : yield* Effect.provideService(NodeHttpClient.makeUndici, NodeHttpClient.Dispatcher, dispatcher)
    current = { client, credentials, loadedAt: yield* Clock.currentTimeMillis }
    return current
  })

  const isFresh = (connection: Connection, refused: Connection | undefined, now: number) =>
    connection !== refused && now - connection.loadedAt < CREDENTIALS_MILLIS

  /** `refused`: the connection whose credentials a server turned down. */
  const connection = Effect.fnUntraced(function* (name: string, refused?: Connection) {
    const renewed = Effect.gen(function* () {
      if (current !== undefined && isFresh(current, refused, yield* Clock.currentTimeMillis)) return current
      const loaded = yield* Effect.result(access.load(refused !== undefined))
      if (loaded._tag === "Success") return yield* connect(loaded.success)
      // What we have may still be good; if not, the server says so.
      if (current !== undefined && current !== refused) return current
      const { detail } = loaded.failure
      return yield* new KubernetesError({ request: name, reason: { _tag: "Unauthorized" }, detail })
    })
    if (current !== undefined && isFresh(current, refused, yield* Clock.currentTimeMillis)) return current
    return yield* Semaphore.withPermit(renewing, renewed)
  })

  const told = (method: string, code: string) => options.onAnswer?.(method, code, host) ?? Effect.void

  const execute = (via: Connection, request: KubernetesRequest) => {
    const name = requestName(request.method, request.path)
    const plain = HttpClientRequest.make(request.method)(`${cluster.server}${request.path}`, {
      headers: { ...via.credentials.headers, "user-agent": USER_AGENT, accept: "application/json" },
      urlParams: request.query ?? {}
    })
    const full =
      request.body === undefined
        ? plain
        : HttpClientRequest.bodyText(plain, JSON.stringify(request.body), request.contentType ?? "application/json")
    return via.client.execute(full).pipe(
      Effect.mapError((error) => transportFailure(name, request.method, error)),
      Effect.tapError(() => told(request.method, "<error>")),
      Effect.tap((response) => told(request.method, String(response.status)))
    )
  }

  /** Once more with new credentials if the old ones were refused: a 401 is answered before anything is done. */
  const authorized = Effect.fnUntraced(function* (request: KubernetesRequest) {
    const name = requestName(request.method, request.path)
    const first = yield* connection(name)
    const response = yield* execute(first, request)
    if (response.status !== 401) return response
    yield* Effect.ignore(response.text)
    return yield* execute(yield* connection(name, first), request)
  })

  const request = traced("Kubernetes.request")(function* (given: KubernetesRequest) {
    const name = requestName(given.method, given.path)
    yield* Effect.annotateCurrentSpan({ "k8s.request": name })
    const within = given.timeoutMillis ?? TIMEOUT_MILLIS
    const exchange = Effect.gen(function* () {
      const response = yield* authorized(given)
      const text = yield* bodyOf(name, given.method, response)
      return yield* parsed(name, given.method, response, text)
    })
    return yield* Effect.timeoutOrElse(exchange, {
      duration: within,
      orElse: () => Effect.fail(unanswered(name, given.method, `no answer within ${within} ms`))
    })
  })

  const watch = (
    path: string,
    query: Readonly<Record<string, string>>
  ): Stream.Stream<RawWatchEvent, KubernetesError> => {
    const name = requestName("WATCH", path)
    const opened = Effect.gen(function* () {
      const response = yield* authorized({ method: "GET", path, query })
      if (response.status === 200) return response.stream
      const text = yield* bodyOf(name, "GET", response)
      yield* parsed(name, "GET", response, text)
      return Stream.empty
    }).pipe(
      Effect.timeoutOrElse({
        duration: WATCH_OPEN_MILLIS,
        orElse: () => Effect.fail(unanswered(name, "GET", `not opened within ${WATCH_OPEN_MILLIS} ms`))
      })
    )
    return Stream.unwrap(opened).pipe(
      Stream.mapError((error) => (error._tag === "KubernetesError" ? error : transportFailure(name, "GET", error))),
      Stream.decodeText,
      Stream.splitLines,
      Stream.filter((line) => line.trim() !== ""),
      Stream.mapEffect((line) => eventOf(name, line))
    )
  }

  return { request, watch }
})

const makeDispatcher = (tls: TlsMaterial, proxyUrl: string | undefined): Dispatcher => {
  // Deadlines are Effect's; a watch may be silent for as long as it likes.
  const limits = { headersTimeout: 0, bodyTimeout: 0, keepAliveTimeout: KEEP_ALIVE_MILLIS, allowH2: false }
  const connect = { timeout: CONNECT_MILLIS, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MILLIS }
  const material = Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined))
  if (proxyUrl === undefined) return new Agent({ ...limits, connect: { ...connect, ...material } })
  if (proxyUrl.startsWith("socks")) return new Socks5ProxyAgent(proxyUrl, { ...limits, requestTls: material })
  return new ProxyAgent({ ...limits, uri: proxyUrl, proxyTunnel: true, requestTls: { ...connect, ...material } })
}

const sameTls = (a: TlsMaterial, b: TlsMaterial) =>
  a.ca === b.ca && a.cert === b.cert && a.key === b.key && a.servername === b.servername

const unanswered = (request: string, method: KubernetesRequest["method"], detail: string) =>
  new KubernetesError({ request, reason: { _tag: method === "GET" ? "Unreachable" : "Unknown" }, detail })

const transportFailure = (request: string, method: KubernetesRequest["method"], error: HttpClientError) => {
  const { cause } = error.reason as { readonly cause?: unknown }
  const detail = describe(cause) ?? "the connection failed"
  return wasSent(cause)
    ? unanswered(request, method, detail)
    : new KubernetesError({ request, reason: { _tag: "Unreachable" }, detail })
}

const describe = (cause: unknown): string | undefined => {
  if (!(cause instanceof Error)) return undefined
  const [first] = cause instanceof AggregateError ? (cause.errors as ReadonlyArray<unknown>) : []
  return (first instanceof Error ? first.message : cause.message) || cause.name
}

const bodyOf = (name: string, method: KubernetesRequest["method"], response: HttpClientResponse) =>
  Effect.mapError(response.text, (error) => transportFailure(name, method, error))

const parsed = Effect.fnUntraced(function* (
  request: string,
  method: KubernetesRequest["method"],
  response: HttpClientResponse,
  text: string
) {
  const body = json(text)
  if (response.status >= 200 && response.status < 300) {
    if (body !== undefined) return body
    return yield* new KubernetesError({
      request,
      reason: { _tag: "Malformed" },
      detail: `HTTP ${response.status} whose body is no JSON (${text.length} characters)`
    })
  }
  return yield* failureOf(request, {
    method,
    status: response.status,
    body: body ?? { message: text },
    retryAfter: response.headers["retry-after"],
    nowMillis: yield* Clock.currentTimeMillis
  })
})

const json = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

const EVENT_TYPES: ReadonlySet<unknown> = new Set(["ADDED", "MODIFIED", "DELETED", "BOOKMARK"])
const isEvent = (value: unknown): value is RawWatchEvent =>
  typeof value === "object" && value !== null && "type" in value && "object" in value && EVENT_TYPES.has(value.type)

const eventOf = Effect.fnUntraced(function* (request: string, line: string) {
  const value = json(line)
  if (isEvent(value)) return value
  if (typeof value === "object" && value !== null && "type" in value && value.type === "ERROR" && "object" in value) {
    return yield* watchFailureOf(request, value.object, yield* Clock.currentTimeMillis)
  }
  return yield* new KubernetesError({
    request,
    reason: { _tag: "Malformed" },
    detail: "the watch sent a line that is no event"
  })
})
