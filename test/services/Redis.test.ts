import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { layer, Redis } from "#services/Redis"
import type { RedisQuestion } from "#services/Redis"
import { RedisWire } from "#services/RedisWire"
import type { RedisServer } from "#services/RedisWire"
import type { Command, Reply } from "#services/resp"
import { inTime } from "#test/sources/sourceWorld"

const server: RedisServer = { host: "redis", port: 6379, db: 0 }
const error = (text: string): Reply => ({ _tag: "ErrorReply", text })

interface Asked {
  readonly server: RedisServer
  readonly command: string
}

/** Servers that reply by themselves, and what they were asked. */
const world = (reply: (server: RedisServer, command: Command) => Reply) => {
  const asked: Array<Asked> = []
  const wire = Layer.succeed(RedisWire, {
    exchange: (to, commands) =>
      Effect.sleep("1 millis").pipe(
        Effect.as(
          commands.map((command) => {
            asked.push({ server: to, command: command.join(" ") })
            return reply(to, command)
          })
        )
      )
  })
  return { asked, layer: layer.pipe(Layer.provide(wire)) }
}

const queue = (more: Partial<RedisQuestion> = {}) =>
  Effect.flatMap(Redis, (redis) => redis.queue({ server, key: "jobs", groups: true, ...more }))

const member = (port: number) => `10.0.0.${port - 7000}:${port}`

/** A cluster in which the key is on the member of this port, and everybody else says so. */
const cluster = (owner: number, replies: Readonly<Record<string, Reply>> = { TYPE: "list", LLEN: 42 }) =>
  world(({ port }, [name]) => (port === owner ? (replies[name] ?? null) : error(`MOVED 7 ${member(owner)}`)))

describe("a queue", () => {
  it.effect.each<readonly [string, string]>([
    ["list", "LLEN"],
    ["set", "SCARD"],
    ["zset", "ZCARD"],
    ["hash", "HLEN"]
  ])("that is a %s is counted by %s, and nothing else is asked", ([type, command]) =>
    Effect.gen(function* () {
      const { asked, layer: one } = world((_, [name]) => (name === "TYPE" ? type : 42))
      const found = yield* inTime(queue().pipe(Effect.provide(one)))
      assert.deepStrictEqual(found, { _tag: "Length", type, length: 42 })
      assert.deepStrictEqual(
        asked.map(({ command: sent }) => sent),
        ["TYPE jobs", `${command} jobs`]
      )
    })
  )

  it.effect("that is a stream is told with its groups, of old servers and new ones", () =>
    Effect.gen(function* () {
      const groups: Reply = [
        ["name", "old", "consumers", 1, "pending", 2, "last-delivered-id", "1-1"],
        ["name", "new", "pending", 3, "entries-read", 9, "lag", 4],
        ["name", "lost", "pending", 0, "lag", null]
      ]
      const { asked, layer: one } = world((_, [name]) => (name === "TYPE" ? "stream" : name === "XLEN" ? 9 : groups))
      const found = yield* inTime(queue().pipe(Effect.provide(one)))
      assert.deepStrictEqual(found, {
        _tag: "Stream",
        length: 9,
        groups: [
          { name: "old", pending: 2, lag: undefined },
          { name: "new", pending: 3, lag: 4 },
          { name: "lost", pending: 0, lag: undefined }
        ]
      })
      yield* inTime(queue({ groups: false }).pipe(Effect.provide(one)))
      assert.deepStrictEqual(
        asked.map(({ command }) => command),
        ["TYPE jobs", "XLEN jobs", "XINFO GROUPS jobs", "TYPE jobs", "XLEN jobs"]
      )
    })
  )

  it.effect("that does not exist, or is no queue, is neither long nor short", () =>
    Effect.gen(function* () {
      for (const [type, tag] of [
        ["none", "None"],
        ["string", "Other"],
        ["toString", "Other"]
      ]) {
        const found = yield* inTime(queue().pipe(Effect.provide(world(() => type ?? "").layer)))
        assert.strictEqual(found._tag, tag)
      }
    })
  )

  it.effect("is not made of replies that Redis does not give", () =>
    Effect.gen(function* () {
      const strange: ReadonlyArray<(command: Command) => Reply> = [
        () => null,
        () => 42,
        () => [],
        ([name]) => (name === "TYPE" ? "list" : "42"),
        ([name]) => (name === "TYPE" ? "stream" : name === "XLEN" ? 1 : "x"),
        ([name]) => (name === "TYPE" ? "stream" : name === "XLEN" ? 1 : [["name", "a"]]),
        ([name]) => (name === "TYPE" ? "list" : error("ERR what"))
      ]
      for (const reply of strange) {
        const failure = yield* Effect.flip(
          inTime(queue().pipe(Effect.provide(world((_, command) => reply(command)).layer)))
        )
        assert.strictEqual(failure.why, "Malformed")
      }
    })
  )

  it.effect("is shared by all who ask at once, and asked anew for the next tick", () =>
    Effect.gen(function* () {
      const { asked, layer: one } = cluster(6379)
      yield* Effect.gen(function* () {
        const all = Effect.forEach(Array.from({ length: 50 }), () => queue(), { concurrency: "unbounded" })
        yield* inTime(all)
        assert.strictEqual(asked.length, 2)
        yield* inTime(all)
        assert.strictEqual(asked.length, 4)
        yield* inTime(Effect.all([queue({ key: "mail" }), queue({ server: { ...server, password: "x" } })]))
        assert.strictEqual(asked.length, 8, "other questions are other questions")
      }).pipe(Effect.provide(one))
    })
  )
})

describe("a cluster", () => {
  it.effect("is asked where the key is, with the same credentials", () =>
    Effect.gen(function* () {
      const { asked, layer: one } = cluster(7002)
      const found = yield* inTime(
        queue({ server: { ...server, username: "me", password: "p", tls: { ca: "pem" } } }).pipe(Effect.provide(one))
      )
      assert.strictEqual(found._tag, "Length")
      assert.deepStrictEqual(
        asked.map(({ command, server: { host } }) => `${host} ${command}`),
        ["redis TYPE jobs", "10.0.0.2 TYPE jobs", "10.0.0.2 LLEN jobs"]
      )
      const identity = { ca: "pem", identity: "redis" }
      assert.deepStrictEqual(asked.at(-1)?.server, {
        host: "10.0.0.2",
        port: 7002,
        db: 0,
        username: "me",
        password: "p",
        tls: identity
      })
    })
  )

  it.effect("that is moving the key is asked at its new place, and told that we know", () =>
    Effect.gen(function* () {
      const { asked, layer: one } = world(({ port }, [name]) =>
        port === 6379 ? error("ASK 7 :7001") : name === "ASKING" ? "OK" : name === "TYPE" ? "set" : 42
      )
      const found = yield* inTime(queue().pipe(Effect.provide(one)))
      assert.deepStrictEqual(found, { _tag: "Length", type: "set", length: 42 })
      assert.deepStrictEqual(
        asked.map(({ command, server: { host, port } }) => `${host}:${port} ${command}`),
        [
          "redis:6379 TYPE jobs",
          "redis:7001 ASKING",
          "redis:7001 TYPE jobs",
          "redis:7001 ASKING",
          "redis:7001 SCARD jobs"
        ]
      )
    })
  )

  it.effect("that sends round in circles, or nowhere, gives no number", () =>
    Effect.gen(function* () {
      const circle = world(({ port }) => error(`MOVED 7 ${member(port === 7001 ? 7002 : 7001)}`))
      assert.strictEqual((yield* Effect.flip(inTime(queue().pipe(Effect.provide(circle.layer))))).why, "NotLeader")
      assert.isBelow(circle.asked.length, 10)
      for (const text of ["MOVED 7 a/b:1", "MOVED 7 a:0", "MOVED 7 a:99999", "MOVED x", "MOVED 7 a b:1"]) {
        const failure = yield* Effect.flip(inTime(queue().pipe(Effect.provide(world(() => error(text)).layer))))
        assert.strictEqual(failure.why, "Malformed", text)
      }
    })
  )
})
