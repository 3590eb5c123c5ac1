/** What the monitoring port of a nats-server answers, projected to what a backlog needs. */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Millis } from "#schemas/Reading"

const list = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(Schema.Array(schema)))
const text = Schema.optionalKey(Schema.String)

const Members = Schema.Struct({
  leader: text,
  replicas: list(Schema.Struct({ name: Schema.String })),
  cluster_size: Schema.optionalKey(Schema.Number)
})
const Group = Schema.optionalKey(Schema.NullOr(Members))

const ConsumerDetail = Schema.Struct({
  name: Schema.String,
  num_pending: Schema.Number,
  num_ack_pending: Schema.Number,
  cluster: Group,
  config: Schema.optionalKey(
    Schema.NullOr(Schema.Struct({ durable_name: text, filter_subject: text, filter_subjects: list(Schema.String) }))
  )
})

const StreamDetail = Schema.Struct({
  name: Schema.String,
  cluster: Group,
  config: Schema.optionalKey(Schema.NullOr(Schema.Struct({ subjects: list(Schema.String), retention: text }))),
  state: Schema.Struct({ messages: Schema.Number }),
  consumer_detail: list(ConsumerDetail)
})

/** /jsz */
export const Jsz = Schema.Struct({
  server_id: Schema.String,
  now: Schema.String,
  disabled: Schema.optionalKey(Schema.Boolean),
  /** Absent on old servers, which did not tell. */
  total: Schema.optionalKey(Schema.Number),
  /** Present when JetStream is clustered: everybody but the server that answers. */
  meta_cluster: Group,
  account_details: list(Schema.Struct({ name: Schema.String, id: Schema.String, stream_detail: list(StreamDetail) }))
})
export type Jsz = typeof Jsz.Type

/** /varz */
export const Varz = Schema.Struct({ server_id: Schema.String, server_name: Schema.String })

/** /routez: a route per pooled connection, so servers come more than once; before 2.10 without their names. */
export const Routez = Schema.Struct({
  routes: list(Schema.Struct({ remote_id: Schema.String, remote_name: text, ip: text }))
})

export interface JetStreamConsumer {
  readonly name: string
  readonly durable: boolean
  /** None: it takes every subject of its stream. */
  readonly filters: ReadonlyArray<string>
  /** As sent: whether it is a usable number is for the reader to judge. */
  readonly pending: number
  readonly ackPending: number
  /** Name of the server whose numbers are true. */
  readonly leader: string | undefined
}

export interface JetStreamStream {
  readonly account: string
  readonly name: string
  readonly subjects: ReadonlyArray<string>
  readonly retention: string | undefined
  readonly messages: number
  readonly leader: string | undefined
  /** Servers that hold a copy, as far as the one that tells knows: itself is not among them. */
  readonly members: ReadonlyArray<string>
  readonly consumers: ReadonlyArray<JetStreamConsumer>
}

/** JetStream as one server knows it: of what others lead it holds only a copy, and often an empty one. */
export interface JetStreamServer {
  readonly id: string
  readonly now: Millis | undefined
  readonly enabled: boolean
  readonly clustered: boolean
  /** Names of members of the cluster, as far as this server mentions them. */
  readonly mentioned: ReadonlyArray<string>
  /** How many members the cluster has. */
  readonly size: number
  readonly streams: ReadonlyArray<JetStreamStream>
}

type GroupOf = typeof Members.Type | null | undefined

const leaderOf = (group: GroupOf) => (group?.leader === "" ? undefined : group?.leader)

const membersOf = (group: GroupOf): ReadonlyArray<string> => {
  const names = [leaderOf(group), ...(group?.replicas ?? []).map(({ name }) => name)]
  return [...new Set(names.filter((name): name is string => name !== undefined && name !== ""))]
}

const streamsOf = (page: Jsz): ReadonlyArray<JetStreamStream> =>
  (page.account_details ?? []).flatMap((account) =>
    (account.stream_detail ?? []).map((stream) => ({
      account: account.name,
      name: stream.name,
      subjects: stream.config?.subjects ?? [],
      retention: stream.config?.retention,
      messages: stream.state.messages,
      leader: leaderOf(stream.cluster),
      members: membersOf(stream.cluster),
      consumers: (stream.consumer_detail ?? []).map((consumer) => ({
        name: consumer.name,
        durable: (consumer.config?.durable_name ?? "") !== "",
        filters: [consumer.config?.filter_subject, ...(consumer.config?.filter_subjects ?? [])].filter(
          (filter): filter is string => filter !== undefined && filter !== ""
        ),
        pending: consumer.num_pending,
        ackPending: consumer.num_ack_pending,
        leader: leaderOf(consumer.cluster)
      }))
    }))
  )

/** All pages of one server's answer as one. An account that moved between two pages is taken once. */
export const serverOf = (first: Jsz, pages: ReadonlyArray<Jsz>): JetStreamServer => {
  const streams = new Map(
    pages.flatMap(streamsOf).map((stream) => [JSON.stringify([stream.account, stream.name]), stream])
  )
  const all = [...streams.values()]
  const named = [
    ...membersOf(first.meta_cluster),
    ...all.flatMap(({ consumers, members }) => [...members, ...consumers.map(({ leader }) => leader)])
  ]
  return {
    id: first.server_id,
    now: Option.getOrUndefined(Option.map(DateTime.make(first.now), DateTime.toEpochMillis)),
    enabled: first.disabled !== true,
    clustered: first.meta_cluster !== undefined && first.meta_cluster !== null,
    mentioned: [...new Set(named.filter((name) => name !== undefined))],
    size: first.meta_cluster?.cluster_size ?? 1,
    streams: all
  }
}
