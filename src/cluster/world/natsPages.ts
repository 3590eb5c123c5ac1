/**
 * JetStream's monitoring pages for the queues of one server, or of a cluster in which only the leader of a stream knows
 * its numbers: the others answer too, and say zero, as followers do.
 */
import type { Json } from "#cluster/api/json"
import type { Of, Queued } from "#cluster/world/queueServers"
import { isHost } from "#cluster/world/names"
import type { Service } from "#cluster/world/Service"
import type { Site } from "#cluster/world/Site"
import { queuesOf } from "#cluster/world/queueServers"
import { microTime } from "#services/kubernetesTime"

type NatsQueue = Queued<Of<"nats">>

/** Whoever is asked first does not lead, as is usual. */
const LEADER = 1

const memberName = (member: number): string => `nats-${member}`
const memberId = (member: number): string => `NCLUSTEREMBEDDED${member}`

interface Member {
  readonly index: number
  /** 1: no cluster. */
  readonly size: number
}

const others = ({ index, size }: Member): ReadonlyArray<number> =>
  Array.from({ length: size }, (_, one) => one).filter((one) => one !== index)

const group = (member: Member): { readonly [key: string]: Json } =>
  member.size === 1
    ? {}
    : {
        cluster: {
          name: "nats",
          leader: memberName(LEADER),
          replicas: others(member).map((one) => ({ name: memberName(one), current: true }))
        }
      }

const streamDetail = (name: string, queues: ReadonlyArray<NatsQueue>, member: Member): Json => {
  const of = queues.filter(({ queue }) => queue.stream === name)
  const knows = member.size === 1 || member.index === LEADER
  const told = (number: (service: Service) => number) => (service: Service) => (knows ? number(service) : 0)
  const [pending, taken] = [told(({ waiting }) => waiting), told(({ inService }) => inService)]
  return {
    name,
    ...group(member),
    config: { name, subjects: [...new Set(of.map(({ queue }) => queue.subject))], retention: "workqueue" },
    state: { messages: of.reduce((sum, { service }) => sum + pending(service) + taken(service), 0) },
    consumer_detail: of.map(({ queue, service }) => ({
      stream_name: name,
      name: queue.consumer,
      ...group(member),
      config: { durable_name: queue.consumer, filter_subject: queue.subject, ack_policy: "explicit" },
      num_pending: pending(service),
      num_ack_pending: taken(service)
    }))
  }
}

const jsz = (queues: ReadonlyArray<NatsQueue>, member: Member): { readonly [key: string]: Json } => {
  const names = [...new Set(queues.map(({ queue }) => queue.stream))]
  const meta = {
    leader: memberName(LEADER),
    replicas: others(member).map((one) => ({ name: memberName(one) })),
    cluster_size: member.size
  }
  return {
    ...(member.size === 1 ? {} : { meta_cluster: meta }),
    streams: names.length,
    consumers: queues.length,
    total: 1,
    account_details: [{ name: "$G", id: "$G", stream_detail: names.map((name) => streamDetail(name, queues, member)) }]
  }
}

const pages =
  (queues: () => ReadonlyArray<NatsQueue>, member: Member, nowMillis: () => number): Site =>
  ({ path }) => {
    const server = {
      server_id: memberId(member.index),
      server_name: memberName(member.index),
      now: microTime(nowMillis()),
      version: "2.12.0"
    }
    switch (path) {
      case "/jsz":
        return { status: 200, json: { ...server, ...jsz(queues(), member) } }
      case "/varz":
        return { status: 200, json: server }
      case "/routez": {
        const routes = others(member).map((one) => ({ remote_id: memberId(one), remote_name: memberName(one) }))
        return { status: 200, json: { ...server, num_routes: routes.length, routes } }
      }
      case "/healthz":
        return { status: 200, json: { status: "ok" } }
      default:
        return { status: 404, json: { error: `${path} is not among the pages of the embedded cluster's NATS` } }
    }
  }

/** The server of this name, or the member of its cluster: `nats-2.nats`; undefined: there is none. */
export const natsSite = (
  services: () => ReadonlyArray<Service>,
  host: string,
  nowMillis: () => number
): Site | undefined => {
  const [, named, rest = host] = /^nats-(\d{1,2})\.(.+)$/u.exec(host) ?? []
  const queues = () => queuesOf(services(), "nats").filter(({ queue }) => isHost(queue.server, rest))
  const size = queues().reduce((most, { queue }) => Math.max(most, queue.members ?? 1), 0)
  const index = Number(named ?? 0)
  return index < size ? pages(queues, { index, size }, nowMillis) : undefined
}
