import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import type { PartitionOffsets } from "#services/Kafka"
import { readLag, STUCK_MILLIS } from "#sources/kafka/lag"
import type { LagQuestion } from "#sources/kafka/lag"

const NOW = 1_700_000_000_000

type Told = readonly [committed: bigint | undefined, earliest: bigint, latest: bigint]

const offsets = (...partitions: ReadonlyArray<Told>): ReadonlyArray<PartitionOffsets> =>
  partitions.map(([committed, earliest, latest], partition) => ({
    topic: "jobs",
    partition,
    committed,
    earliest,
    latest,
    standsSince: NOW,
    hasMoved: false
  }))

const PLAIN: LagQuestion = {
  group: "workers",
  topic: "jobs",
  partitionLimitation: undefined,
  offsetResetPolicy: "latest",
  scaleToZeroOnInvalidOffset: false,
  excludePersistentLag: false,
  allowIdleConsumers: false,
  limitToPartitionsWithLag: false,
  onEmpty: "Missing",
  at: NOW,
  perPod: undefined,
  hasPods: true
}

const outcome = (all: ReadonlyArray<PartitionOffsets>, more: Partial<LagQuestion> = {}) => {
  const reading = readLag(all, { ...PLAIN, ...more })
  if (reading._tag !== "Missing") return reading.value
  assert.match(reading.detail, /\. [A-Z].+\.$/su, "says what to do")
  return reading.why
}

const never: Told = [undefined, 2n, 10n]
const earliest = { offsetResetPolicy: "earliest" } as const
const zero = { scaleToZeroOnInvalidOffset: true }
const nobody = { hasPods: false }

describe("the lag of a group", () => {
  const cases: ReadonlyArray<[string, ReadonlyArray<Told>, Partial<LagQuestion>, number | string]> = [
    [
      "all partitions together",
      [
        [4n, 2n, 10n],
        [10n, 0n, 10n],
        [0n, 0n, 5n]
      ],
      {},
      11
    ],
    [
      "nothing where all is read",
      [
        [10n, 0n, 10n],
        [0n, 0n, 0n]
      ],
      {},
      0
    ],
    ["only what retention has left", [[1n, 8n, 10n]], {}, 2],
    ["not known without any commit while pods run", [never, never], {}, "NoConsumer"],
    ["one message without any commit while nobody runs, so that somebody starts", [never, never], nobody, 1],
    ["nothing without any commit when told so", [never, never], zero, 0],
    ["nothing without any commit where nothing is kept", [[undefined, 10n, 10n]], nobody, 0],
    ["all that is kept when consumers begin there", [never, never], earliest, 16],
    ["one message for all partitions without a commit beside others", [[9n, 2n, 10n], never, never], {}, 2],
    ["nothing for partitions without a commit when told so", [[9n, 2n, 10n], never, never], zero, 1],
    ["all that is kept of partitions without a commit", [[9n, 2n, 10n], never], earliest, 9],
    [
      "not known beyond the end while pods run",
      [
        [9n, 2n, 10n],
        [11n, 0n, 10n]
      ],
      {},
      "Negative"
    ],
    [
      "not known beyond the end, whatever is said of absent commits",
      [[11n, 0n, 10n]],
      { ...zero, ...earliest },
      "Negative"
    ],
    [
      "one message beyond the end while nobody runs",
      [
        [10n, 2n, 10n],
        [11n, 0n, 10n]
      ],
      nobody,
      1
    ],
    ["all that is kept beyond the end while nobody runs", [[11n, 4n, 10n]], { ...nobody, ...earliest }, 6],
    ["too large", [[0n, 0n, 2n ** 62n]], {}, "Overflow"],
    [
      "too large in sum only",
      [
        [0n, 0n, 2n ** 53n - 1n],
        [0n, 0n, 1n]
      ],
      {},
      "Overflow"
    ]
  ]

  it.each(cases)("is %s", (_, partitions, more, wanted) => {
    assert.strictEqual(outcome(offsets(...partitions), more), wanted)
  })

  it("is not known of a group that nobody knows, unless told to be zero", () => {
    assert.strictEqual(outcome([]), "NoConsumer")
    assert.strictEqual(outcome([], nobody), "NoConsumer")
    assert.strictEqual(outcome([], { onEmpty: "Zero" }), 0)
    assert.strictEqual(outcome(offsets(never), { onEmpty: "Zero" }), "NoConsumer", "a topic with messages is not empty")
  })

  it.effect.prop(
    "is never negative and never more than is kept",
    [
      Schema.Array(
        Schema.Struct({
          committed: Schema.Int.check(Schema.isBetween({ minimum: -1, maximum: 100 })),
          earliest: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50 })),
          kept: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50 }))
        })
      ).check(Schema.isMinLength(1)),
      Schema.Boolean,
      Schema.Boolean,
      Schema.Boolean
    ],
    ([partitions, hasPods, scaleToZeroOnInvalidOffset, fromStart]) =>
      Effect.sync(() => {
        const told = partitions.map(({ committed, earliest: from, kept }): Told => [
          committed < 0 ? undefined : BigInt(committed),
          BigInt(from),
          BigInt(from + kept)
        ])
        const reading = readLag(offsets(...told), {
          ...PLAIN,
          hasPods,
          scaleToZeroOnInvalidOffset,
          offsetResetPolicy: fromStart ? "earliest" : "latest"
        })
        if (reading._tag !== "Measured") return
        const kept = partitions.reduce((all, one) => all + one.kept, 0)
        assert.isAtLeast(reading.value, 0)
        assert.isAtMost(reading.value, kept)
      })
  )
})

describe("some partitions only", () => {
  const five = offsets([0n, 0n, 1n], [0n, 0n, 10n], [0n, 0n, 100n], [0n, 0n, 1000n], [0n, 0n, 10_000n])

  it.each([
    ["0", 1],
    ["0,2", 101],
    ["1-3", 1110],
    ["3-1", 1110],
    ["0,2-4", 11_101],
    ["2,2,2", 100],
    ["5", "NotFound"],
    ["0-9", "NotFound"]
  ] as const)("are those of %s", (partitionLimitation, wanted) => {
    assert.strictEqual(outcome(five, { partitionLimitation }), wanted)
  })
})

describe("the lag beside a target per pod", () => {
  const three = offsets([0n, 0n, 1000n], [0n, 0n, 500n], [7n, 0n, 7n])

  it.each([
    ["asks for no more pods than partitions", three, {}, 30],
    ["asks for no more pods than partitions with a lag", three, { limitToPartitionsWithLag: true }, 20],
    ["is whole where pods may stand by", three, { allowIdleConsumers: true }, 1500],
    ["is whole below that", offsets([0n, 0n, 9n], [0n, 0n, 9n]), {}, 18],
    ["is nothing where nothing is left", offsets([9n, 0n, 9n]), { limitToPartitionsWithLag: true }, 0],
    [
      "counts partitions that are yet to be read",
      offsets(never, never),
      { ...earliest, limitToPartitionsWithLag: true },
      16
    ],
    ["counts only the partitions that are named", three, { partitionLimitation: "0" }, 10]
  ] as ReadonlyArray<[string, ReadonlyArray<PartitionOffsets>, Partial<LagQuestion>, number]>)(
    "%s",
    (_, all, more, wanted) => {
      assert.strictEqual(outcome(all, { perPod: 10, ...more }), wanted)
    }
  )
})

describe("a partition that stands still", () => {
  const long = NOW - STUCK_MILLIS
  const one = (more: Partial<PartitionOffsets>) => ({ ...(offsets([0n, 0n, 100n])[0] as PartitionOffsets), ...more })
  const exclude = { excludePersistentLag: true }

  it("does not count while another moves", () => {
    const all = [one({ standsSince: long }), one({ partition: 1, latest: 7n, hasMoved: true, standsSince: NOW - 1000 })]
    assert.strictEqual(outcome(all, exclude), 7)
    assert.strictEqual(outcome(all), 107)
  })

  it("counts while nothing moves, or nobody would ever come to move it", () => {
    assert.strictEqual(outcome([one({ standsSince: long }), one({ partition: 1, standsSince: long })], exclude), 200)
    const longAgo = one({ partition: 1, hasMoved: true, standsSince: long })
    assert.strictEqual(outcome([one({ standsSince: long }), longAgo], exclude), 200)
  })

  it("counts until it has stood for five minutes", () => {
    const all = [one({ standsSince: long + 1 }), one({ partition: 1, hasMoved: true })]
    assert.strictEqual(outcome(all, exclude), 200)
  })
})
