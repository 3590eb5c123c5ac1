/**
 * The few Kafka requests that a lag needs, in versions that Kafka 2.1 up to today's all speak: none of them has tagged
 * fields. Field by field as the protocol has them; what nobody needs is read and dropped.
 */
import { array, int32, int64, int8, string } from "#services/kafkaWire"
import type { Call, WireReader } from "#services/kafkaWire"

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

const byTopic = <P extends TopicPartition>(partitions: ReadonlyArray<P>): ReadonlyArray<[string, Array<P>]> => {
  const topics = new Map<string, Array<P>>()
  for (const one of partitions) {
    const already = topics.get(one.topic)
    if (already === undefined) topics.set(one.topic, [one])
    else already.push(one)
  }
  return [...topics]
}

const flat = <A>(reader: WireReader, read: (topic: string) => A): ReadonlyArray<A> =>
  reader
    .array(() => {
      const topic = reader.string()
      return reader.array(() => read(topic))
    })
    .flat()

export interface VersionRange {
  readonly key: number
  readonly min: number
  readonly max: number
}

export const apiVersions: Call<{ readonly error: number; readonly ranges: ReadonlyArray<VersionRange> }> = {
  name: "ApiVersions",
  key: 18,
  versions: [0, 0],
  encode: () => Buffer.alloc(0),
  decode: (reader) => ({
    error: reader.int16(),
    ranges: reader.array(() => ({ key: reader.int16(), min: reader.int16(), max: reader.int16() }))
  })
}

export const saslHandshake = (
  mechanism: string
): Call<{ readonly error: number; readonly offered: ReadonlyArray<string> }> => ({
  name: "SaslHandshake",
  key: 17,
  versions: [1, 1],
  encode: () => string(mechanism),
  decode: (reader) => ({ error: reader.int16(), offered: reader.array(reader.string) })
})

export const saslAuthenticate = (
  said: Buffer
): Call<{ readonly error: number; readonly said: Buffer; readonly lifetimeMillis: number }> => ({
  name: "SaslAuthenticate",
  key: 36,
  versions: [0, 1],
  encode: () => Buffer.concat([int32(said.length), said]),
  decode: (reader, version) => {
    const error = reader.int16()
    reader.nullableString()
    // 0: for as long as the connection lives.
    return { error, said: reader.bytes(), lifetimeMillis: version >= 1 ? Number(reader.int64()) : 0 }
  }
})

export interface Broker {
  readonly id: number
  readonly host: string
  readonly port: number
}

export interface PartitionMetadata {
  readonly partition: number
  readonly error: number
  readonly leader: number
  readonly leaderEpoch: number
}

export interface TopicMetadata {
  readonly topic: string
  readonly error: number
  readonly partitions: ReadonlyArray<PartitionMetadata>
}

export interface Metadata {
  readonly brokers: ReadonlyArray<Broker>
  readonly topics: ReadonlyArray<TopicMetadata>
}

export const metadata = (topics: ReadonlyArray<string>): Call<Metadata> => ({
  name: "Metadata",
  key: 3,
  versions: [5, 7],
  // Asking for a topic must not create it.
  encode: () => Buffer.concat([array(topics, string), int8(0)]),
  decode: (reader, version) => {
    reader.int32()
    const brokers = reader.array(() => {
      const broker = { id: reader.int32(), host: reader.string(), port: reader.int32() }
      reader.nullableString()
      return broker
    })
    reader.nullableString()
    reader.int32()
    const found = reader.array((): TopicMetadata => {
      const error = reader.int16()
      const topic = reader.string()
      reader.int8()
      const partitions = reader.array((): PartitionMetadata => {
        const one = {
          error: reader.int16(),
          partition: reader.int32(),
          leader: reader.int32(),
          leaderEpoch: version >= 7 ? reader.int32() : -1
        }
        // Replicas, those in sync, those offline.
        for (let list = 0; list < 3; list++) reader.skipArray(4)
        return one
      })
      return { topic, error, partitions }
    })
    return { brokers, topics: found }
  }
})

export const findCoordinator = (group: string): Call<{ readonly error: number; readonly broker: Broker }> => ({
  name: "FindCoordinator",
  key: 10,
  versions: [1, 2],
  encode: () => Buffer.concat([string(group), int8(0)]),
  decode: (reader) => {
    reader.int32()
    const error = reader.int16()
    reader.nullableString()
    return { error, broker: { id: reader.int32(), host: reader.string(), port: reader.int32() } }
  }
})

export interface Committed extends TopicPartition {
  /** -1: never. */
  readonly offset: bigint
  readonly error: number
}

/** Without partitions: everything that the group ever committed and still has. */
export const offsetFetch = (
  group: string,
  partitions: ReadonlyArray<TopicPartition> | undefined
): Call<{ readonly error: number; readonly committed: ReadonlyArray<Committed> }> => ({
  name: "OffsetFetch",
  key: 9,
  versions: [3, 5],
  encode: () =>
    Buffer.concat([
      string(group),
      partitions === undefined
        ? int32(-1)
        : array(byTopic(partitions), ([topic, ones]) =>
            Buffer.concat([string(topic), array(ones, ({ partition }) => int32(partition))])
          )
    ]),
  decode: (reader, version) => {
    reader.int32()
    const committed = flat(reader, (topic): Committed => {
      const partition = reader.int32()
      const offset = reader.int64()
      if (version >= 5) reader.int32()
      reader.nullableString()
      return { topic, partition, offset, error: reader.int16() }
    })
    return { committed, error: reader.int16() }
  }
})

export interface Led extends TopicPartition {
  readonly leaderEpoch: number
}

export interface LogOffset extends TopicPartition {
  readonly offset: bigint
  readonly error: number
}

/** Where the logs begin or end. A leader that was deposed refuses the epoch instead of answering with an old end. */
export const listOffsets = (
  which: "earliest" | "latest",
  partitions: ReadonlyArray<Led>
): Call<ReadonlyArray<LogOffset>> => ({
  name: "ListOffsets",
  key: 2,
  versions: [2, 5],
  // A topic for each at most: whoever has many brokers could otherwise answer at length from each.
  itemsMax: 2 * partitions.length,
  encode: (version) =>
    Buffer.concat([
      int32(-1),
      int8(0),
      array(byTopic(partitions), ([topic, ones]) =>
        Buffer.concat([
          string(topic),
          array(ones, ({ leaderEpoch, partition }) =>
            Buffer.concat([
              int32(partition),
              ...(version >= 4 ? [int32(leaderEpoch)] : []),
              int64(which === "latest" ? -1n : -2n)
            ])
          )
        ])
      )
    ]),
  decode: (reader, version) => {
    reader.int32()
    return flat(reader, (topic): LogOffset => {
      const partition = reader.int32()
      const error = reader.int16()
      reader.int64()
      const offset = reader.int64()
      if (version >= 4) reader.int32()
      return { topic, partition, offset, error }
    })
  }
})
