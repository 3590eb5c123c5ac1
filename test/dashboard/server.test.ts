import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Layer, Logger, References, Tracer } from "effect"
import { HttpServer } from "effect/http"
import { TestClock } from "effect/testing"
import { createServer } from "node:net"
import type { AddressInfo } from "node:net"
import { MakesPageEarly } from "#dashboard/page"
import {
  layerDashboardServer,
  layerMetricsServer,
  layerProbeServer,
  layerServers,
  type ServerOptions
} from "#dashboard/server"
import { Health } from "#operator/Health"
import { Ledger } from "#operator/Ledger"
import { Metrics } from "#services/Metrics"
import { ask, layerWorld, options, token, view, World, type WorldInput } from "#test/dashboard/pages"
import { deployment, makeRecord, refOf } from "#test/operator/records"

const on =
  <A, E, R>(layer: (options: ServerOptions) => Layer.Layer<A, E, R>) =>
  (input: WorldInput & Partial<ServerOptions> = {}) =>
    layer(options(input)).pipe(Layer.provideMerge(layerWorld(input)))

const probes = on(layerProbeServer)
const dashboard = on(layerDashboardServer)

describe("the probe port", () => {
  for (const path of ["/healthz", "/livez"]) {
    it.effect(`answers ${path} with 200 and what is known of each component`, () =>
      Effect.gen(function* () {
        const health = yield* Health
        yield* health.expect("lease")
        yield* health.set("prometheus", false, "Connection refused.")
        const answer = yield* ask(path)
        assert.strictEqual(answer.status, 200)
        assert.match(answer.headers["content-type"] ?? "", /^application\/json/)
        const body = answer.json()
        assert.deepInclude(body, { status: "ok", version: "1.2.3", live: true, ready: false, waitingFor: ["lease"] })
        assert.deepInclude(body["components"], {
          prometheus: { healthy: false, detail: "Connection refused.", since: "1970-01-01T00:00:00.000Z" },
          kubernetes: { healthy: null, detail: "Not used yet.", since: "1970-01-01T00:00:00.000Z" }
        })
      }).pipe(Effect.provide(probes()))
    )
  }

  for (const path of ["/ready", "/readyz"]) {
    it.effect(`answers ${path} with 503 until the watches and the lease are known, then 200 for ever`, () =>
      Effect.gen(function* () {
        const health = yield* Health
        assert.strictEqual((yield* ask(path)).status, 503)
        yield* health.expect("watch ScalingPolicy")
        yield* health.expect("lease")
        yield* health.reached("lease")
        const waiting = yield* ask(path)
        assert.strictEqual(waiting.status, 503)
        assert.deepInclude(waiting.json(), { status: "failing", waitingFor: ["watch ScalingPolicy"] })
        yield* health.reached("watch ScalingPolicy")
        assert.strictEqual((yield* ask(path)).status, 200)
        yield* health.set("prometheus", false, "Gone.")
        yield* health.set("kubernetes", false, "Gone.")
        assert.strictEqual((yield* ask(path)).status, 200)
      }).pipe(Effect.provide(probes()))
    )
  }

  it.effect("is ready on a standby, and says who leads", () =>
    Effect.gen(function* () {
      const health = yield* Health
      yield* health.reached("lease")
      const answer = yield* ask("/readyz")
      assert.strictEqual(answer.status, 200)
      assert.deepStrictEqual(answer.json()["leader"], { leading: false, holder: "pod-b" })
    }).pipe(Effect.provide(probes({ leadership: { leading: false, holder: "pod-b" } })))
  )

  it.effect("serves the metrics too", () =>
    Effect.gen(function* () {
      const answer = yield* ask("/metrics")
      assert.strictEqual(answer.status, 200)
      assert.strictEqual(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8")
      assert.include(answer.text, "# TYPE nimbusguard_decisions_total counter")
    }).pipe(Effect.provide(probes()))
  )

  it.effect("on loopback answers to this machine's names only, and on the network to every name", () =>
    Effect.gen(function* () {
      const status = Effect.map(ask("/metrics", { headers: { host: "evil.example:8080" } }), (answer) => answer.status)
      assert.strictEqual(yield* Effect.provide(status, probes()), 200)
      assert.strictEqual(yield* Effect.provide(status, probes({ host: "127.0.0.1" })), 421)
    })
  )

  it.effect("says what is served to whoever asks for something else", () =>
    Effect.gen(function* () {
      const missing = yield* ask("/helthz")
      assert.strictEqual(missing.status, 404)
      assert.include(String(missing.json()["error"]), "Nothing is served at /helthz")
      assert.include(missing.text, "GET /healthz")
      const wrong = yield* ask("/healthz", { method: "POST", body: {} })
      assert.strictEqual(wrong.status, 405)
      assert.strictEqual(wrong.headers["allow"], "GET")
      const get = yield* ask("/api/v1/events/trigger")
      assert.strictEqual(get.status, 405)
      assert.strictEqual(get.headers["allow"], "POST")
    }).pipe(Effect.provide(probes()))
  )
})

describe("a path that is not percent-encoded", () => {
  it.effect("is refused as every refusal is, on every listener's way", () =>
    Effect.gen(function* () {
      for (const path of ["/%ff", "/%", "/api/v1/policies/ScalingPolicy/shop/%c3", "/page/%zz"]) {
        const answer = yield* ask(path)
        assert.strictEqual(answer.status, 400, path)
        assert.include(String(answer.json()["error"]), "write a % as %25")
        assert.strictEqual(answer.headers["x-content-type-options"], "nosniff")
      }
      assert.strictEqual((yield* ask("/%25")).status, 404)
      assert.strictEqual((yield* ask("/?of=%ff%")).status, 200, "a query is read as far as it can be")
    }).pipe(Effect.provide(dashboard()))
  )
})

describe("the metrics port", () => {
  it.effect("serves the metrics and nothing else", () =>
    Effect.gen(function* () {
      yield* Metrics.use((metrics) => metrics.policySeen(refOf("web")))
      const answer = yield* ask("/metrics")
      assert.include(answer.text, "nimbusguard_active_policies 1")
      assert.strictEqual((yield* ask("/healthz")).status, 404)
      assert.strictEqual((yield* ask("/")).status, 404)
    }).pipe(Effect.provide(on(layerMetricsServer)()))
  )

  it.effect("is the probe port's listener where the numbers are equal", () =>
    Effect.gen(function* () {
      const port = yield* freePort
      const paths = ["/metrics", "/healthz"]
      yield* Effect.gen(function* () {
        for (const path of paths) {
          const { status } = yield* Effect.promise(() => fetch(`http://127.0.0.1:${port}${path}`))
          assert.strictEqual(status, 200, path)
        }
      }).pipe(Effect.provide(on(layerServers)({ metricsPort: port, probePort: port })))
    })
  )

  it.effect("that is taken is a sentence that names the port and the setting", () =>
    Effect.gen(function* () {
      const { port, close } = yield* taken
      const error = yield* Effect.flip(Effect.provide(Effect.void, on(layerMetricsServer)({ metricsPort: port })))
      assert.strictEqual(
        "message" in error ? error.message : "",
        `Something else already listens on port ${port} of every address: stop it, or set METRICS_PORT to a free port`
      )
      close()
    })
  )
})

describe("the dashboard", () => {
  it.effect("serves the page and its files, which a browser may keep for ever because their names change", () =>
    Effect.gen(function* () {
      const page = yield* ask("/")
      assert.strictEqual(page.status, 200)
      assert.strictEqual(page.headers["content-type"], "text/html; charset=utf-8")
      assert.strictEqual(page.headers["cache-control"], "no-cache")
      const names = [...page.text.matchAll(/(?:src|href)="(page\/[^"]+)"/gu)].map(([, name = ""]) => name)
      assert.strictEqual(names.length, 3)
      for (const name of names) {
        const { headers, status, text } = yield* ask(`/${name}`)
        assert.strictEqual(status, 200, name)
        assert.include(headers["cache-control"] ?? "", "immutable")
        assert.isAbove(text.length, 100)
      }
      const zipped = yield* ask(`/${names.find((name) => name.endsWith(".js")) ?? ""}`, {
        headers: { "accept-encoding": "gzip" }
      })
      assert.strictEqual(zipped.headers["content-encoding"], "gzip")
      assert.strictEqual((yield* ask("/page/app-0000.js")).status, 404)
      assert.strictEqual((yield* ask("/page/../package.json")).status, 404)
    }).pipe(Effect.provide(dashboard()))
  )

  it.effect("has its page made before anybody looks, where it is known that somebody will", () =>
    Effect.gen(function* () {
      const made = yield* Deferred.make<string>()
      const logger = Logger.make<unknown, void>(({ message }) => {
        const text = String(message)
        if (text.startsWith("The page is there")) Deferred.doneUnsafe(made, Exit.succeed(text))
      })
      const told = [Logger.layer([logger]), Layer.succeed(References.MinimumLogLevel, "Debug")] as const
      const early = dashboard().pipe(Layer.provide([...told, Layer.succeed(MakesPageEarly, true)]))
      assert.match(yield* Effect.provide(Deferred.await(made), early), /page\/app-\w+\.js.*index\.html/u)
    })
  )

  it.effect("answers HEAD as it would GET, without the body", () =>
    Effect.gen(function* () {
      for (const path of ["/", "/health", "/scaling-activity"]) {
        const { headers, status, text } = yield* ask(path, { method: "HEAD" })
        assert.deepStrictEqual([path, status, text], [path, 200, ""])
        assert.strictEqual(headers["x-content-type-options"], "nosniff")
      }
      assert.strictEqual((yield* ask("/nothing", { method: "HEAD" })).status, 404)
      assert.strictEqual((yield* ask("/", { method: "OPTIONS" })).status, 405)
    }).pipe(Effect.provide(dashboard()))
  )

  it.effect("loads nothing from elsewhere, runs nothing that is written into the page, and may not be framed", () =>
    Effect.gen(function* () {
      const { headers, text } = yield* ask("/")
      const policy = String(headers["content-security-policy"])
      assert.match(policy, /^default-src 'self';/u)
      assert.include(policy, "frame-ancestors 'none'")
      assert.notMatch(policy, /unsafe|https?:|data:/u)
      assert.notMatch(text, /<script>|<style|https?:|\son\w+=|\sstyle=/u)
      assert.deepInclude(headers, {
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer"
      })
    }).pipe(Effect.provide(dashboard()))
  )

  it.effect("gives the activity as JSON, newest first, no more than 200", () =>
    Effect.gen(function* () {
      const ledger = yield* Ledger
      for (let at = 1; at <= 205; at++) {
        const outcome = { _tag: "Scaled", from: 2, to: 3, resourceVersion: "9" } as const
        yield* ledger.record(makeRecord({ uid: "web", id: `d${at}`, at, outcome }))
      }
      const all: ReadonlyArray<Record<string, unknown>> = JSON.parse((yield* ask("/scaling-activity")).text)
      assert.strictEqual(all.length, 200)
      assert.deepStrictEqual(all[0], {
        timestamp: "1970-01-01T00:00:00.205Z",
        namespace: "shop",
        deployment: "web",
        kind: "Deployment",
        action: "scale_up",
        oldReplicas: 2,
        newReplicas: 3,
        outcome: "Scaled",
        reason: "load is 15 of 10 per pod",
        rule: "web",
        ruleKind: "ScalingPolicy",
        engine: "target",
        recommendedReplicas: 3,
        limitedBy: [],
        id: "d205"
      })
      const few: ReadonlyArray<unknown> = JSON.parse((yield* ask("/scaling-activity?limit=2")).text)
      assert.strictEqual(few.length, 2)
    }).pipe(Effect.provide(dashboard()))
  )

  it.effect("of a standby says who leads, beside the empty list", () =>
    Effect.gen(function* () {
      const list = yield* ask("/scaling-activity")
      assert.strictEqual(list.headers["x-nimbusguard-leader"], "pod-b")
    }).pipe(Effect.provide(dashboard({ leadership: { leading: false, holder: "pod-b" } })))
  )

  it.effect("answers /health and /api/v1/policies", () =>
    Effect.gen(function* () {
      yield* Ledger.use((ledger) => ledger.show(view("web")))
      assert.strictEqual((yield* ask("/health")).json()["status"], "ok")
      const policies: ReadonlyArray<Record<string, unknown>> = JSON.parse((yield* ask("/api/v1/policies")).text)
      assert.deepInclude(policies[0], { namespace: "shop", name: "web", phase: "Active", minReplicas: 1 })
    }).pipe(Effect.provide(dashboard()))
  )

  it.effect("without a token answers to this machine's names only, so no page can rebind its way in", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* ask("/", { headers: { host: "localhost:8082" } })).status, 200)
      const rebound = yield* ask("/scaling-activity", { headers: { host: "evil.example:8082" } })
      assert.strictEqual(rebound.status, 421)
      assert.strictEqual(rebound.headers["x-content-type-options"], "nosniff")
    }).pipe(Effect.provide(dashboard()))
  )

  it.effect("with a token asks for it on every path, by bearer or by a browser's login", () =>
    Effect.gen(function* () {
      for (const path of ["/", "/scaling-activity", "/health", "/api/v1/policies", "/nothing"]) {
        const refused = yield* ask(path)
        assert.strictEqual(refused.status, 401, path)
        assert.match(refused.headers["www-authenticate"] ?? "", /^Basic /)
      }
      const basic = `Basic ${Buffer.from("anybody:s3cret").toString("base64")}`
      for (const [authorization, status] of [
        ["Bearer s3cret", 200],
        [basic, 200],
        ["Bearer s3cre", 401],
        ["Bearer ", 401],
        ["s3cret", 401]
      ] as const) {
        assert.strictEqual((yield* ask("/", { headers: { authorization } })).status, status, authorization)
      }
    }).pipe(Effect.provide(dashboard({ dashboardToken: token("s3cret") })))
  )

  it.effect("has an address that can be asked for", () =>
    Effect.gen(function* () {
      const { address } = yield* HttpServer.HttpServer
      assert.include(HttpServer.formatAddress(address), "127.0.0.1")
    }).pipe(Effect.provide(dashboard()))
  )
})

it.effect("probes and scrapes leave no traces, events do", () => {
  const spans: Array<string> = []
  const tracer = Tracer.make({
    span: (options) => {
      spans.push(options.name)
      return new Tracer.NativeSpan(options)
    }
  })
  return Effect.gen(function* () {
    for (const path of ["/healthz", "/readyz", "/metrics", "/nothing"]) yield* ask(path)
    assert.deepStrictEqual(spans, [])
    yield* trigger(event)
    assert.include(spans, "events.trigger")
  }).pipe(Effect.provide(probes()), Effect.provideService(Tracer.Tracer, tracer))
})

const event = { event_type: "high_cpu_usage", service: "consumer-workload", value: 90 }

const trigger = (body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  ask("/api/v1/events/trigger", { method: "POST", body, headers })

describe("events in", () => {
  const policies = Effect.gen(function* () {
    const ledger = yield* Ledger
    yield* ledger.show(view("ai-scaling", { target: deployment("consumer-workload") }))
    yield* ledger.show(view("elsewhere", { target: deployment("consumer-workload", "other") }))
    yield* ledger.show(view("unrelated"))
  })

  it.effect("wake the policies of the service, as the platform's README asks for it", () =>
    Effect.gen(function* () {
      yield* policies
      const answer = yield* trigger(event)
      assert.strictEqual(answer.status, 202)
      assert.deepInclude(answer.json(), { woke: 2, matched: 2 })
      const { woken } = yield* World
      assert.deepStrictEqual(woken, [
        ["ai-scaling", "event high_cpu_usage (90)"],
        ["elsewhere", "event high_cpu_usage (90)"]
      ])
    }).pipe(Effect.provide(probes()))
  )

  it.effect("are heard on the dashboard's port too, whatever its own token is", () =>
    Effect.gen(function* () {
      yield* policies
      assert.strictEqual((yield* trigger(event)).status, 202)
    }).pipe(Effect.provide(dashboard({ dashboardToken: token("other") })))
  )

  it.effect("can be meant for one namespace", () =>
    Effect.gen(function* () {
      yield* policies
      assert.deepInclude((yield* trigger({ ...event, namespace: "other" })).json(), { woke: 1, matched: 1 })
    }).pipe(Effect.provide(probes()))
  )

  it.effect("wake a policy once a second, however many come", () =>
    Effect.gen(function* () {
      yield* policies
      const answers = yield* Effect.all(Array.from({ length: 20 }, () => trigger(event)))
      const { woken } = yield* World
      assert.strictEqual(woken.length, 2)
      assert.deepInclude(answers[19]?.json(), { woke: 0, matched: 2 })
      yield* TestClock.adjust("1 second")
      assert.deepInclude((yield* trigger(event)).json(), { woke: 2, matched: 2 })
    }).pipe(Effect.provide(probes()))
  )

  it.effect("of a service that nothing scales wake nobody and say so", () =>
    Effect.gen(function* () {
      yield* policies
      const answer = yield* trigger({ ...event, service: "nobody" })
      assert.strictEqual(answer.status, 202)
      assert.deepInclude(answer.json(), { woke: 0, matched: 0, message: "No policy scales nobody" })
    }).pipe(Effect.provide(probes()))
  )

  it.effect("count only policies that have an actor", () =>
    Effect.gen(function* () {
      yield* Ledger.use((ledger) => ledger.show(view("no-actor-here", { target: deployment("consumer-workload") })))
      assert.deepInclude((yield* trigger(event)).json(), { woke: 0, matched: 1 })
    }).pipe(Effect.provide(probes()))
  )

  it.effect("are sent away by a standby, which says who leads", () =>
    Effect.gen(function* () {
      const answer = yield* trigger(event)
      assert.strictEqual(answer.status, 503)
      assert.include(String(answer.json()["error"]), "pod-b leads")
    }).pipe(Effect.provide(probes({ leadership: { leading: false, holder: "pod-b" } })))
  )

  const refused: ReadonlyArray<
    [title: string, body: unknown, headers: Record<string, string>, status: number, words: RegExp]
  > = [
    ["a body that is not JSON", "{", {}, 400, /Send for example \{"event_type"/],
    ["no service", { event_type: "x", value: 1 }, {}, 400, /service: Missing key/],
    ["a value that is no number", { ...event, value: "90" }, {}, 400, /value: Expected/],
    ["an endless name", { ...event, service: "x".repeat(300) }, {}, 400, /service: /],
    ["a form, which any web page could send", event, { "content-type": "text/plain" }, 415, /Content-Type/],
    ["a large body", { ...event, more: "x".repeat(20_000) }, {}, 413, /at most 16384 bytes/],
    [
      "a large body in chunks",
      { ...event, more: "x".repeat(20_000) },
      { "transfer-encoding": "chunked" },
      413,
      /at most 16384 bytes/
    ],
    ["a name that a page rebound to us", event, { host: "evil.example" }, 403, /loopback/]
  ]
  for (const [title, body, headers, status, words] of refused) {
    it.effect(`refuse ${title}`, () =>
      Effect.gen(function* () {
        const answer = yield* trigger(body, headers)
        assert.strictEqual(answer.status, status, answer.text)
        assert.match(String(answer.json()["error"]), words)
        assert.strictEqual((yield* World).woken.length, 0)
      }).pipe(Effect.provide(probes()))
    )
  }

  it.effect("with a token ask for it, also on loopback", () =>
    Effect.gen(function* () {
      yield* policies
      assert.strictEqual((yield* trigger(event)).status, 401)
      assert.strictEqual((yield* trigger(event, { authorization: "Bearer wrong" })).status, 401)
      assert.strictEqual((yield* trigger(event, { authorization: "Bearer t0ken", host: "operator.svc" })).status, 202)
    }).pipe(Effect.provide(probes({ eventsToken: token("t0ken") })))
  )
})

const taken = Effect.callback<{ readonly port: number; readonly close: () => void }>((resume) => {
  const server = createServer()
  server.listen(0, () =>
    resume(Effect.succeed({ port: (server.address() as AddressInfo).port, close: () => server.close() }))
  )
})

const freePort = Effect.flatMap(taken, ({ port, close }) => Effect.as(Effect.sync(close), port))
