/**
 * Probes and metrics: what the kubelet, Prometheus and a person with curl ask. A failing probe says in words what it
 * waits for; the status code alone is what machines read.
 */
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { Operations } from "#dashboard/Operations"
import { Health, type HealthReport } from "#operator/Health"
import { Metrics } from "#services/Metrics"

const detail = (report: HealthReport) => ({
  live: report.live,
  ready: report.ready,
  ...(report.waitingFor.length === 0 ? {} : { waitingFor: report.waitingFor }),
  components: Object.fromEntries(
    Object.entries(report.components).map(([name, { healthy, detail: words, since }]) => [
      name,
      { healthy: healthy ?? null, detail: words, since: new Date(since).toISOString() }
    ])
  )
})

/** `holds` decides the status code; the body is the whole report either way. */
const report = (holds: (report: HealthReport) => boolean) =>
  Effect.gen(function* () {
    const { version, leadership } = yield* Operations
    const now = yield* (yield* Health).report
    const ok = holds(now)
    return HttpServerResponse.jsonUnsafe(
      { status: ok ? "ok" : "failing", version, leader: yield* leadership, ...detail(now) },
      { status: ok ? 200 : 503 }
    )
  })

const live = report((now) => now.live)
const ready = report((now) => now.ready)

export const PROBE_PATHS = ["/healthz", "/livez", "/ready", "/readyz"] as const

export const probeRoutes = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const context = yield* Effect.context<Health | Operations>()
    for (const path of PROBE_PATHS) {
      yield* router.add("GET", path, Effect.provideContext(path.includes("ready") ? ready : live, context))
    }
  })
)

/** The dashboard's own: healthy while the process lives. */
export const healthRoute = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const context = yield* Effect.context<Health | Operations>()
    yield* router.add("GET", "/health", Effect.provideContext(live, context))
  })
)

export const metricsRoute = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const metrics = yield* Metrics
    yield* router.add(
      "GET",
      "/metrics",
      Effect.map(metrics.render, ({ body, contentType }) => HttpServerResponse.text(body, { contentType }))
    )
  })
)
