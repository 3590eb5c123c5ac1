/**
 * The world behind the operator's ports: whatever URL, host or broker a policy names is looked up among the servers of
 * the world, and the real services of the operator read its answers. A name that nobody has is unreachable, and says who is there.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { CloudMonitoringSite } from "#cluster/world/CloudMonitoringSite"
import { serviceName } from "#cluster/world/names"
import { natsSite } from "#cluster/world/natsPages"
import { prometheusPages } from "#cluster/world/prometheusPages"
import { at, type Commits, kafkaOffsets, pageAt, queuesOf, redisReply } from "#cluster/world/queueServers"
import { type PageAnswer, pageRequest, type Site } from "#cluster/world/Site"
import type { World } from "#cluster/world/World"
import * as CloudMonitoring from "#services/CloudMonitoring"
import { ANSWER_LIMITS, Egress, EgressError, type EgressRequest, printableUrl } from "#services/Egress"
import { GoogleTokens } from "#services/GoogleTokens"
import * as HttpJson from "#services/HttpJson"
import { type GroupQuestion, Kafka } from "#services/Kafka"
import * as Nats from "#services/Nats"
import * as Prometheus from "#services/Prometheus"
import * as Redis from "#services/Redis"
import { printableServer, type RedisServer, RedisWire } from "#services/RedisWire"
import * as ResourceMetrics from "#services/ResourceMetrics"
import type { Command } from "#services/resp"
import * as Secrets from "#services/Secrets"
import { SourceError } from "#services/SourceError"

/** Where the operator's own questions go, unless it is told otherwise. */
export const PROMETHEUS_URL = "http://prometheus.monitoring:9090"
const MONITORING_URL = "https://monitoring.googleapis.com"

/** `prometheus`, `prometheus-server`, `prometheus-operated`, in any namespace. */
const isPrometheus = (host: string): boolean => /^prometheus(?:-[a-z0-9-]+)?$/u.test(serviceName(host)?.name ?? "")

export interface Sites {
  readonly prometheus: Site
  readonly nats: (host: string) => Site | undefined
  readonly monitoring: Site
}

export const sitesOf = (world: World, nowMillis: () => number): Sites => {
  const monitoring = new CloudMonitoringSite(() => queuesOf(world.services, "pubsub"), nowMillis)
  world.eachMinute((atMillis) => monitoring.sample(atMillis))
  const present =
    (site: Site): Site =>
    (request) => {
      world.catchUp()
      return site(request)
    }
  return {
    prometheus: present(prometheusPages({ store: world.store, nowMillis })),
    nats: (host) => natsSite(() => world.services, host, nowMillis),
    monitoring: present(monitoring.site)
  }
}

const hostsOf = (world: World): string => {
  const queues = world.services.flatMap(({ spec: { queue } }) =>
    queue === undefined || queue.system === "pubsub" ? [] : [queue.server]
  )
  const pages = world.services.flatMap(({ spec }) => (spec.pages ?? []).map(({ url }) => new URL(url).host))
  return ["prometheus", ...new Set([...queues, ...pages])].join(", ")
}

const answered = (world: World, sites: Sites, { body, method, url }: EgressRequest): PageAnswer | undefined => {
  const whole = new URL(url)
  const host = whole.hostname
  const request = pageRequest(method, url, body)
  if (isPrometheus(host)) return sites.prometheus(request)
  const page = pageAt(world.services, whole)
  if (page !== undefined) return { status: 200, json: page }
  if (host === new URL(MONITORING_URL).hostname || whole.pathname.startsWith("/v3/projects/"))
    return sites.monitoring(request)
  return sites.nats(host)?.(request)
}

const egressOf = (world: World, sites: Sites): Egress["Service"] => ({
  request: (request) =>
    Effect.suspend(() => {
      const url = printableUrl(request.url)
      if (!URL.canParse(request.url)) {
        return new EgressError({ reason: { _tag: "BadOptions" }, url, detail: "is no URL" })
      }
      world.catchUp()
      const answer = answered(world, sites, request)
      if (answer === undefined) {
        const detail = `is no server of the embedded cluster, which has ${hostsOf(world)}`
        return new EgressError({ reason: { _tag: "Unreachable" }, url, detail })
      }
      const { json, status } = answer
      const body = JSON.stringify(json)
      if (body.length > ANSWER_LIMITS[request.answer ?? "number"].bytesMax) {
        return new EgressError({ reason: { _tag: "TooLarge" }, url, detail: `answered with ${body.length} bytes` })
      }
      return Effect.succeed({ status, body, url, strippedOfCredentials: false })
    })
})

const redisOf = (world: World): RedisWire["Service"] => ({
  exchange: (server: RedisServer, commands: ReadonlyArray<Command>) =>
    Effect.suspend(() => {
      world.catchUp()
      const queues = at(queuesOf(world.services, "redis"), server.host)
      if (queues.length > 0) return Effect.succeed(commands.map((command) => redisReply(queues, server.db, command)))
      const detail = `${printableServer(server)} is no server of the embedded cluster, which has ${hostsOf(world)}. Correct host.`
      return new SourceError({ why: "Unreachable", detail })
    })
})

const kafkaOf = (world: World, nowMillis: () => number): Kafka["Service"] => {
  const commits: Commits = new Map()
  return {
    offsets: ({ access, group, topic }: GroupQuestion) =>
      Effect.suspend(() => {
        world.catchUp()
        const [first = ""] = access.bootstrapServers
        const queues = access.bootstrapServers.flatMap((server) =>
          at(queuesOf(world.services, "kafka"), server.replace(/:\d+$/u, ""))
        )
        if (queues.length === 0) {
          const detail = `Kafka at ${first} is no server of the embedded cluster, which has ${hostsOf(world)}. Correct bootstrapServers.`
          return new SourceError({ why: "Unreachable", detail })
        }
        const topics = [...new Set(queues)].filter(({ queue }) => topic === undefined || queue.topic === topic)
        if (topics.length === 0) {
          const known = [...new Set(queues.map(({ queue }) => queue.topic))].join(", ")
          const detail = `There is no topic ${topic ?? ""} in Kafka at ${first}, which has ${known}. Correct topic, or create it.`
          return new SourceError({ why: "NotFound", detail })
        }
        const offsets = topics.flatMap((one) => {
          const isGroup = one.queue.group === group
          const all = kafkaOffsets(one, commits, nowMillis())
          return isGroup ? all : topic === undefined ? [] : all.map((each) => ({ ...each, committed: undefined }))
        })
        return Effect.succeed(offsets)
      })
  }
}

const TOKENS: GoogleTokens["Service"] = {
  token: () => Effect.succeed(Redacted.make("a token of the embedded cluster")),
  forget: () => Effect.void
}

/** What outside systems are, to a whole operator. */
export const layerPorts = (
  world: World,
  sites: Sites,
  nowMillis: () => number
): Layer.Layer<Egress | RedisWire | Kafka | GoogleTokens> =>
  Layer.mergeAll(
    Layer.succeed(Egress, egressOf(world, sites)),
    Layer.succeed(RedisWire, redisOf(world)),
    Layer.succeed(Kafka, kafkaOf(world, nowMillis)),
    Layer.succeed(GoogleTokens, TOKENS)
  )

/** What the sources ask, as in the operator, over given ports; Kubernetes is given too. */
export const layerSources = (prometheusUrl: string | undefined) =>
  Layer.mergeAll(
    ResourceMetrics.layer,
    Nats.layer,
    HttpJson.layer,
    Redis.layer,
    Secrets.layer,
    CloudMonitoring.layerWith({ url: MONITORING_URL })
  ).pipe(Layer.provideMerge(Prometheus.layerWith({ defaultUrl: prometheusUrl })))
