/** With the switch off nobody who measures answers; with it on everybody does, as before. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { behind, kubernetesBehind } from "#cli/dev/outage"
import { Egress } from "#services/Egress"
import { Kafka } from "#services/Kafka"
import { Kubernetes } from "#services/Kubernetes"
import { RedisWire } from "#services/RedisWire"

const ports = Layer.mergeAll(
  Layer.succeed(Egress, {
    request: ({ url }) => Effect.succeed({ status: 200, body: "7", url, strippedOfCredentials: false })
  }),
  Layer.succeed(RedisWire, { exchange: () => Effect.succeed([7]) }),
  Layer.succeed(Kafka, { offsets: () => Effect.succeed([]) })
)
const kubernetes = Layer.succeed(Kubernetes, { request: ({ path }) => Effect.succeed(path), watch: () => Stream.empty })

const METRICS = "/apis/metrics.k8s.io/v1beta1/pods"
const PODS = "/api/v1/pods"

const asked = Effect.gen(function* () {
  const egress = yield* Egress
  const redis = yield* RedisWire
  const kafka = yield* Kafka
  const { request } = yield* Kubernetes
  const said = <A, E extends { readonly message: string }>(effect: Effect.Effect<A, E>) =>
    Effect.match(effect, { onSuccess: () => "answered", onFailure: ({ message }) => message })
  return {
    egress: yield* said(egress.request({ method: "GET", url: "http://prometheus:9090/api" })),
    redis: yield* said(redis.exchange({ host: "redis", port: 6379, db: 0 }, [])),
    kafka: yield* said(
      kafka.offsets({
        access: { bootstrapServers: ["kafka:9092"] },
        group: "g",
        topic: "t"
      })
    ),
    metrics: yield* said(request({ method: "GET", path: METRICS })),
    pods: yield* said(request({ method: "GET", path: PODS }))
  }
})

describe("an outage of all that measures", () => {
  it.effect("begins and ends with the switch, and leaves the API server alone", () => {
    const answers = { on: true }
    return Effect.gen(function* () {
      const all = { egress: "answered", redis: "answered", kafka: "answered", metrics: "answered", pods: "answered" }
      assert.deepStrictEqual(yield* asked, all)
      answers.on = false
      const { pods, ...others } = yield* asked
      assert.strictEqual(pods, "answered")
      for (const said of Object.values(others)) assert.include(said, "this scenario has turned off all that measures")
      answers.on = true
      assert.deepStrictEqual(yield* asked, all)
    }).pipe(Effect.provide([behind(answers, ports), kubernetesBehind(answers, kubernetes)]))
  })
})
