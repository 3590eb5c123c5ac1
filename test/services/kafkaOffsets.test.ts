import { assert, describe, it } from "vitest"
import type { Broker, Committed, LogOffset, Metadata } from "#services/kafkaCalls"
import type { Server } from "#services/kafkaConnection"
import { KafkaFailure } from "#services/kafkaFailure"
import { readOffsets } from "#services/kafkaOffsets"
import type { Brokers } from "#services/kafkaOffsets"
import type { Call } from "#services/kafkaWire"

interface World {
  readonly metadata: Metadata
  readonly coordinator: { readonly error: number; readonly broker: Broker }
  readonly committed: { readonly error: number; readonly committed: ReadonlyArray<Committed> }
  readonly log: (broker: number, which: string) => ReadonlyArray<LogOffset>
}

const brokers: ReadonlyArray<Broker> = [1, 2].map((id) => ({ id, host: `kafka-${id}`, port: 9092 }))
const [one = { id: 0, host: "", port: 0 }, two = one] = brokers

const led = (partition: number, leader: number, error = 0) => ({ partition, leader, error, leaderEpoch: 3 })
const offset = (partition: number, at: bigint, error = 0) => ({ topic: "jobs", partition, offset: at, error })

/** Two partitions on two brokers; the group's coordinator is the second. */
const WELL: World = {
  metadata: { brokers, topics: [{ topic: "jobs", error: 0, partitions: [led(0, 1), led(1, 2)] }] },
  coordinator: { error: 0, broker: two },
  committed: { error: 0, committed: [offset(0, 4n), offset(1, -1n)] },
  log: (broker, which) => [offset(broker - 1, which === "latest" ? 10n : 2n)]
}

/** Answers from the world and notes what was asked of whom, in order. */
const inWorld = (world: World) => {
  const asked: Array<string> = []
  let lists = 0
  const answer = (call: Call<unknown>, server: Server | undefined): unknown => {
    asked.push(`${call.name} ${server?.host ?? "any"}`)
    switch (call.name) {
      case "Metadata":
        return world.metadata
      case "FindCoordinator":
        return world.coordinator
      case "OffsetFetch":
        return world.committed
      default:
        // The first of each pair asks for the beginning.
        return world.log(Number(server?.host.at(-1)), lists++ % 2 === 0 ? "earliest" : "latest")
    }
  }
  const whole: Brokers = {
    ask: (server, call) => Promise.resolve(answer(call, server) as never),
    askAny: (call) => Promise.resolve(answer(call, undefined) as never)
  }
  return { asked, brokers: whole }
}

const question = { access: { bootstrapServers: ["kafka:9092"] }, group: "workers", topic: "jobs" }
const never = new AbortController().signal

const read = (world: Partial<World>, more: Partial<typeof question> = {}) =>
  readOffsets(inWorld({ ...WELL, ...world }).brokers, { ...question, ...more }, never)

const failure = async (world: Partial<World>): Promise<KafkaFailure> => {
  try {
    await read(world)
  } catch (error) {
    if (error instanceof KafkaFailure) return error
    throw error
  }
  throw new Error("did not fail")
}

describe("the offsets of a group", () => {
  it("are those of every partition, from its own leader, and the commits from the coordinator", async () => {
    const { asked, brokers: whole } = inWorld(WELL)
    assert.deepStrictEqual(await readOffsets(whole, question, never), [
      { topic: "jobs", partition: 0, committed: 4n, earliest: 2n, latest: 10n },
      { topic: "jobs", partition: 1, committed: undefined, earliest: 2n, latest: 10n }
    ])
    assert.deepStrictEqual(asked, [
      "Metadata any",
      "FindCoordinator any",
      "OffsetFetch kafka-2",
      "ListOffsets kafka-1",
      "ListOffsets kafka-1",
      "ListOffsets kafka-2",
      "ListOffsets kafka-2"
    ])
  })

  it("are of the topics that the group has committed to, when none is named", async () => {
    const { asked, brokers: whole } = inWorld(WELL)
    const { topic: _, ...any } = question
    assert.lengthOf(await readOffsets(whole, any, never), 2)
    assert.deepStrictEqual(asked.slice(0, 3), ["FindCoordinator any", "OffsetFetch kafka-2", "Metadata any"])
  })

  it("are none when the group has none and no topic is named", async () => {
    const { topic: _, ...any } = question
    const nothing = { error: 0, committed: [offset(0, -1n)] }
    assert.deepStrictEqual(await readOffsets(inWorld({ ...WELL, committed: nothing }).brokers, any, never), [])
    const forgotten = { error: 69, committed: [] }
    assert.deepStrictEqual(await readOffsets(inWorld({ ...WELL, committed: forgotten }).brokers, any, never), [])
  })

  it("begin no later than they end, when a log is emptied meanwhile", async () => {
    const [first] = await read({ log: (broker, which) => [offset(broker - 1, which === "latest" ? 10n : 12n)] })
    assert.deepStrictEqual([first?.earliest, first?.latest], [10n, 10n])
  })

  const topic = (partitions: Metadata["topics"][number]["partitions"], error = 0): Partial<World> => ({
    metadata: { brokers, topics: [{ topic: "jobs", error, partitions }] }
  })

  it.each([
    ["the topic is not known", topic([], 3), "NotFound"],
    ["the topic may not be described", topic([], 29), "Forbidden"],
    ["a partition has no leader", topic([led(0, 1), led(1, -1)]), "NotLeader"],
    ["a partition is electing", topic([led(0, 1), led(1, 2, 5)]), "NotLeader"],
    ["a leader is no broker of the cluster", topic([led(0, 1), led(1, 3)]), "NotLeader"],
    ["the topic has no partition", topic([]), "Malformed"],
    ["another topic is told of", { metadata: { brokers, topics: [] } }, "Malformed"],
    ["the coordinator is moving", { coordinator: { error: 15, broker: two } }, "NotLeader"],
    ["the coordinator has moved", { committed: { error: 16, committed: [] } }, "NotLeader"],
    ["the group may not be described", { committed: { error: 30, committed: [] } }, "Forbidden"],
    [
      "one commit is not told",
      { committed: { error: 0, committed: [offset(0, 1n), offset(1, -1n, 29)] } },
      "Forbidden"
    ],
    ["nothing is told of one commit", { committed: { error: 0, committed: [offset(0, 4n)] } }, "Malformed"],
    ["a leader was deposed", { log: (at) => [offset(at - 1, 5n, at === 2 ? 6 : 0)] }, "NotLeader"],
    ["a leader's epoch is over", { log: () => [offset(0, -1n, 74)] }, "NotLeader"],
    ["an offset is below zero", { log: (at) => [offset(at - 1, -1n)] }, "Malformed"],
    ["a leader says nothing of its partition", { log: () => [] }, "Malformed"]
  ] as ReadonlyArray<[string, Partial<World>, string]>)("are none at all when %s", async (_, world, why) => {
    const { again, message, why: told } = await failure(world)
    assert.strictEqual(told, why, message)
    assert.strictEqual(again, why === "NotLeader", "whoever leads next may be asked")
  })

  it("come although a replica elsewhere is away", async () => {
    assert.lengthOf(await read(topic([led(0, 1, 9), led(1, 2)])), 2)
  })

  it("are found at once in as many topics as there may be, in whatever order a server lists them", async () => {
    const names = Array.from({ length: 50_000 }, (_, at) => `topic-${at}`)
    let compared = 0
    const topics = names.toReversed().map((name) => ({
      get topic() {
        compared += 1
        return name
      },
      error: 0,
      partitions: [led(0, 1)]
    }))
    const committed = names.map((name) => ({ ...offset(0, 1n), topic: name }))
    const { topic: _, ...any } = question
    const told = { error: 0, committed }
    const { brokers: whole } = inWorld({ ...WELL, metadata: { brokers, topics }, committed: told, log: () => [] })
    await readOffsets(whole, any, never).catch(() => {})
    assert.isAtLeast(compared, names.length)
    assert.isAtMost(compared, 2 * names.length)
  })

  it("are not read of a topic beyond any measure", async () => {
    const partitions = Array.from({ length: 50_001 }, (_, at) => led(at, 1))
    assert.strictEqual((await failure(topic(partitions))).why, "TooLarge")
  })
})
