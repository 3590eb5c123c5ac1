import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import * as Base64 from "effect/encoding/Base64"
import type { Reading } from "#schemas/Reading"
import type { RedisServer } from "#services/RedisWire"
import type { Reply } from "#services/resp"
import { bindSource } from "#sources/index"
import { inTime, refused, sampleIn, signal } from "#test/sources/sourceWorld"

const base = { host: "redis", queueName: "jobs" }

const read = (
  replies: Readonly<Record<string, Reply>>,
  options: object = {},
  more: Parameters<typeof signal>[2] = {}
) => inTime(sampleIn({ redis: (_, [name]) => replies[name] ?? null }, signal("redis", { ...base, ...options }, more)))

const outcome = (reading: Reading) => (reading._tag === "Missing" ? reading.why : `${reading._tag} ${reading.value}`)

const detail = (reading: Reading) => (reading._tag === "Missing" ? reading.detail : "")

describe("the length", () => {
  it.effect.each<readonly [number, string]>([
    [42, "Measured 42"],
    [0, "Measured 0"],
    [-1, "Negative"],
    [1e300, "Overflow"]
  ])("%d is %s", ([length, expected]) =>
    Effect.map(read({ TYPE: "list", LLEN: length }), (reading) => assert.strictEqual(outcome(reading), expected))
  )

  it.effect("of a key that is not there is missing, or zero where the policy says that this means empty", () =>
    Effect.gen(function* () {
      const reading = yield* read({ TYPE: "none" })
      assert.strictEqual(outcome(reading), "Empty")
      assert.include(detail(reading), "set onEmpty: Zero")
      assert.strictEqual(outcome(yield* read({ TYPE: "none" }, {}, { onEmpty: "Zero" })), "Measured 0")
    })
  )

  it.effect("of what has none is no number", () =>
    Effect.gen(function* () {
      assert.strictEqual(outcome(yield* read({ TYPE: "string" }, {}, { onEmpty: "Zero" })), "BadOptions")
      assert.strictEqual(outcome(yield* read({ TYPE: "list", LLEN: 3 }, { consumerGroup: "a" })), "BadOptions")
    })
  )
})

describe("a stream", () => {
  const group = (name: string, pending: number, lag: number | null) => ["name", name, "pending", pending, "lag", lag]
  const stream = (...groups: ReadonlyArray<Reply>) => ({ TYPE: "stream", XLEN: 90, XINFO: groups })
  const workers = group("workers", 2, 40)

  it.effect.each([
    [undefined, "Measured 42"],
    ["backlog", "Measured 42"],
    ["pending", "Measured 2"],
    ["lag", "Measured 40"],
    ["length", "Measured 90"]
  ])("counts by %s: %s", ([streamCount, expected]) =>
    Effect.map(read(stream(workers), streamCount === undefined ? {} : { streamCount }), (reading) =>
      assert.strictEqual(outcome(reading), expected)
    )
  )

  it.effect("with several groups needs the name of one", () =>
    Effect.gen(function* () {
      const several = stream(workers, group("audit", 0, 7))
      const reading = yield* read(several)
      assert.strictEqual(outcome(reading), "AmbiguousConsumer")
      assert.include(detail(reading), "workers, audit")
      assert.strictEqual(outcome(yield* read(several, { consumerGroup: "audit" })), "Measured 7")
      assert.strictEqual(outcome(yield* read(several, { consumerGroup: "gone" })), "NoConsumer")
    })
  )

  it.effect("without a group has no backlog, however long it is, and none is zero", () =>
    Effect.gen(function* () {
      assert.strictEqual(outcome(yield* read(stream(), {}, { onEmpty: "Zero" })), "NoConsumer")
      assert.strictEqual(outcome(yield* read(stream(), { streamCount: "length" })), "Measured 90")
    })
  )

  it.effect("whose lag the server cannot tell is missing, but not what is pending", () =>
    Effect.gen(function* () {
      const lost = stream(group("workers", 5, null))
      const reading = yield* read(lost, {}, { onEmpty: "Zero" })
      assert.strictEqual(outcome(reading), "Empty")
      assert.include(detail(reading), "Set streamCount")
      assert.strictEqual(outcome(yield* read(lost, { streamCount: "pending" })), "Measured 5")
      assert.strictEqual(outcome(yield* read(stream(group("workers", 9, -5)))), "Negative")
    })
  )
})

describe("the server", () => {
  const asked = (options: object) =>
    Effect.gen(function* () {
      const servers: Array<RedisServer> = []
      const pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
      const data = { password: Base64.encode("hunter2"), ca: Base64.encode(pem) }
      const reading = yield* inTime(
        sampleIn(
          {
            kubernetes: ({ path }) => (path.endsWith("/redis") ? { data } : refused({ _tag: "NotFound" })),
            redis: (server, [name]) => {
              servers.push(server)
              return name === "TYPE" ? "list" : 42
            }
          },
          signal("redis", { ...base, ...options })
        )
      )
      return { reading, server: servers[0], pem }
    })

  it.effect("is asked as the options say, with the password of the Secret before the one beside it", () =>
    Effect.gen(function* () {
      const plain = yield* asked({})
      assert.deepStrictEqual(plain.server, { host: "redis", port: 6379, db: 0 })
      const passwordSecret = { name: "redis", key: "password" }
      const full = yield* asked({ port: 6380, db: 3, username: "me", password: "old", passwordSecret, tls: true })
      assert.deepStrictEqual(full.server, {
        host: "redis",
        port: 6380,
        db: 3,
        username: "me",
        password: "hunter2",
        tls: {}
      })
      const trusting = yield* asked({ password: "old", caSecret: { name: "redis", key: "ca" } })
      assert.deepStrictEqual(trusting.server, {
        host: "redis",
        port: 6379,
        db: 0,
        password: "old",
        tls: { ca: trusting.pem }
      })
      const none = yield* asked({ passwordSecret: { name: "gone", key: "password" } })
      assert.strictEqual(outcome(none.reading), "NoSecret")
      assert.isUndefined(none.server)
    })
  )

  it("needs a certificate and its key together", () => {
    const bound = bindSource(signal("redis", { ...base, certSecret: { name: "a", key: "b" } }))
    assert.include(Result.isFailure(bound) ? bound.failure.message : "", "name certSecret and keySecret together")
  })
})
