import { assert, describe, it } from "@effect/vitest"
import { Effect, Ref } from "effect"
import { FALLBACK_QUERIES, parseGoDurationMillis, ResourceMetrics } from "#services/ResourceMetrics"
import type { Resource } from "#services/ResourceMetrics"
import { podMetrics } from "#test/sources/answers"
import { inTime, NOW, ok, refused, run } from "#test/sources/sourceWorld"

const usage = (resource: Resource = "cpu", namespace = "shop") =>
  Effect.flatMap(ResourceMetrics, (metrics) => metrics.usage(namespace, resource))

describe("a duration in Go's notation", () => {
  it.each([
    ["30s", 30_000],
    ["15.5s", 15_500],
    ["1m0s", 60_000],
    ["1m0.5s", 60_500],
    ["1h2m3s", 3_723_000],
    ["100ms", 100],
    ["1500us", 2],
    ["2m", 120_000],
    ["0s", 0],
    ["", undefined],
    ["30", undefined],
    ["-30s", undefined],
    ["s", undefined],
    ["30 s", undefined],
    ["30s5", undefined]
  ])("%s is %s ms", (text, millis) => {
    assert.strictEqual(parseGoDurationMillis(text), millis)
  })
})

describe("what pods use", () => {
  it.effect("is one listing per namespace, for CPU and memory and everybody who asks", () =>
    Effect.gen(function* () {
      const { calls, layer } = yield* run({
        http: () => ({ fails: { _tag: "Unreachable" } }),
        kubernetes: () =>
          podMetrics({ "web-1": { cpu: "250m", memory: "64Mi" }, "web-2": { cpu: "1234567n", memory: "1k" } })
      })
      yield* Effect.gen(function* () {
        const asks = Array.from({ length: 20 }, (_, at) => usage(at % 2 === 0 ? "cpu" : "memory"))
        const [pods] = yield* inTime(Effect.all(asks, { concurrency: "unbounded" }))
        assert.deepStrictEqual(pods?.get("web-1"), {
          sampledAt: NOW - 10_000,
          windowMillis: 15_500,
          containers: new Map([["app", { cpu: 250, memory: 64 * 1024 * 1024 * 1000 }]])
        })
        assert.deepStrictEqual(pods?.get("web-2")?.containers.get("app"), { cpu: 2, memory: 1_000_000 }, "rounded up")
        yield* inTime(usage("cpu", "other"))
      }).pipe(Effect.provide(layer))
      assert.deepStrictEqual(
        (yield* Ref.get(calls)).map(({ path }) => path),
        ["shop", "other"].map((namespace) => `/apis/metrics.k8s.io/v1beta1/namespaces/${namespace}/pods`)
      )
    })
  )

  it.effect("leaves out pods and quantities that make no sense, and takes the others", () =>
    Effect.gen(function* () {
      const good = podMetrics({ good: { cpu: "1" }, odd: { cpu: "many" }, negative: { cpu: "-1" } })
      const bad = podMetrics({ "no-time": { cpu: "1" } }, "yesterday")
      const { layer } = yield* run({
        http: () => ({ fails: { _tag: "Unreachable" } }),
        kubernetes: () => ({ items: [...good.items, ...bad.items, { metadata: {} }, null, "x"] })
      })
      const pods = yield* inTime(usage().pipe(Effect.provide(layer)))
      assert.deepStrictEqual([...pods.keys()], ["good", "odd", "negative"])
      assert.deepStrictEqual(
        [...pods.values()].map(({ containers }) => containers.get("app")),
        [{ cpu: 1000 }, {}, {}]
      )
    })
  )
})

describe("where metrics.k8s.io is not served", () => {
  const series = (pod: string, container: string, value: string) => ({
    metric: { pod, container },
    value: [NOW / 1000, value]
  })
  const prometheus = () =>
    ok({
      status: "success",
      data: {
        resultType: "vector",
        result: [
          series("web-1", "app", "0.2501"),
          series("web-1", "sidecar", "0.05"),
          series("web-2", "app", "NaN"),
          series("web-2", "sidecar", "0.05"),
          series("web-3", "app", "-1"),
          { metric: { pod: "web-4" }, value: [NOW / 1000, "1"] }
        ]
      }
    })
  const notServed = () => refused({ _tag: "NotFound" })
  const told = { sampledAt: NOW, windowMillis: 120_000 }

  it.effect("the operator's Prometheus is asked", () =>
    Effect.gen(function* () {
      const { layer, requests } = yield* run(
        { http: prometheus, kubernetes: notServed },
        { prometheusUrl: "http://own:9090" }
      )
      const pods = yield* inTime(usage("cpu").pipe(Effect.provide(layer)))
      assert.deepStrictEqual(
        [...pods],
        [
          [
            "web-1",
            {
              ...told,
              containers: new Map([
                ["app", { cpu: 251 }],
                ["sidecar", { cpu: 50 }]
              ])
            }
          ],
          [
            "web-2",
            {
              ...told,
              containers: new Map([
                ["app", {}],
                ["sidecar", { cpu: 50 }]
              ])
            }
          ],
          ["web-3", { ...told, containers: new Map([["app", {}]]) }]
        ],
        "what is not known of a container is no zero of its pod"
      )
      const [request] = yield* Ref.get(requests)
      assert.isTrue(request?.trusted)
      assert.strictEqual(new URLSearchParams(request?.body?.text).get("query"), FALLBACK_QUERIES.cpu("shop"))
    })
  )

  it.effect("and the operator has no Prometheus, both ways out are named", () =>
    Effect.gen(function* () {
      const { layer } = yield* run({ http: prometheus, kubernetes: notServed })
      const error = yield* Effect.flip(inTime(usage().pipe(Effect.provide(layer))))
      assert.strictEqual(error.why, "NotFound")
      assert.match(error.detail, /Install metrics-server, or set PROMETHEUS_URL/u)
    })
  )

  it.effect("but only then: a broken metrics API is not replaced by numbers of another kind", () =>
    Effect.gen(function* () {
      const { layer, requests } = yield* run(
        { http: prometheus, kubernetes: () => refused({ _tag: "ServerError", status: 503 }) },
        { prometheusUrl: "http://own:9090" }
      )
      const error = yield* Effect.flip(inTime(usage().pipe(Effect.provide(layer))))
      assert.strictEqual(error.why, "HttpStatus")
      assert.strictEqual((yield* Ref.get(requests)).length, 0)
    })
  )

  it("a namespace cannot write its own query", () => {
    assert.include(FALLBACK_QUERIES.memory('a"} or vector(1) #'), '{namespace="a\\"} or vector(1) #"')
  })
})
