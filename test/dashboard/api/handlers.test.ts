// The API over a real socket: a ledger with a past, and what a page or a program would ask of it.
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer, Redacted, Scope } from "effect"
import { HttpServer } from "effect/http"
import { request as httpRequest } from "node:http"
import type * as shapes from "#dashboard/api/shapes"
import { STREAMS_MAX } from "#dashboard/api/stream"
import { layerDashboardServer } from "#dashboard/server"
import { Health } from "#operator/Health"
import { Ledger } from "#operator/Ledger"
import { KubernetesError, type KubernetesRequest } from "#services/Kubernetes"
import { KubernetesAs } from "#services/KubernetesAs"
import { Prometheus } from "#services/Prometheus"
import { SourceError } from "#services/SourceError"
import { ask, layerWorld, options, type WorldInput } from "#test/dashboard/pages"
import { type Given, make, showAll } from "#test/e2e/generatedFleet"

const NOW = 10_000_000
const WEB = "/api/v1/policies/ScalingPolicy/shop/web"

const served = (input: WorldInput = {}) => layerDashboardServer(options()).pipe(Layer.provideMerge(layerWorld(input)))

const put = (...given: ReadonlyArray<Given>) => showAll(given.map((each) => make({ ticks: 40, ...each }, NOW)))

const read = <A>(path: string) =>
  Effect.map(ask(path), (answer) => {
    assert.strictEqual(answer.status, 200, answer.text)
    return JSON.parse(answer.text) as A
  })

const errorOf = (text: string): string => (JSON.parse(text) as { readonly error: string }).error

/** The stream's text until something in it satisfies. */
const listen = (path: string, until: (text: string) => boolean, headers: Record<string, string> = {}) =>
  Effect.gen(function* () {
    const { address } = yield* HttpServer.HttpServer
    const port = "port" in address ? address.port : 0
    return yield* Effect.callback<string>((resume) => {
      const request = httpRequest({ host: "127.0.0.1", port, path, headers, agent: false }, (response) => {
        let text = ""
        response.on("data", (chunk: Buffer) => {
          text += chunk.toString()
          if (until(text)) resume(Effect.succeed(text))
        })
        response.on("end", () => resume(Effect.succeed(text)))
      })
      request.end()
      return Effect.sync(() => request.destroy())
    })
  })

describe("the fleet", () => {
  it.effect("is every policy as a row, and where the stream goes on", () =>
    Effect.gen(function* () {
      yield* put({ name: "web" }, { name: "pay", trouble: "Missing" }, { name: "bad", trouble: "Error" })
      const fleet = yield* read<shapes.Fleet>("/api/v1/fleet")
      assert.strictEqual(fleet.rows.length, 3)
      const [web, pay, bad] = ["web", "pay", "bad"].map((name) => fleet.rows.find((row) => row.name === name))
      assert.deepInclude(web, { phase: "Active", min: 2, max: 20, targets: ["Deployment/web"], at: NOW })
      assert.strictEqual(web?.replicas.length, 32)
      assert.strictEqual(web?.signals[0]?.perPod, true)
      assert.isUndefined(pay?.signals[0]?.value, "what is missing is no number")
      assert.isNull(pay?.signal.at(-1))
      assert.include(
        pay?.wrong.map(({ type }) => type),
        "MetricsAvailable"
      )
      assert.strictEqual(bad?.phase, "Error")
    }).pipe(Effect.provide(served()))
  )

  it.effect("comes compressed to whoever can take it", () =>
    Effect.gen(function* () {
      yield* put(...Array.from({ length: 20 }, (_, index) => ({ name: `p${index}`, ticks: 4 })))
      const plain = yield* ask("/api/v1/fleet")
      const zipped = yield* ask("/api/v1/fleet", { headers: { "accept-encoding": "gzip" } })
      assert.strictEqual(zipped.headers["content-encoding"], "gzip")
      assert.isBelow(Number(zipped.headers["content-length"]), plain.text.length / 4)
    }).pipe(Effect.provide(served()))
  )

  it.live("streams what changes, resumes after a drop, and starts a stranger anew", () =>
    Effect.gen(function* () {
      yield* put({ name: "web" }, { name: "api" })
      const { cursor } = yield* read<shapes.Fleet>("/api/v1/fleet")
      yield* put({ name: "api", ticks: 41 })
      const text = yield* listen(
        `/api/v1/stream?after=${cursor}`,
        (got) => got.includes("\n\nid:") && got.endsWith("\n\n")
      )
      const data = JSON.parse(/^data: (.*)$/mu.exec(text)?.[1] ?? "") as shapes.Change
      assert.deepStrictEqual(
        data.rows.map(({ name }) => name),
        ["api"]
      )
      const id = /^id: (.*)$/mu.exec(text)?.[1] ?? ""
      yield* Ledger.use((ledger) => ledger.forget("shop.web"))
      const again = yield* listen("/api/v1/stream", (got) => /"gone":\["[^]*\n\n$/u.test(got), { "last-event-id": id })
      assert.include(again, `"gone":["shop.web"]`)
      assert.include(yield* listen("/api/v1/stream?after=another-7", () => false), "event: reset")
    }).pipe(Effect.provide(served()))
  )
})

describe("the streams", () => {
  it.live("are bounded, and a place is free again when its reader has gone", () =>
    Effect.gen(function* () {
      const { cursor } = yield* read<shapes.Fleet>("/api/v1/fleet")
      const path = `/api/v1/stream?after=${cursor}`
      const opened: Array<Fiber.Fiber<string>> = []
      while (opened.length < STREAMS_MAX) {
        const begun = yield* Deferred.make<void>()
        const begin = (text: string) => {
          if (text.includes("data:")) Deferred.doneUnsafe(begun, Effect.void)
          return false
        }
        opened.push(yield* Effect.forkChild(listen(path, begin), { startImmediately: true }))
        yield* Deferred.await(begun)
      }
      const refused = yield* ask(path)
      assert.strictEqual(refused.status, 503)
      assert.strictEqual(refused.headers["retry-after"], "10")
      assert.match(errorOf(refused.text), /64 pages listen already: close one/u)
      assert.strictEqual((yield* ask("/api/v1/fleet")).status, 200)
      yield* Fiber.interrupt(opened[0]!)
      const again = listen(path, (text) => text.includes("data:"))
      yield* Effect.repeat(again, { until: (text) => text.includes("event: change") })
    }).pipe(Effect.provide(served()))
  )
})

describe("a listener that ends", () => {
  it.live("ends the streams of open pages in order, so that nobody waits for them", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(served(), scope)
      const reading = listen("/api/v1/stream?after=", () => false).pipe(Effect.provideContext(context))
      const { cursor } = yield* Effect.provideContext(read<shapes.Fleet>("/api/v1/fleet"), context)
      assert.include(yield* reading, "event: reset")
      const open = yield* Effect.forkChild(
        Effect.provideContext(
          listen(`/api/v1/stream?after=${cursor}`, () => false),
          context
        ),
        { startImmediately: true }
      )
      yield* Effect.provideContext(
        listen(`/api/v1/stream?after=${cursor}`, (text) => text.includes("data:")),
        context
      )
      yield* Scope.close(scope, Exit.void)
      assert.include(yield* Fiber.join(open), "event: change")
    })
  )
})

describe("one policy", () => {
  it.effect("is told in full: what it is made of, what it costs, how it stands", () =>
    Effect.gen(function* () {
      const cost = { maxMonthlyCost: 5_000, costPerPodPerHour: 0.1, preferredScaleDirection: "balanced" } as const
      yield* put({ name: "web", over: { objectives: { cost } } })
      const detail = yield* read<shapes.Detail>(WEB)
      assert.deepStrictEqual(detail.engines, ["target"])
      assert.include(detail.choices, "target")
      assert.deepInclude(detail.facts, { name: "Down", value: "stabilized over 5 min, 50 % per 60 s" })
      assert.isAbove(detail.cost?.spent ?? 0, 0)
      assert.isAbove(detail.cost?.atMaximum ?? 0, detail.cost?.spent ?? 0)
      assert.isUndefined(detail.forecast)
      assert.isUndefined(detail.learning)
    }).pipe(Effect.provide(served()))
  )

  it.effect("has a course in columns, with gaps where nothing was measured and a mark at each write", () =>
    Effect.gen(function* () {
      yield* put({ name: "web", trouble: "Missing" })
      const history = yield* read<shapes.History>(`${WEB}/history`)
      const length = history.at.length
      assert.strictEqual(length, 40)
      for (const column of [history.current, history.desired, history.min, history.signals[0]?.values ?? []]) {
        assert.strictEqual(column.length, length)
      }
      assert.isNull(history.signals[0]?.values.at(-1))
      assert.isNotNull(history.signals[0]?.values[0])
      assert.isAbove(history.marks.length, 0)
      assert.strictEqual((yield* ask(`${WEB}/history?target=Deployment/other`)).status, 404)
    }).pipe(Effect.provide(served()))
  )

  it.effect("tells its decisions newest first, repeats counted, and any one by its id", () =>
    Effect.gen(function* () {
      yield* put({ name: "web" })
      const { stories } = yield* read<{ readonly stories: ReadonlyArray<shapes.Story> }>(`${WEB}/stories?replay=true`)
      assert.strictEqual(
        stories.reduce((sum, { repeats }) => sum + 1 + repeats, 0),
        40
      )
      assert.isTrue(stories.every(({ at }, index) => index === 0 || at < (stories[index - 1]?.at ?? 0)))
      assert.isTrue(stories.every(({ replayed }) => replayed === "the same decision"))
      const one = yield* read<{ readonly stories: ReadonlyArray<shapes.Story> }>(`${WEB}/stories?around=web.7`)
      assert.deepStrictEqual(
        one.stories.map(({ id }) => id),
        ["web.7"]
      )
    }).pipe(Effect.provide(served()))
  )

  it.effect("answers what-if from what is held, and changes nothing", () =>
    Effect.gen(function* () {
      yield* put({ name: "web" })
      const question = (body: unknown) => ask(`${WEB}/what-if`, { method: "POST", body })
      const answer = JSON.parse((yield* question({ max: 4 })).text) as shapes.WhatIfAnswer
      assert.isTrue(answer.replicas.slice(1).every((count) => count !== null && count <= 4))
      assert.isBelow(answer.podHours, answer.recordedPodHours)
      assert.include(answer.command, "maxReplicas: 4")
      const same = JSON.parse((yield* question({})).text) as shapes.WhatIfAnswer
      assert.deepStrictEqual(same.replicas, same.recorded)
      assert.strictEqual(same.yaml, "")
      for (const [body, words] of [
        [{ min: 99 }, /min 99 is greater/u],
        [{ max: "many" }, /Expected number/u],
        ["{", /valid JSON/u]
      ] as const) {
        const refused = yield* question(body)
        assert.strictEqual(refused.status, 400)
        assert.match(errorOf(refused.text), words)
      }
      for (const chunked of [{}, { "transfer-encoding": "chunked" }]) {
        const long = yield* ask(`${WEB}/what-if`, {
          method: "POST",
          body: { target: "x".repeat(70_000) },
          headers: chunked
        })
        assert.strictEqual(long.status, 413)
        assert.match(errorOf(long.text), /at most 65536 bytes/u)
      }
    }).pipe(Effect.provide(served()))
  )

  it.effect("that is not run here is said to be so, by a standby too", () =>
    Effect.gen(function* () {
      const answer = yield* ask(WEB)
      assert.strictEqual(answer.status, 404)
      assert.strictEqual(errorOf(answer.text), "This operator is a standby; pod-b leads")
      const bad = yield* ask("/api/v1/policies/Pod/shop/web")
      assert.strictEqual(bad.status, 400)
      assert.include(bad.headers["content-type"] ?? "", "json")
      assert.strictEqual((yield* ask("/api/v1/nothing")).status, 404)
    }).pipe(Effect.provide(served({ leadership: { leading: false, holder: "pod-b" } })))
  )
})

describe("longer ranges", () => {
  const withPrometheus = (range: Prometheus["Service"]["range"], hasDefault = true) =>
    served().pipe(
      Layer.provideMerge(Layer.succeed(Prometheus, { range, hasDefault, query: () => Effect.die("not asked") }))
    )

  it.effect("come from the operator's Prometheus, with gaps where it was not scraped", () => {
    const asked: Array<string> = []
    const range: Prometheus["Service"]["range"] = ({ from, promql, stepMillis }) => {
      asked.push(promql)
      return Effect.succeed([{ labels: {}, points: [{ at: from + stepMillis, value: "4" }] }])
    }
    return Effect.gen(function* () {
      yield* put({ name: "web" })
      const history = yield* read<shapes.History>(`${WEB}/history?hours=24`)
      assert.strictEqual(history.source, "prometheus")
      assert.strictEqual(history.current.length, history.at.length)
      assert.deepStrictEqual(history.current.slice(0, 3), [null, 4, null])
      assert.strictEqual(asked.length, 3)
      assert.include(asked.join("\n"), 'nimbusguard_current_replicas{namespace="shop",deployment="web"}')
    }).pipe(Effect.provide(withPrometheus(range)))
  })

  it.effect("fall back to what is held, and say why", () =>
    Effect.gen(function* () {
      yield* put({ name: "web" })
      const history = yield* read<shapes.History>(`${WEB}/history?hours=24`)
      assert.strictEqual(history.source, "records")
      assert.match(history.note ?? "", /refused/u)
    }).pipe(
      Effect.provide(
        withPrometheus(() => Effect.fail(new SourceError({ why: "Unreachable", detail: "It refused the connection." })))
      )
    )
  )
})

describe("changing the mode", () => {
  const calls: Array<readonly [string, KubernetesRequest]> = []
  const withCluster = (reason?: KubernetesError["reason"]) =>
    served().pipe(
      Layer.provideMerge(
        Layer.succeed(KubernetesAs, {
          request: (token, request) =>
            Effect.suspend(() => {
              calls.push([Redacted.value(token), request])
              return reason === undefined
                ? Effect.succeed({})
                : Effect.fail(new KubernetesError({ request: "PATCH", reason, detail: "jane may not patch it" }))
            })
        })
      )
    )
  const pause = (headers: Record<string, string>) =>
    ask(`${WEB}/mode`, { method: "POST", body: { mode: "Paused" }, headers })

  it.effect("asks the cluster with the caller's own token, once", () =>
    Effect.gen(function* () {
      calls.length = 0
      yield* put({ name: "web" })
      assert.isTrue((yield* read<shapes.Detail>(WEB)).modeCanBeSet)
      assert.strictEqual((yield* pause({ "x-kubernetes-token": "janes" })).status, 200)
      const [[token, request] = ["", undefined]] = calls
      assert.strictEqual(calls.length, 1)
      assert.strictEqual(token, "janes")
      assert.deepInclude(request, {
        method: "PATCH",
        path: "/apis/nimbusguard.io/v1/namespaces/shop/scalingpolicies/web"
      })
      assert.deepInclude(request?.body, { spec: { mode: "Paused" } })
    }).pipe(Effect.provide(withCluster()))
  )

  it.effect("is refused without a token, from another page, and by the cluster", () =>
    Effect.gen(function* () {
      calls.length = 0
      yield* put({ name: "web" })
      assert.strictEqual((yield* pause({})).status, 401)
      const token = { "x-kubernetes-token": "janes" }
      assert.strictEqual((yield* pause({ ...token, origin: "https://evil.example" })).status, 403)
      assert.strictEqual((yield* pause({ ...token, origin: "null" })).status, 403)
      assert.strictEqual((yield* pause({ ...token, "sec-fetch-site": "cross-site" })).status, 403)
      assert.strictEqual(calls.length, 0)
      const refused = yield* pause(token)
      assert.strictEqual(refused.status, 403)
      assert.match(errorOf(refused.text), /owner may not change the policy: jane may not patch it/u)
      const plain = yield* ask(`${WEB}/mode`, {
        method: "POST",
        body: '{"mode":"Paused"}',
        headers: { ...token, "content-type": "text/plain" }
      })
      assert.strictEqual(plain.status, 415)
      assert.match(errorOf(plain.text), /Content-Type: application\/json/u)
    }).pipe(Effect.provide(withCluster({ _tag: "Forbidden" })))
  )

  it.effect("cannot be had where there is no cluster to ask in somebody's name", () =>
    Effect.gen(function* () {
      yield* put({ name: "web" })
      assert.strictEqual((yield* pause({ "x-kubernetes-token": "janes" })).status, 501)
      assert.isFalse((yield* read<shapes.Detail>(WEB)).modeCanBeSet, "the page offers no button")
    }).pipe(Effect.provide(served()))
  )
})

describe("the document", () => {
  it.effect("describes every path that the page asks for, in OpenAPI", () =>
    Effect.gen(function* () {
      yield* Health.use((health) => health.expect("lease"))
      const document = yield* read<{ readonly openapi: string; readonly paths: object }>("/api/v1/openapi.json")
      assert.match(document.openapi, /^3\.1/u)
      assert.includeMembers(Object.keys(document.paths), [
        "/api/v1/fleet",
        "/api/v1/stream",
        "/api/v1/activity",
        "/api/v1/policies",
        "/api/v1/records",
        "/api/v1/policies/{kind}/{namespace}/{name}",
        "/api/v1/policies/{kind}/{namespace}/{name}/stories",
        "/api/v1/policies/{kind}/{namespace}/{name}/history",
        "/api/v1/policies/{kind}/{namespace}/{name}/what-if",
        "/api/v1/policies/{kind}/{namespace}/{name}/mode"
      ])
      assert.deepStrictEqual((yield* read<shapes.Fleet>("/api/v1/fleet")).waitingFor, ["lease"])
    }).pipe(Effect.provide(served()))
  )
})
