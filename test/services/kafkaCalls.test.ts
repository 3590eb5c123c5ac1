import { assert, describe, it } from "vitest"
import {
  apiVersions,
  findCoordinator,
  listOffsets,
  metadata,
  offsetFetch,
  saslAuthenticate
} from "#services/kafkaCalls"
import { KafkaFailure } from "#services/kafkaFailure"
import { array, int16, int32, int64, int8, string, WireReader } from "#services/kafkaWire"
import type { Call } from "#services/kafkaWire"

const read = <A>(call: Call<A>, version: number, bytes: Buffer): A => {
  const reader = new WireReader(bytes)
  const value = call.decode(reader, version)
  reader.end()
  return value
}

const one = (...parts: ReadonlyArray<Buffer>) => array([0], () => Buffer.concat(parts))

const ANSWERS: ReadonlyArray<{
  readonly title: string
  readonly call: Call<unknown>
  readonly version: number
  readonly bytes: Buffer
  readonly value: unknown
}> = [
  {
    title: "versions",
    call: apiVersions,
    version: 0,
    bytes: Buffer.concat([int16(0), one(int16(3), int16(0), int16(13))]),
    value: { error: 0, ranges: [{ key: 3, min: 0, max: 13 }] }
  },
  {
    title: "an accepted password that expires",
    call: saslAuthenticate(Buffer.from("x")),
    version: 1,
    bytes: Buffer.concat([int16(0), int16(-1), int32(2), Buffer.from("ok"), int64(3_600_000n)]),
    value: { error: 0, said: Buffer.from("ok"), lifetimeMillis: 3_600_000 }
  },
  {
    title: "an accepted password",
    call: saslAuthenticate(Buffer.from("x")),
    version: 0,
    bytes: Buffer.concat([int16(0), int16(-1), int32(-1)]),
    value: { error: 0, said: Buffer.alloc(0), lifetimeMillis: 0 }
  },
  ...[5, 7].map((version) => ({
    title: `who leads, in version ${version}`,
    call: metadata(["jobs"]),
    version,
    bytes: Buffer.concat([
      int32(0),
      one(int32(4), string("kafka-4"), int32(9092), string("rack")),
      int16(-1),
      int32(4),
      one(
        int16(0),
        string("jobs"),
        int8(0),
        one(
          int16(9),
          int32(2),
          int32(4),
          ...(version >= 7 ? [int32(11)] : []),
          array([4, 5], int32),
          array([4], int32),
          array([5], int32)
        )
      )
    ]),
    value: {
      brokers: [{ id: 4, host: "kafka-4", port: 9092 }],
      topics: [
        {
          topic: "jobs",
          error: 0,
          partitions: [{ error: 9, partition: 2, leader: 4, leaderEpoch: version >= 7 ? 11 : -1 }]
        }
      ]
    }
  })),
  {
    title: "who coordinates",
    call: findCoordinator("workers"),
    version: 2,
    bytes: Buffer.concat([int32(0), int16(15), string("not now"), int32(-1), string(""), int32(-1)]),
    value: { error: 15, broker: { id: -1, host: "", port: -1 } }
  },
  ...[3, 5].map((version) => ({
    title: `what was committed, in version ${version}`,
    call: offsetFetch("workers", undefined),
    version,
    bytes: Buffer.concat([
      int32(0),
      one(string("jobs"), one(int32(1), int64(-1n), ...(version >= 5 ? [int32(-1)] : []), string(""), int16(0))),
      int16(0)
    ]),
    value: { error: 0, committed: [{ topic: "jobs", partition: 1, offset: -1n, error: 0 }] }
  })),
  ...[2, 5].map((version) => ({
    title: `where a log ends, in version ${version}`,
    call: listOffsets("latest", []),
    version,
    bytes: Buffer.concat([
      int32(0),
      one(string("jobs"), one(int32(1), int16(0), int64(-1n), int64(2n ** 60n), ...(version >= 4 ? [int32(3)] : [])))
    ]),
    value: [{ topic: "jobs", partition: 1, offset: 2n ** 60n, error: 0 }]
  }))
]

describe("an answer", () => {
  it.each(ANSWERS)("tells $title", ({ bytes, call, value, version }) => {
    assert.deepStrictEqual(read(call, version, bytes), value)
  })

  it.each(ANSWERS)("tells nothing while it is cut off: $title", ({ bytes, call, version }) => {
    for (let length = 0; length < bytes.length; length += 1) {
      assert.throws(() => read(call, version, bytes.subarray(0, length)), KafkaFailure)
    }
  })
})

describe("a question", () => {
  const partitions = [
    { topic: "a", partition: 0, leaderEpoch: 3 },
    { topic: "b", partition: 1, leaderEpoch: 4 },
    { topic: "a", partition: 2, leaderEpoch: 5 }
  ]

  it("creates no topic by asking for it", () => {
    assert.strictEqual(metadata(["a"]).encode(7).at(-1), 0)
  })

  it("names each topic once", () => {
    const read = new WireReader(offsetFetch("g", partitions).encode(5))
    assert.strictEqual(read.string(), "g")
    const topics = read.array(() => [read.string(), read.array(read.int32)])
    assert.deepStrictEqual(topics, [
      ["a", [0, 2]],
      ["b", [1]]
    ])
    read.end()
  })

  it("asks for all that was ever committed without naming any", () => {
    assert.deepStrictEqual(offsetFetch("g", undefined).encode(5), Buffer.concat([string("g"), int32(-1)]))
  })

  it.each([
    ["latest", -1n],
    ["earliest", -2n]
  ] as const)("asks for the %s offset with the epoch, where the broker understands it", (which, when) => {
    for (const version of [2, 5]) {
      const read = new WireReader(listOffsets(which, partitions).encode(version))
      assert.strictEqual(read.int32(), -1)
      assert.strictEqual(read.int8(), 0)
      const asked = read
        .array(() => {
          read.string()
          return read.array(() => [read.int32(), version >= 4 ? read.int32() : undefined, read.int64()])
        })
        .flat()
      assert.deepStrictEqual(
        asked,
        [0, 2, 1].map((partition, at) => [partition, version >= 4 ? [3, 5, 4][at] : undefined, when])
      )
      read.end()
    }
  })
})
