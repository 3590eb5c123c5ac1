import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import * as Base64 from "effect/encoding/Base64"
import type { GroupQuestion, PartitionOffsets } from "#services/Kafka"
import { SourceError } from "#services/SourceError"
import { KafkaOptions } from "#sources/kafka"
import { inTime, refused, sampleIn, signal } from "#test/sources/sourceWorld"
import type { World } from "#test/sources/sourceWorld"

const OPTIONS = { bootstrapServers: ["kafka:9092"], consumerGroup: "workers", topic: "jobs" }
const PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"

const partition = (committed: bigint | undefined, latest: bigint): PartitionOffsets => ({
  topic: "jobs",
  partition: 0,
  committed,
  earliest: 0n,
  latest,
  standsSince: 0,
  hasMoved: false
})

/** What was asked, and what came of it. */
const asked = (options: object, more: Parameters<typeof signal>[2] = {}, world: Partial<World> = {}) =>
  Effect.gen(function* () {
    const questions: Array<GroupQuestion> = []
    const reading = yield* inTime(
      sampleIn(
        {
          kafka: (question) => {
            questions.push(question)
            return [partition(58n, 100n)]
          },
          kubernetes: ({ path }) =>
            path.endsWith("/secrets/kafka")
              ? { data: { password: Base64.encode("a-secret"), ca: Base64.encode(PEM) } }
              : refused({ _tag: "NotFound" }),
          ...world
        },
        signal("kafka", { ...OPTIONS, ...options }, more)
      )
    )
    return { reading, questions }
  })

describe("the source kafka", () => {
  it.effect("measures the lag of the group in the topic", () =>
    Effect.gen(function* () {
      const { questions, reading } = yield* asked({})
      assert.deepInclude(reading, { _tag: "Measured", value: 42 })
      assert.deepStrictEqual(questions, [
        { access: { bootstrapServers: ["kafka:9092"] }, group: "workers", topic: "jobs" }
      ])
    })
  )

  it.effect("asks for no more pods than there are partitions, whose number only a target per pod can tell", () =>
    Effect.gen(function* () {
      const value = { type: "Value", milli: 10_000 } as const
      assert.deepInclude((yield* asked({}, { target: value })).reading, { value: 42 })
      const perPod = { type: "AverageValue", milli: 10_500 } as const
      assert.deepInclude((yield* asked({}, { target: perPod })).reading, { value: 10.5 })
      assert.deepInclude((yield* asked({ allowIdleConsumers: true }, { target: perPod })).reading, { value: 42 })
    })
  )

  it.effect("says who it is with a password from a Secret, over TLS with an authority from a Secret", () =>
    Effect.gen(function* () {
      const secured = {
        username: "alice",
        passwordSecret: { name: "kafka", key: "password" },
        saslMechanism: "SCRAM-SHA-512",
        tls: true,
        caSecret: { name: "kafka", key: "ca" }
      }
      const { questions } = yield* asked(secured)
      assert.deepStrictEqual(questions[0]?.access, {
        bootstrapServers: ["kafka:9092"],
        sasl: { mechanism: "SCRAM-SHA-512", username: "alice", password: "a-secret" },
        tls: { ca: PEM }
      })
      const { saslMechanism: _, ...plain } = secured
      assert.strictEqual((yield* asked(plain)).questions[0]?.access.sasl?.mechanism, "PLAIN")
    })
  )

  it.effect("asks nobody without the Secrets it needs, or with certificates and no TLS", () =>
    Effect.gen(function* () {
      for (const [options, why] of [
        [{ username: "alice", passwordSecret: { name: "none", key: "password" } }, "NoSecret"],
        [{ tls: true, caSecret: { name: "none", key: "ca" } }, "NoSecret"],
        [{ tls: true, caSecret: { name: "kafka", key: "password" } }, "BadOptions"],
        [{ caSecret: { name: "kafka", key: "ca" } }, "BadOptions"]
      ] as const) {
        const { questions, reading } = yield* asked(options)
        assert.deepInclude(reading, { _tag: "Missing", why })
        assert.lengthOf(questions, 0)
      }
    })
  )

  it.effect("passes on why there is no number", () =>
    Effect.gen(function* () {
      const kafka = () => new SourceError({ why: "NotLeader", detail: "No leader. Wait." })
      const { reading } = yield* asked({}, {}, { kafka })
      assert.deepStrictEqual(reading, { _tag: "Missing", why: "NotLeader", detail: "No leader. Wait." })
    })
  )

  it.effect("takes zero for the lag of an unknown group only where it is told to", () =>
    Effect.gen(function* () {
      const kafka = () => []
      assert.deepInclude((yield* asked({}, {}, { kafka })).reading, { why: "NoConsumer" })
      assert.deepInclude((yield* asked({}, { onEmpty: "Zero" }, { kafka })).reading, { value: 0 })
    })
  )

  const decode = Schema.decodeUnknownResult(KafkaOptions)

  it.each([
    [{ username: "alice" }, /username and passwordSecret together/u],
    [{ passwordSecret: { name: "a", key: "b" } }, /username and passwordSecret together/u],
    [{ topic: undefined, partitionLimitation: "0" }, /partitionLimitation needs topic/u],
    [{ partitionLimitation: "all" }, /partitionLimitation/u],
    [{ tls: true, certSecret: { name: "a", key: "b" } }, /certSecret and keySecret together/u],
    [{ bootstrapServers: ["kafka"] }, /bootstrapServers/u]
  ])("refuses the options %j", (options, words) => {
    const whole = Object.fromEntries(
      Object.entries({ ...OPTIONS, ...options }).filter(([, value]) => value !== undefined)
    )
    const result = decode(whole)
    assert.match(Result.isFailure(result) ? result.failure.message : "accepted", words)
  })
})
