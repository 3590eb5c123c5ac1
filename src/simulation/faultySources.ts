/**
 * The systems that one operator's sources ask, at their own wire: Prometheus, NATS, Pub/Sub and JSON over Egress, Redis
 * by its commands, Kafka by its offsets, metrics.k8s.io through the API. What goes wrong goes wrong there, so that
 * everything which is to keep an error from becoming a number is under test.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { Plugs } from "#operator/bind"
import * as CloudMonitoring from "#services/CloudMonitoring"
import { Egress, type EgressAnswer, EgressError, type EgressRequest } from "#services/Egress"
import { GoogleTokens } from "#services/GoogleTokens"
import * as HttpJson from "#services/HttpJson"
import { Kafka } from "#services/Kafka"
import * as Nats from "#services/Nats"
import * as Prometheus from "#services/Prometheus"
import * as Redis from "#services/Redis"
import { RedisWire } from "#services/RedisWire"
import type { Reply } from "#services/resp"
import * as ResourceMetrics from "#services/ResourceMetrics"
import * as Secrets from "#services/Secrets"
import { SourceError } from "#services/SourceError"
import type { SourceName } from "#sources/index"
import type { Answers } from "#simulation/Answers"
import type { Fault, FaultKind } from "#simulation/Fault"
import type { Life } from "#simulation/Life"
import { keyOf, PROMETHEUS_URL, type What } from "#simulation/questions"
import type { World } from "#simulation/World"

export interface SourcesOptions {
  readonly world: World
  readonly life: Life
  readonly answers: Answers
  readonly strike: (fault: Fault) => void
}

/** What is to be answered, and what is wrong with it. */
export interface Asked {
  readonly value: number
  readonly spoilt: FaultKind | undefined
}

const BURSTS: ReadonlySet<FaultKind> = new Set<FaultKind>([
  "metricError",
  "metricHang",
  "metricEmpty",
  "metricNaN",
  "metricTorn",
  "metricReset",
  "metricFollower"
])

/** Longer than any deadline of a signal. */
const HANG_MILLIS = 60_000

/** One question: counts it, lets strike what strikes, and hands over when the answer is on its way. */
export const makeAsk = ({ answers, life, strike, world }: SourcesOptions) => {
  const { chance, now, plant, script } = world
  return <A, E>(
    source: SourceName,
    what: What,
    target: string,
    reply: (asked: Asked) => Effect.Effect<A, E>
  ): Effect.Effect<A, E> =>
    Effect.suspend(() => {
      const key = keyOf(source, what, target)
      let wait = chance.below(world.scenario.latencyMillis + 1)
      for (const fault of script.next("question")) {
        world.say(life.name, fault.kind, key)
        if (fault.kind === "metricSlow") wait = fault.amount
        else if (BURSTS.has(fault.kind)) answers.spoil(key, fault.kind, fault.amount)
        else if (!world.strike(fault)) strike(fault)
      }
      const spoilt = script.isOver ? undefined : answers.takeSpoilt(key)
      // Until it is there, nothing is known.
      answers.tell(key, now(), undefined)
      if (spoilt === "metricHang" || life.isDead) wait = HANG_MILLIS
      const given = Effect.suspend(() => {
        const value = plant.measure(what, target)
        // What hung for so long that it came after all is true.
        answers.tell(key, now(), spoilt === undefined || spoilt === "metricHang" ? value : undefined)
        return reply({ value, spoilt })
      })
      return wait === 0 ? given : Effect.andThen(Effect.sleep(wait), given)
    })
}

type Ask = ReturnType<typeof makeAsk>

// ---- over HTTP

const PROMQL = /^(\w+)\{target="([^"]+)"\}$/u

const ok = (url: string, body: unknown): EgressAnswer => ({
  status: 200,
  body: JSON.stringify(body),
  url,
  strippedOfCredentials: false
})

const isOneOf = (spoilt: FaultKind | undefined, ...kinds: ReadonlyArray<FaultKind>) =>
  spoilt !== undefined && kinds.includes(spoilt)

/** What is wrong with any answer over HTTP, whatever it says. */
const garbled = (answer: EgressAnswer, spoilt: FaultKind | undefined): EgressAnswer => {
  if (spoilt === "metricError") return { ...answer, status: 500, body: "out of memory" }
  if (spoilt === "metricTorn") return { ...answer, body: answer.body.slice(0, answer.body.length >> 1) }
  return answer
}

const prometheusBody = ({ spoilt, value }: Asked, seconds: number) => {
  const word = spoilt === "metricNaN" ? "NaN" : spoilt === "metricReset" ? "-3.5" : String(value)
  const result = spoilt === "metricEmpty" ? [] : [{ metric: {}, value: [seconds, word] }]
  const data = { resultType: "vector", result }
  // One of several stores did not answer, and what the others have is less than what there is.
  return spoilt === "metricFollower" ? { status: "success", isPartial: true, data } : { status: "success", data }
}

const natsBody = (target: string, { spoilt, value }: Asked, at: number) => {
  const follows = spoilt === "metricFollower"
  const group = follows ? { cluster: { leader: "n2", replicas: [{ name: "n2" }] } } : {}
  const pending = follows ? 0 : spoilt === "metricReset" ? -1 : spoilt === "metricNaN" ? "many" : value
  const consumer = {
    name: "work",
    num_pending: pending,
    num_ack_pending: 0,
    ...group,
    config: { durable_name: "work" }
  }
  const stream = {
    name: "work",
    ...group,
    config: { subjects: [`work.${target}`], retention: "limits" },
    state: { messages: follows ? 0 : value },
    consumer_detail: spoilt === "metricEmpty" ? [] : [consumer]
  }
  return {
    server_id: "N1",
    now: new Date(at).toISOString(),
    ...(follows ? { meta_cluster: { leader: "n2", replicas: [{ name: "n2" }], cluster_size: 2 } } : {}),
    account_details: [{ name: "$G", id: "$G", stream_detail: [stream] }]
  }
}

const pubsubBody = (url: URL, subscription: string, { spoilt, value }: Asked, at: number) => {
  const filter = url.searchParams.get("filter") ?? ""
  const metricType = /metric\.type = "([^"]+)"/u.exec(filter)?.[1] ?? ""
  const labels = Object.fromEntries(
    [...filter.matchAll(/resource\.labels\.(\w+) = "([^"]+)"/gu)].map(([, name = "", text = ""]) => [name, text])
  )
  const said =
    spoilt === "metricNaN"
      ? { doubleValue: "NaN" }
      : { int64Value: spoilt === "metricReset" ? "-4" : String(Math.round(value)) }
  const point = { interval: { endTime: new Date(at).toISOString() }, value: said }
  const series = {
    metric: { type: metricType },
    resource: { type: "pubsub_subscription", labels: { ...labels, subscription_id: subscription } },
    points: [point]
  }
  // What could not be reached is told beside what could.
  const partial = spoilt === "metricFollower" ? { executionErrors: [{ code: 14, message: "unavailable" }] } : {}
  return spoilt === "metricEmpty" ? {} : { timeSeries: [series], ...partial }
}

const jsonBody = ({ spoilt, value }: Asked) => {
  switch (spoilt) {
    case "metricNaN":
    case "metricFollower":
      return { waiting: "not a number" }
    case "metricEmpty":
      return { waiting: null }
    case "metricReset":
      return { waiting: -7 }
    default:
      return { waiting: value }
  }
}

const makeEgress = (ask: Ask, { life, world }: SourcesOptions): Egress["Service"] => ({
  request: (request) =>
    Effect.suspend((): Effect.Effect<EgressAnswer, EgressError> => {
      const url = new URL(request.url)
      const failed = (_tag: "Unreachable" | "Timeout") =>
        Effect.fail(new EgressError({ reason: { _tag }, url: url.origin, detail: "could not be reached" }))
      const via = (source: SourceName, what: What, target: string, body: (asked: Asked) => unknown) =>
        ask(source, what, target, (asked) =>
          // Half of the broken ones do not even answer.
          asked.spoilt === "metricError" && world.chance.chance(0.5)
            ? failed("Unreachable")
            : Effect.succeed(garbled(ok(url.origin, body(asked)), asked.spoilt))
        )
      if (life.isDead) return failed("Unreachable")
      const [host = ""] = url.hostname.split(".")
      switch (host) {
        case "prometheus": {
          const [, what = "", target = ""] = PROMQL.exec(questionOf(request)) ?? []
          return via("prometheus", what as What, target, (asked) => prometheusBody(asked, world.now() / 1000))
        }
        case "queues": {
          const target = url.pathname.slice(1)
          return via("http", "total", target, jsonBody)
        }
        case "pubsub": {
          const target = /subscription_id = "sub-([^"]+)"/u.exec(url.searchParams.get("filter") ?? "")?.[1] ?? ""
          return via("pubsub", "total", target, (asked) => pubsubBody(url, `sub-${target}`, asked, world.now()))
        }
        default: {
          if (!host.startsWith("nats-")) return failed("Unreachable")
          const target = host.slice("nats-".length)
          if (url.pathname === "/varz") return Effect.succeed(ok(url.origin, { server_id: "N1", server_name: "n1" }))
          if (url.pathname === "/routez") return Effect.succeed(ok(url.origin, { routes: [] }))
          return via("nats", "total", target, (asked) => natsBody(target, asked, world.now()))
        }
      }
    })
})

const questionOf = ({ body, url }: EgressRequest): string =>
  new URLSearchParams(body?.text ?? new URL(url).search).get("query") ?? ""

// ---- by their own protocols

const makeRedis = (ask: Ask): RedisWire["Service"] => ({
  exchange: (_, commands) => {
    const [name, key] = commands[0] ?? []
    return ask("redis", "total", key ?? "", ({ spoilt, value }): Effect.Effect<ReadonlyArray<Reply>, SourceError> => {
      // A list that is empty is a key that is not there, which is no fault in Redis.
      if (isOneOf(spoilt, "metricError", "metricTorn", "metricEmpty")) {
        return Effect.fail(new SourceError({ why: "Unreachable", detail: "The connection was reset." }))
      }
      if (spoilt === "metricFollower")
        return Effect.succeed([{ _tag: "ErrorReply" as const, text: "MASTERDOWN Link with MASTER is down" }])
      if (name === "TYPE") return Effect.succeed(["list"])
      return Effect.succeed([spoilt === "metricNaN" ? "many" : spoilt === "metricReset" ? -1 : value])
    })
  }
})

const makeKafka = (ask: Ask): Kafka["Service"] => ({
  offsets: ({ group }) =>
    ask("kafka", "total", group, ({ spoilt, value }) => {
      // What its offsets may say that is no number depends on whether a pod could have committed: that is kafka/lag's test.
      if (spoilt !== undefined) {
        return Effect.fail(new SourceError({ why: "NotLeader", detail: "No leader of the partition answered." }))
      }
      const latest = BigInt(Math.round(value))
      // Twelve partitions, of which the first has it all: more pods than partitions would be idle.
      return Effect.succeed(
        Array.from({ length: 12 }, (_, partition) => ({
          topic: "jobs",
          partition,
          committed: 0n,
          earliest: 0n,
          latest: partition === 0 ? latest : 0n,
          standsSince: 0,
          hasMoved: false
        }))
      )
    })
})

/** The registry of sources as the operator uses it, on these systems. Kubernetes is given. */
export const layerSources = (options: SourcesOptions) => {
  const ask = makeAsk(options)
  const wires = Layer.mergeAll(
    Layer.succeed(Egress, makeEgress(ask, options)),
    Layer.succeed(RedisWire, makeRedis(ask)),
    Layer.succeed(Kafka, makeKafka(ask)),
    Layer.succeed(GoogleTokens, {
      token: () => Effect.succeed(Redacted.make("token")),
      forget: () => Effect.void
    })
  )
  const systems = Layer.mergeAll(
    Nats.layer,
    HttpJson.layer,
    Redis.layer,
    CloudMonitoring.layerWith({ url: "http://pubsub.test" }),
    ResourceMetrics.layer,
    Secrets.layer
  ).pipe(Layer.provideMerge(Prometheus.layerWith({ defaultUrl: PROMETHEUS_URL })), Layer.provideMerge(wires))
  return Plugs.layer.pipe(Layer.provide(systems))
}
