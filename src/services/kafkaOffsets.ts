/**
 * The conversation behind one question: who coordinates the group, what it has committed, who leads its partitions,
 * and only then where their logs end, so that a commit cannot seem ahead of its log. All partitions or none.
 */
import type { GroupQuestion, PartitionOffsets } from "#services/Kafka"
import { findCoordinator, listOffsets, metadata, offsetFetch } from "#services/kafkaCalls"
import type { Committed, Led, LogOffset, Metadata, TopicPartition } from "#services/kafkaCalls"
import type { Server } from "#services/kafkaConnection"
import { failureOfCode, KafkaFailure } from "#services/kafkaFailure"
import type { Call } from "#services/kafkaWire"

export const PARTITIONS_MAX = 50_000

/** The group has never existed, or was forgotten: nothing is committed. */
const GROUP_ID_NOT_FOUND = 69

/** Whom to ask; `KafkaBrokers` live. */
export interface Brokers {
  readonly ask: <A>(server: Server, call: Call<A>, signal: AbortSignal) => Promise<A>
  readonly askAny: <A>(call: Call<A>, signal: AbortSignal) => Promise<A>
}

export type Offsets = Omit<PartitionOffsets, "standsSince" | "hasMoved">

const keyOf = ({ partition, topic }: TopicPartition) => `${topic}/${partition}`

const refuse = (code: number, who: string): void => {
  if (code !== 0) throw failureOfCode(code, who)
}

const tooMany = () =>
  new KafkaFailure(
    "TooLarge",
    `The consumer group reads more than ${PARTITIONS_MAX} partitions. Name the topic, or name fewer partitions.`
  )

const malformed = (what: string) =>
  new KafkaFailure("Malformed", `Kafka ${what}. Look at the brokers' logs, and at what stands before them.`)

/** Each partition with its leader, or a failure that names what is without one. */
const leadersOf = (found: Metadata, topics: ReadonlyArray<string>): ReadonlyMap<number, ReadonlyArray<Led>> => {
  const leaders = new Map<number, Array<Led>>()
  const byName = new Map(found.topics.map((one) => [one.topic, one]))
  let count = 0
  for (const topic of topics) {
    const told = byName.get(topic)
    if (told === undefined) throw malformed(`says nothing of the topic ${topic}`)
    refuse(told.error, `Kafka, asked for the topic ${topic},`)
    if (told.partitions.length === 0) throw malformed(`says that the topic ${topic} has no partition`)
    count += told.partitions.length
    if (count > PARTITIONS_MAX) throw tooMany()
    for (const { error, leader, leaderEpoch, partition } of told.partitions) {
      // An offline replica (9) elsewhere is no reason not to ask the leader.
      if (error !== 9) refuse(error, `Kafka, asked for the partition ${partition} of ${topic},`)
      if (leader < 0) throw failureOfCode(5, `Kafka, asked for the partition ${partition} of ${topic},`)
      const led = { topic, partition, leaderEpoch }
      const already = leaders.get(leader)
      if (already === undefined) leaders.set(leader, [led])
      else already.push(led)
    }
  }
  return leaders
}

const whole = (asked: ReadonlyArray<TopicPartition>, answers: ReadonlyArray<LogOffset>): Map<string, bigint> => {
  const offsets = new Map<string, bigint>()
  for (const answer of answers) {
    const { error, offset, partition, topic } = answer
    refuse(error, `Kafka, asked for the log of the partition ${partition} of ${topic},`)
    if (offset < 0n) throw malformed(`tells no offset of the partition ${partition} of ${topic}`)
    offsets.set(keyOf(answer), offset)
  }
  const silent = asked.find((one) => !offsets.has(keyOf(one)))
  if (silent !== undefined) throw malformed(`says nothing of the partition ${silent.partition} of ${silent.topic}`)
  return offsets
}

const readCommitted = async (
  brokers: Brokers,
  { group, topic }: GroupQuestion,
  all: ReadonlyArray<TopicPartition>,
  signal: AbortSignal
) => {
  const found = await brokers.askAny(findCoordinator(group), signal)
  refuse(found.error, "Kafka")
  const fetched = await brokers.ask(found.broker, offsetFetch(group, topic === undefined ? undefined : all), signal)
  if (fetched.error !== GROUP_ID_NOT_FOUND) refuse(fetched.error, "Kafka")
  const told = new Set(fetched.committed.map(keyOf))
  const silent = fetched.error === 0 ? all.find((one) => !told.has(keyOf(one))) : undefined
  // Silence is no word that nothing was committed.
  if (silent !== undefined) throw malformed(`tells no commit of the partition ${silent.partition} of ${silent.topic}`)
  const committed = new Map<string, bigint>()
  for (const one of fetched.committed as ReadonlyArray<Committed>) {
    refuse(one.error, `Kafka, asked for the group's offset in ${one.topic},`)
    if (one.offset >= 0n) committed.set(keyOf(one), one.offset)
  }
  return {
    committed,
    topics: [...new Set(fetched.committed.filter(({ offset }) => offset >= 0n).map((one) => one.topic))]
  }
}

export const readOffsets = async (
  brokers: Brokers,
  question: GroupQuestion,
  signal: AbortSignal
): Promise<ReadonlyArray<Offsets>> => {
  const ask = (topics: ReadonlyArray<string>) => brokers.askAny(metadata(topics), signal)
  const named = question.topic === undefined ? undefined : await ask([question.topic])
  const partitions =
    named === undefined || question.topic === undefined ? [] : [...leadersOf(named, [question.topic]).values()].flat()
  const { committed, topics } = await readCommitted(brokers, question, partitions, signal)
  const read = question.topic === undefined ? topics : [question.topic]
  if (read.length === 0) return []
  if (read.length > PARTITIONS_MAX) throw tooMany()
  const found = named ?? (await ask(read))
  const addresses = new Map(found.brokers.map((broker) => [broker.id, broker]))
  const parts = await Promise.all(
    [...leadersOf(found, read)].map(async ([leader, led]) => {
      const broker = addresses.get(leader)
      if (broker === undefined) throw failureOfCode(5, `Kafka, asked for the broker ${leader},`)
      const [earliest, latest] = await Promise.all([
        brokers.ask(broker, listOffsets("earliest", led), signal),
        brokers.ask(broker, listOffsets("latest", led), signal)
      ])
      const begins = whole(led, earliest)
      const ends = whole(led, latest)
      return led.map((one): Offsets => {
        const { partition, topic } = one
        const key = keyOf(one)
        const begin = begins.get(key) ?? 0n
        const end = ends.get(key) ?? 0n
        // Retention may have moved the beginning on between the two answers, but never beyond the end.
        return { topic, partition, committed: committed.get(key), earliest: begin < end ? begin : end, latest: end }
      })
    })
  )
  return parts.flat()
}
