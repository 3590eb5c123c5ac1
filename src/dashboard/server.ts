/**
 * The listeners: metrics, probes with events in, and the dashboard. A port that cannot be had is an error that names
 * the port and the setting; a path that is not served says what is.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { createServer } from "node:http"
import { Closing } from "#dashboard/Closing"
import { eventRoutes, EVENTS_PATH } from "#dashboard/events"
import { dashboardGuard, ownNamesGuard, refuse, reviewedGuard } from "#dashboard/guard"
import { apiRoutes } from "#dashboard/api/mount"
import { assetRoutes } from "#dashboard/page"
import { activityRoutes } from "#dashboard/pages"
import { healthRoute, metricsRoute, PROBE_PATHS, probeRoutes } from "#dashboard/probes"
import { RECORDS_PATH } from "#dashboard/records"
import { makeReview, type Review } from "#dashboard/review"
import { KubernetesAs } from "#services/KubernetesAs"
import { isLoopback } from "#services/Settings"

/** Requests in flight get so long at the end; all of them are answered in milliseconds. */
const SHUTDOWN_MILLIS = 2_000

export class ListenError extends Schema.TaggedError<ListenError>()("ListenError", {
  port: Schema.Int,
  host: Schema.String,
  variable: Schema.String,
  code: Schema.String
}) {
  override get message() {
    const where = `port ${this.port} of ${this.host}`
    if (this.code === "EADDRINUSE") {
      return `Something else already listens on ${where}: stop it, or set ${this.variable} to a free port`
    }
    if (this.code === "EACCES") {
      return `This user may not listen on ${where}: set ${this.variable} to a port above 1023`
    }
    return `Cannot listen on ${where} (${this.code}): see ${this.variable}`
  }
}

export interface Listener {
  readonly name: string
  readonly port: number
  /** Absent: every address, IPv4 and IPv6. */
  readonly host?: string
  readonly variable: string
  /** "GET /metrics": told to whoever asks for something else. */
  readonly serves: ReadonlyArray<string>
  readonly guard?: Effect.Effect<
    HttpServerResponse.HttpServerResponse | undefined,
    never,
    HttpServerRequest.HttpServerRequest
  >
}

const HEADERS = {
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY"
}

const isRead = (method: string) => method === "GET" || method === "HEAD"

const notServed = ({ name, port, serves }: Listener) =>
  HttpServerRequest.HttpServerRequest.useSync(({ method, url }) => {
    const path = url.split("?", 1)[0] ?? ""
    const known = serves.find((route) => route.endsWith(` ${path}`))
    const allowed = known?.split(" ")[0]
    if (allowed !== undefined && allowed !== method && !(allowed === "GET" && isRead(method))) {
      return refuse(405, `Use ${allowed} for ${path}`, { allow: allowed })
    }
    return HttpServerResponse.jsonUnsafe(
      { error: `Nothing is served at ${path} on port ${port} (${name})`, serves },
      { status: 404 }
    )
  })

/** The router takes such a path for a defect of ours. */
const unreadable = HttpServerRequest.HttpServerRequest.useSync(({ url }) =>
  Result.isFailure(Result.try(() => decodeURI(url.split("?", 1)[0] ?? "")))
    ? refuse(400, "The path is not percent-encoded UTF-8: write a % as %25")
    : undefined
)

/** Around every route and every refusal of one listener. */
const middleware = (listener: Listener) =>
  HttpRouter.middleware(
    (route) =>
      (listener.guard ?? Effect.succeed(undefined)).pipe(
        Effect.flatMap((refusal) => (refusal === undefined ? unreadable : Effect.succeed(refusal))),
        Effect.flatMap((refusal) => (refusal === undefined ? route : Effect.succeed(refusal))),
        Effect.map((response) => HttpServerResponse.setHeaders(response, { ...HEADERS, ...response.headers }))
      ),
    { global: true }
  )

const codeOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "code" in error ? String(error.code) : String(error)

/** Events have a token of their own. */
const exceptEvents = (guard: NonNullable<Listener["guard"]>): NonNullable<Listener["guard"]> =>
  HttpServerRequest.HttpServerRequest.use(({ url }) =>
    url.split("?", 1)[0] === EVENTS_PATH ? Effect.succeed(undefined) : guard
  )

/** A probe or a scrape every few seconds is no story; an event that wakes policies is the start of one. */
const quiet = Layer.succeed(HttpMiddleware.TracerDisabledWhen, ({ method }) => isRead(method))

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const

export const layerListener = <E, R>(listener: Listener, routes: Layer.Layer<never, E, R>) => {
  const { host, port, variable, name } = listener
  const server = NodeHttpServer.layer(() => createServer({ requestTimeout: 30_000, headersTimeout: 10_000 }), {
    port,
    ...(host === undefined ? {} : { host }),
    gracefulShutdownTimeout: SHUTDOWN_MILLIS
  }).pipe(
    Layer.catchTag("ServeError", ({ cause }) =>
      Layer.effectContext(
        Effect.fail(new ListenError({ port, host: host ?? "every address", variable, code: codeOf(cause) }))
      )
    )
  )
  // Not for HEAD: where nothing else matches, the router answers it as GET.
  const fallback = HttpRouter.use((router) =>
    Effect.forEach(METHODS, (method) => router.add(method, "/*", notServed(listener)), { discard: true })
  )
  const announce = Layer.effectDiscard(
    HttpServer.addressFormattedWith((address) => Effect.logDebug(`${name} listens on ${address}`))
  )
  const serving = Layer.mergeAll(
    HttpRouter.serve(Layer.mergeAll(routes, fallback, middleware(listener)), {
      disableLogger: true,
      disableListenLog: true
    }),
    announce
  )
  return Closing.layerTell.pipe(
    Layer.provideMerge(serving),
    Layer.provide([quiet, Closing.layer]),
    Layer.provideMerge(server),
    Layer.fresh
  )
}

export interface ServerOptions {
  readonly metricsPort: number
  readonly probePort: number
  readonly dashboardPort: number
  readonly dashboardHost: string
  readonly dashboardToken: Redacted.Redacted<string> | undefined
  /** The cluster says who may look, by the token that they send. Absent: false. */
  readonly dashboardTokenReview?: boolean
  readonly eventsToken: Redacted.Redacted<string> | undefined
  /** Address of metrics and probes. Absent: every one, since kubelet and Prometheus come from outside. */
  readonly host?: string
}

/** What a program that has the operator in it serves on the port of the probes too. */
export interface Beside<R> {
  readonly serves: ReadonlyArray<string>
  readonly routes: Layer.Layer<never, never, R>
}

const METRICS = "GET /metrics"
const EVENTS = `POST ${EVENTS_PATH}`

const hostOf = ({ host }: Pick<ServerOptions, "host">) =>
  host === undefined ? {} : { host, ...(isLoopback(host) ? { guard: ownNamesGuard } : {}) }

/** All listeners. Tests ask for port 0 and find the real one in HttpServer. */
export const layerMetricsServer = ({ metricsPort, ...options }: ServerOptions) =>
  layerListener(
    { name: "metrics", port: metricsPort, ...hostOf(options), variable: "METRICS_PORT", serves: [METRICS] },
    metricsRoute
  )

export const layerProbeServer = <R = never>(
  { eventsToken, probePort, ...options }: ServerOptions,
  beside?: Beside<R>
) =>
  layerListener(
    {
      name: "probes",
      port: probePort,
      ...hostOf(options),
      variable: "PROBE_PORT",
      serves: [...PROBE_PATHS.map((path) => `GET ${path}`), METRICS, EVENTS, ...(beside?.serves ?? [])]
    },
    Layer.mergeAll(probeRoutes, metricsRoute, eventRoutes(eventsToken), beside?.routes ?? Layer.empty)
  )

const isReviewing = ({ dashboardHost, dashboardTokenReview = false }: ServerOptions): boolean =>
  dashboardTokenReview && !isLoopback(dashboardHost)

/** Where nobody can be asked, nobody is let in but with the dashboard's own token. */
const UNANSWERED: Review = () => Effect.succeed("Unanswered")

const guardOf = (options: ServerOptions) =>
  isReviewing(options)
    ? Effect.map(Effect.serviceOption(KubernetesAs), (service) =>
        reviewedGuard(options.dashboardToken, Option.match(service, { onNone: () => UNANSWERED, onSome: makeReview }))
      )
    : Effect.succeed(dashboardGuard(options.dashboardToken))

export const layerDashboardServer = (options: ServerOptions) =>
  Layer.unwrap(Effect.map(guardOf(options), (guard) => dashboardBehind(guard, options)))

const dashboardBehind = (guard: NonNullable<Listener["guard"]>, options: ServerOptions) => {
  const listener: Listener = {
    name: "dashboard",
    port: options.dashboardPort,
    host: options.dashboardHost,
    variable: "DASHBOARD_PORT",
    serves: [
      "GET /",
      "GET /scaling-activity",
      "GET /health",
      "GET /api/v1/openapi.json",
      "GET /api/v1/fleet",
      "GET /api/v1/policies",
      `GET ${RECORDS_PATH}`,
      EVENTS
    ],
    guard: exceptEvents(guard)
  }
  return layerListener(
    listener,
    Layer.mergeAll(
      assetRoutes,
      activityRoutes,
      apiRoutes(notServed(listener)),
      healthRoute,
      eventRoutes(options.eventsToken)
    )
  )
}

export const layerServers = <R = never>(options: ServerOptions, beside?: Beside<R>) =>
  Layer.mergeAll(
    // One listener serves both where the numbers are equal; two zeros are two free ports.
    options.metricsPort === options.probePort && options.metricsPort !== 0 ? Layer.empty : layerMetricsServer(options),
    layerProbeServer(options, beside),
    layerDashboardServer(options)
  )
