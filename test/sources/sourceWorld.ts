/** A world of HTTP servers and a Kubernetes API in memory, and every source bound to it as in the operator. */
import { Effect, Fiber, Layer, Ref, Result } from "effect"
import * as TestClock from "effect/testing/TestClock"
import type { Signal } from "#schemas/Policy"
import type { PodState } from "#schemas/kubernetes/Pod"
import type { Reading } from "#schemas/Reading"
import { layerWith as cloudMonitoringLayerWith } from "#services/CloudMonitoring"
import { Egress, EgressError, printableUrl } from "#services/Egress"
import type { EgressAnswer, EgressReason, EgressRequest } from "#services/Egress"
import { GoogleMetadata } from "#services/GoogleMetadata"
import { layer as googleTokensLayer } from "#services/GoogleTokensLive"
import { layer as httpJsonLayer } from "#services/HttpJson"
import { Kafka } from "#services/Kafka"
import type { GroupQuestion, PartitionOffsets } from "#services/Kafka"
import { Kubernetes, KubernetesError } from "#services/Kubernetes"
import type { KubernetesReason, KubernetesRequest } from "#services/Kubernetes"
import { layer as natsLayer } from "#services/Nats"
import { layerWith as prometheusLayerWith } from "#services/Prometheus"
import { layer as redisLayer } from "#services/Redis"
import { printableServer, RedisWire } from "#services/RedisWire"
import type { RedisServer } from "#services/RedisWire"
import { layer as resourceLayer } from "#services/ResourceMetrics"
import type { Command, Reply } from "#services/resp"
import { layer as secretsLayer } from "#services/Secrets"
import { SourceError } from "#services/SourceError"
import { bindSource } from "#sources/index"
import type { BoundInput, SourceServices } from "#sources/index"
import * as Stream from "effect/Stream"

/** What a server of the world does with a request. */
export type Behaviour =
  | { readonly status: number; readonly body: string }
  | { readonly fails: EgressReason }
  /** Accepts and never answers; the port's own deadline ends it, as the live one's does. */
  | "hangs"

export const ok = (body: unknown): Behaviour => ({
  status: 200,
  body: typeof body === "string" ? body : JSON.stringify(body)
})

export interface World {
  readonly http: (request: EgressRequest) => Behaviour
  readonly kubernetes: (request: KubernetesRequest) => unknown
  /** What a Redis server replies to one command; absent: nobody listens. */
  readonly redis?: (server: RedisServer, command: Command) => Reply | SourceError | Silence
  readonly kafka?: (question: GroupQuestion) => ReadonlyArray<PartitionOffsets> | SourceError
  /** What the metadata server answers; absent: workload identity was not chosen. */
  readonly metadata?: () => { readonly status: number; readonly body: string }
}

/** Accepts and never replies. */
export const SILENCE = { says: "nothing" } as const
export type Silence = typeof SILENCE

export const refused = (reason: KubernetesReason) => new Refused(reason)
class Refused {
  readonly reason: KubernetesReason
  constructor(reason: KubernetesReason) {
    this.reason = reason
  }
}

export interface Running {
  readonly requests: Ref.Ref<ReadonlyArray<EgressRequest>>
  readonly calls: Ref.Ref<ReadonlyArray<KubernetesRequest>>
  readonly layer: Layer.Layer<SourceServices>
}

/** Everything in `world` may be replaced while it runs: it is asked anew for each request. */
export const run = Effect.fnUntraced(function* (
  world: World,
  settings: { readonly prometheusUrl?: string; readonly latencyMillis?: number } = {}
) {
  const requests = yield* Ref.make<ReadonlyArray<EgressRequest>>([])
  const calls = yield* Ref.make<ReadonlyArray<KubernetesRequest>>([])
  const latency = `${settings.latencyMillis ?? 1} millis` as const

  const egress = Layer.succeed(Egress, {
    request: Effect.fnUntraced(function* (request) {
      yield* Ref.update(requests, (before) => [...before, request])
      const url = printableUrl(request.url)
      const failure = (reason: EgressReason) => new EgressError({ reason, url, detail: "did not work" })
      yield* Effect.sleep(latency)
      const behaviour = world.http(request)
      if (behaviour === "hangs") {
        yield* Effect.sleep(`${request.timeoutMillis ?? 10_000} millis`)
        return yield* failure({ _tag: "Timeout" })
      }
      if ("fails" in behaviour) return yield* failure(behaviour.fails)
      return { ...behaviour, url, strippedOfCredentials: false } satisfies EgressAnswer
    })
  })
  const kubernetes = Layer.succeed(Kubernetes, {
    request: Effect.fnUntraced(function* (request) {
      yield* Ref.update(calls, (before) => [...before, request])
      yield* Effect.sleep(latency)
      const answer = world.kubernetes(request)
      if (!(answer instanceof Refused)) return answer
      const named = `${request.method} ${request.path}`
      return yield* new KubernetesError({ reason: answer.reason, request: named, detail: "refused" })
    }),
    watch: () => Stream.never
  })
  const prometheus = prometheusLayerWith({ defaultUrl: settings.prometheusUrl }).pipe(Layer.provide(egress))
  const metadata = Layer.succeed(GoogleMetadata, {
    token: Effect.suspend(() =>
      world.metadata === undefined
        ? Effect.fail(new SourceError({ why: "BadOptions", detail: "Workload identity is off. Turn it on." }))
        : Effect.succeed({ ...world.metadata(), url: "metadata", strippedOfCredentials: false })
    )
  })
  const tokens = googleTokensLayer.pipe(Layer.provide([egress, metadata]))
  const kafka = Layer.succeed(Kafka, {
    offsets: Effect.fnUntraced(function* (question) {
      yield* Effect.sleep(latency)
      const offsets = world.kafka?.(question) ?? new SourceError({ why: "Unreachable", detail: "No Kafka. Add one." })
      return offsets instanceof SourceError ? yield* offsets : offsets
    })
  })
  const redisWire = Layer.succeed(RedisWire, {
    exchange: Effect.fnUntraced(function* (server, commands) {
      yield* Effect.sleep(latency)
      const who = printableServer(server)
      const replies: Array<Reply> = []
      for (const command of commands) {
        const unreachable = new SourceError({ why: "Unreachable", detail: `${who} is not there. Start it.` })
        const reply = world.redis === undefined ? unreachable : world.redis(server, command)
        if (reply instanceof SourceError) return yield* reply
        if (reply === SILENCE) {
          yield* Effect.sleep("10 seconds")
          return yield* new SourceError({ why: "Timeout", detail: `${who} did not answer. Look why it is slow.` })
        }
        replies.push(reply as Reply)
      }
      return replies
    })
  })
  const layer = Layer.mergeAll(
    prometheus,
    cloudMonitoringLayerWith({ url: "https://monitoring.googleapis.com" }).pipe(Layer.provide([egress, tokens])),
    natsLayer.pipe(Layer.provide(egress)),
    kafka,
    httpJsonLayer.pipe(Layer.provide(egress)),
    redisLayer.pipe(Layer.provide(redisWire)),
    secretsLayer.pipe(Layer.provide(kubernetes)),
    resourceLayer.pipe(Layer.provide([kubernetes, prometheus]))
  )
  return { requests, calls, layer } satisfies Running
})

export const NOW = 1_700_000_000_000

export const pod = (name: string, more: Partial<PodState> = {}): PodState => ({
  name,
  namespace: "shop",
  uid: `uid-${name}`,
  labels: {},
  phase: "Running",
  deleting: false,
  ready: true,
  readyChangedAt: NOW - 3_600_000,
  createdAt: NOW - 3_600_000,
  startedAt: NOW - 3_600_000,
  requests: { app: { cpu: 500, memory: 256_000_000_000 } },
  unschedulable: false,
  crashLooping: false,
  ...more
})

export const input = (more: Partial<BoundInput> = {}): BoundInput => ({
  namespace: "shop",
  target: { apiVersion: "apps/v1", kind: "Deployment", namespace: "shop", name: "web" },
  pods: [pod("web-1"), pod("web-2")],
  at: NOW,
  ...more
})

export const signal = (source: string, options: unknown, more: Partial<Signal> = {}): Signal => ({
  name: "load",
  source,
  options,
  onEmpty: "Missing",
  onMissing: "Hold",
  worksAtZero: false,
  ...more
})

/** One sample in a world of its own. */
export const sample = (one: Signal, more: Partial<BoundInput> = {}): Effect.Effect<Reading, never, SourceServices> => {
  const bound = bindSource(one)
  if (Result.isFailure(bound)) throw new Error(bound.failure.message)
  return bound.success.sample(input(more))
}

export const sampleIn = (
  world: Partial<World>,
  one: Signal,
  more: Partial<BoundInput> = {},
  settings: { readonly prometheusUrl?: string } = {}
): Effect.Effect<Reading> =>
  Effect.gen(function* () {
    const whole: World = {
      http: () => ({ fails: { _tag: "Unreachable" } }),
      kubernetes: () => refused({ _tag: "NotFound" }),
      ...world
    }
    const { layer } = yield* run(whole, settings)
    return yield* sample(one, more).pipe(Effect.provide(layer))
  })

/** Lets virtual time pass until the effect is done, or a minute has gone by. */
export const inTime = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    yield* TestClock.adjust("1 minute")
    return yield* Fiber.join(fiber)
  })
