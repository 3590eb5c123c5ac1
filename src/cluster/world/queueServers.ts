/**
 * The queues of the world in the terms of their own systems: Redis' replies, Kafka's offsets, pages of JSON. Each is a
 * view of the same few numbers; credentials are not asked for.
 */
import type { JsonObject } from "#cluster/api/json"
import { isHost } from "#cluster/world/names"
import type { Service } from "#cluster/world/Service"
import type { QueueSpec } from "#cluster/world/WorkloadSpec"
import type { PartitionOffsets } from "#services/Kafka"
import type { Command, ErrorReply, Reply } from "#services/resp"

export interface Queued<Spec extends QueueSpec> {
  readonly service: Service
  readonly queue: Spec
}

export type System = QueueSpec["system"]
export type Of<S extends System> = Extract<QueueSpec, { readonly system: S }>

/** The queues of one system whose server answers to this host name. */
export const queuesOf = <S extends System>(services: ReadonlyArray<Service>, system: S): ReadonlyArray<Queued<Of<S>>> =>
  services.flatMap((service) => {
    const { queue } = service.spec
    return queue !== undefined && isOf(queue, system) ? [{ service, queue }] : []
  })

const isOf = <S extends System>(queue: QueueSpec, system: S): queue is Of<S> => queue.system === system

export const at = <Spec extends QueueSpec & { readonly server: string }>(
  queues: ReadonlyArray<Queued<Spec>>,
  host: string
): ReadonlyArray<Queued<Spec>> => queues.filter(({ queue }) => isHost(queue.server, host))

// ---- Redis: a key for each queue

const refusal = (text: string): ErrorReply => ({ _tag: "ErrorReply", text })

const LENGTHS: Readonly<Record<string, string>> = {
  LLEN: "list",
  SCARD: "set",
  ZCARD: "zset",
  HLEN: "hash",
  XLEN: "stream"
}

const groups = ({ queue, service }: Queued<Of<"redis">>): Reply => [
  [
    ...["name", queue.group ?? "workers", "consumers", service.readyPods, "pending", service.inService],
    ...["last-delivered-id", "0-0", "entries-read", Math.floor(service.processed), "lag", service.waiting]
  ]
]

/** One command on a server's database. */
export const redisReply = (queues: ReadonlyArray<Queued<Of<"redis">>>, db: number, command: Command): Reply => {
  const [name = "", ...parts] = command.map(String)
  const verb = name.toUpperCase()
  const key = verb === "XINFO" ? parts[1] : parts[0]
  const found = queues.find(({ queue }) => queue.key === key && (queue.db ?? 0) === db)
  const length = found === undefined ? 0 : found.service.waiting + found.service.inService
  // Everything but a stream goes away with its last item.
  const type = found === undefined || (length === 0 && found.queue.type !== "stream") ? "none" : found.queue.type
  if (verb === "PING") return "PONG"
  if (verb === "TYPE") return type
  if (verb === "XINFO" && parts[0]?.toUpperCase() === "GROUPS") {
    if (found === undefined) return refusal("ERR no such key")
    return type === "stream"
      ? groups(found)
      : refusal("WRONGTYPE Operation against a key holding the wrong kind of value")
  }
  const wanted = LENGTHS[verb]
  if (wanted === undefined) return refusal(`ERR unknown command '${name}', with args beginning with: '${key ?? ""}'`)
  if (type === "none") return 0
  return type === wanted ? length : refusal("WRONGTYPE Operation against a key holding the wrong kind of value")
}

// ---- Kafka: messages go round the partitions, and so do the pods that read them

/** Since when each partition's commit stands, which one look cannot tell. */
export type Commits = Map<string, { readonly offset: bigint; readonly sinceMillis: number }>

const share = (total: number, partition: number, partitions: number): bigint =>
  BigInt(Math.floor((Math.floor(total) + partitions - 1 - partition) / partitions))

export const kafkaOffsets = (
  { queue, service }: Queued<Of<"kafka">>,
  commits: Commits,
  nowMillis: number
): ReadonlyArray<PartitionOffsets> =>
  Array.from({ length: queue.partitions }, (_, partition) => {
    const latest = share(service.published, partition, queue.partitions)
    const done = share(service.processed, partition, queue.partitions)
    const committed = done > latest ? latest : done
    const key = `${service.namespace}/${service.name}/${partition}`
    const before = commits.get(key)
    const stands = before?.offset === committed ? before : { offset: committed, sinceMillis: nowMillis }
    commits.set(key, stands)
    return {
      ...{ topic: queue.topic, partition, committed, earliest: 0n, latest },
      standsSince: stands.sinceMillis,
      hasMoved: committed > 0n
    }
  })

// ---- what a page of a workload's own tells

const placed = (path: ReadonlyArray<string>, value: number, into: JsonObject): JsonObject => {
  const [name = "", ...rest] = path
  const inner = into[name]
  const isInner = typeof inner === "object" && inner !== null && !Array.isArray(inner)
  return { ...into, [name]: rest.length === 0 ? value : placed(rest, value, isInner ? (inner as JsonObject) : {}) }
}

/** Undefined: nobody serves this URL. */
export const pageAt = (services: ReadonlyArray<Service>, url: URL): JsonObject | undefined => {
  let page: JsonObject | undefined
  for (const service of services) {
    for (const { at, tells, url: declared } of service.spec.pages ?? []) {
      const there = new URL(declared)
      if (there.pathname !== url.pathname || !isHost(there.hostname, url.hostname)) continue
      page = placed(at, service.told(tells), page ?? {})
    }
  }
  return page
}
