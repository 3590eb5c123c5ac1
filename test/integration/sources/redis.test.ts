// What is special to Redis, on real servers: types, databases, groups of streams, users, TLS and a cluster of three; and
// servers made to hurt. All through the operator's own composition of ports.
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { type AddressInfo, createServer, type Server, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, assert, beforeAll, describe, it } from "vitest"
import type { Reading } from "#schemas/Reading"
import { CertificateAuthority } from "#test/controlplane/Certificates"
import { eventually } from "#test/controlplane/eventually"
import { RedisServer } from "#test/controlplane/RedisServer"
import { describeWith } from "#test/controlplane/suite"
import { signal } from "#test/sources/sourceWorld"
import { outcome, SourceRuntime } from "./sourceRuntime.ts"

const detail = (reading: Reading) => (reading._tag === "Measured" ? "" : reading.detail)

const reader =
  (runtime: () => SourceRuntime, base: () => object) =>
  (options: object, more: Parameters<typeof signal>[2] = {}) =>
    runtime().read(signal("redis", { host: "127.0.0.1", ...base(), ...options }, more))

describeWith(["redis-server"], "a real Redis", () => {
  let folder: string
  let server: RedisServer
  let demanding: RedisServer
  let secrets: Record<string, string>
  let runtime: SourceRuntime

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "nimbusguard-redis-"))
    const authority = await CertificateAuthority.create(folder)
    const certificate = await authority.issue({ name: "server" })
    const client = await authority.issue({ name: "client" })
    const tls = { certificate, authorityPath: authority.certificatePath }
    server = await RedisServer.start({ tls })
    demanding = await RedisServer.start({ tls: { ...tls, demanding: true } })
    secrets = {
      ca: await authority.pem(),
      cert: await readFile(client.certificatePath, "utf8"),
      key: await readFile(client.keyPath, "utf8"),
      password: "first"
    }
    runtime = new SourceRuntime({ secrets: { redis: secrets } })
    const call = server.first.client.call.bind(server.first.client)
    await call("RPUSH", "list", "a", "b")
    await call("SADD", "set", "a", "b", "c")
    await call("ZADD", "zset", 1, "a", 2, "b", 3, "c", 4, "d")
    await call("HSET", "hash", "a", 1)
    await call("SET", "text", "42")
    await demanding.first.client.call("RPUSH", "list", "a")
  })

  afterAll(async () => {
    await runtime?.dispose()
    await server?.stop()
    await demanding?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const read = reader(
    () => runtime,
    () => ({ port: server.first.port })
  )
  const secret = (key: string) => ({ name: "redis", key })

  it.each([
    ["list", "Measured 2"],
    ["set", "Measured 3"],
    ["zset", "Measured 4"],
    ["hash", "Measured 1"],
    ["text", "BadOptions"],
    ["gone", "Empty"]
  ])("counts a %s: %s", async (queueName, expected) => {
    assert.strictEqual(outcome(await read({ queueName })), expected)
  })

  it("keeps its databases apart, and says which it does not have", async () => {
    const { client } = server.first
    await client.call("SELECT", 7)
    await client.call("RPUSH", "list", "a", "b", "c", "d", "e")
    await client.call("SELECT", 0)
    assert.strictEqual(outcome(await read({ queueName: "list", db: 7 })), "Measured 5")
    assert.strictEqual(outcome(await read({ queueName: "list" })), "Measured 2")
    const reading = await read({ queueName: "list", db: 99 })
    assert.strictEqual(outcome(reading), "BadOptions")
    assert.match(detail(reading), /Correct db/u)
  })

  it("tells of a stream what a group has not been given, and what it has not confirmed", async () => {
    const { client } = server.first
    const becomes = (expected: string, options: object) =>
      eventually(
        async (seen) => {
          const reading = await read({ queueName: "stream", ...options })
          seen(reading)
          return outcome(reading) === expected
        },
        { what: `${JSON.stringify(options)} to be ${expected}` }
      )
    await becomes("Empty", {})
    for (let at = 0; at < 10; at += 1) await client.call("XADD", "stream", "*", "job", at)
    await becomes("Measured 10", { streamCount: "length" })
    await becomes("NoConsumer", {})
    await client.call("XGROUP", "CREATE", "stream", "workers", "0")
    await client.call("XREADGROUP", "GROUP", "workers", "one", "COUNT", 4, "STREAMS", "stream", ">")
    await becomes("Measured 10", {})
    await becomes("Measured 4", { streamCount: "pending" })
    await becomes("Measured 6", { streamCount: "lag" })
    await client.call("XGROUP", "CREATE", "stream", "audit", "$")
    await becomes("AmbiguousConsumer", {})
    await becomes("Measured 10", { consumerGroup: "workers" })
    // Redis loses count when what a group has not read is deleted.
    const entries = (await client.call("XRANGE", "stream", "-", "+")) as ReadonlyArray<readonly [string]>
    await client.call("XDEL", "stream", entries[7]?.[0] ?? "")
    await becomes("Empty", { consumerGroup: "workers", streamCount: "lag" })
    assert.match(detail(await read({ queueName: "stream", consumerGroup: "workers" })), /Set streamCount: pending/u)
    await becomes("Measured 4", { consumerGroup: "workers", streamCount: "pending" })
  })

  it("is asked over TLS, with its own authority and a client certificate where it wants one", async () => {
    const at = { queueName: "list", port: server.tlsPort }
    assert.strictEqual(outcome(await read({ ...at, tls: true })), "Unreachable")
    assert.match(detail(await read({ ...at, tls: true })), /certificate that is not trusted/u)
    assert.strictEqual(outcome(await read({ ...at, tls: true, caSecret: secret("ca") })), "Measured 2")
    assert.strictEqual(outcome(await read({ ...at, host: "localhost", caSecret: secret("ca") })), "Measured 2")
    const strict = { queueName: "list", port: demanding.tlsPort, caSecret: secret("ca") }
    assert.strictEqual(outcome(await read(strict)), "Unreachable")
    const certified = { ...strict, certSecret: secret("cert"), keySecret: secret("key") }
    assert.strictEqual(outcome(await read(certified)), "Measured 1")
    const plain = await read({ queueName: "list", tls: true })
    assert.strictEqual(outcome(plain), "Timeout")
    assert.match(detail(plain), /speaks TLS there/u)
  })

  it("is asked over one connection by all who have the same credentials", async () => {
    const { client } = server.first
    const connections = async () => Number(/^connected_clients:(\d+)/mu.exec(await client.text("INFO", "clients"))?.[1])
    await Promise.all(Array.from({ length: 50 }, (_, at) => read({ queueName: `queue-${at}` })))
    const before = await connections()
    const readings = await Promise.all(Array.from({ length: 50 }, (_, at) => read({ queueName: `other-${at}` })))
    assert.deepStrictEqual([...new Set(readings.map(outcome))], ["Empty"])
    assert.strictEqual(await connections(), before)
    await client.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    assert.strictEqual(outcome(await read({ queueName: "set" })), "Measured 3", "a lost connection is no news")
  })

  it("takes a rotated password within a minute", { timeout: 150_000 }, async () => {
    const { client } = server.first
    await client.call("ACL", "SETUSER", "rotating", "on", ">first", "~*", "+type", "+llen")
    const rotating = { queueName: "list", username: "rotating", passwordSecret: secret("password") }
    assert.strictEqual(outcome(await read(rotating)), "Measured 2")
    secrets["password"] = "second"
    await client.call("ACL", "SETUSER", "rotating", "resetpass", ">second")
    await client.call("CLIENT", "KILL", "USER", "rotating")
    await eventually(async () => outcome(await read(rotating)) === "Unauthorized", {
      what: "the old one to be refused"
    })
    await eventually(async () => outcome(await read(rotating)) === "Measured 2", {
      what: "the new password to be in use",
      timeoutMillis: 75_000,
      intervalMillis: 1000
    })
  })
})

describeWith(["redis-server"], "a Redis cluster of three", () => {
  let server: RedisServer
  let runtime: SourceRuntime

  beforeAll(async () => {
    server = await RedisServer.start({ members: 3 })
    runtime = new SourceRuntime()
  })

  afterAll(async () => {
    await runtime?.dispose()
    await server?.stop()
  })

  const read = reader(
    () => runtime,
    () => ({ port: server.first.port })
  )

  it("is asked at any member for any key", async () => {
    const owners = new Set<number>()
    for (const key of ["jobs", "mail", "billing", "a", "b", "c", "d", "e"]) {
      const { owner } = await server.ownerOf(key)
      owners.add(owner.port)
      await owner.client.call("RPUSH", key, "1", "2", "3")
      for (const { port } of server.members) {
        assert.strictEqual(outcome(await read({ queueName: key, port })), "Measured 3", `${key} by ${port}`)
      }
    }
    assert.strictEqual(owners.size, 3, "the keys are spread")
    assert.strictEqual(outcome(await read({ queueName: "jobs", db: 1 })), "BadOptions")
  })

  it("is asked at the right place while a key moves", async () => {
    const key = "moving"
    const { other, owner, slot } = await server.ownerOf(key)
    await owner.client.call("RPUSH", key, "1", "2")
    const id = (member: typeof owner) => member.client.text("CLUSTER", "MYID")
    await other.client.call("CLUSTER", "SETSLOT", slot, "IMPORTING", await id(owner))
    await owner.client.call("CLUSTER", "SETSLOT", slot, "MIGRATING", await id(other))
    assert.strictEqual(outcome(await read({ queueName: key, port: owner.port })), "Measured 2")
    await owner.client.call("MIGRATE", "127.0.0.1", other.port, key, 0, 5000)
    await eventually(async () => outcome(await read({ queueName: key, port: owner.port })) === "Measured 2", {
      what: "the key to be found where it went"
    })
    await other.client.call("CLUSTER", "SETSLOT", slot, "NODE", await id(other))
    await owner.client.call("CLUSTER", "SETSLOT", slot, "NODE", await id(other))
    await eventually(async () => outcome(await read({ queueName: key })) === "Measured 2", {
      what: "the members to agree where the key is"
    })
  })

  it("gives no number while the key's member is away, whoever else is there", async () => {
    const { other, owner } = await server.ownerOf("jobs")
    await owner.process.kill()
    await eventually(async () => outcome(await read({ queueName: "jobs", port: other.port })) === "Unreachable", {
      what: "the member to be missed"
    })
  })
})

describe("what only looks like Redis", () => {
  const servers: Array<Server> = []
  const sockets = new Set<Socket>()
  let runtime: SourceRuntime

  beforeAll(() => {
    runtime = new SourceRuntime()
  })

  afterEach(() => {
    for (const socket of sockets) socket.destroy()
    for (const server of servers.splice(0)) server.close()
  })

  afterAll(() => runtime?.dispose())

  const serve = async (answer: (socket: Socket) => void): Promise<number> => {
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on("error", () => undefined)
      socket.on("data", () => answer(socket))
    })
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    return (server.address() as AddressInfo).port
  }

  const ask = (port: number, through = runtime) =>
    through.read(signal("redis", { host: "127.0.0.1", port, queueName: "jobs" }))

  it.each([
    ["lists in lists, each announced as half a gigabyte", "*33554430\r\n".repeat(8), "TooLarge"],
    ["a text of eight gigabytes", "$8000000000\r\n", "TooLarge"],
    ["a list nested a hundred thousand deep", "*1\r\n".repeat(100_000), "TooLarge"],
    ["HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n", "Malformed"],
    ["more replies than there were questions", "+list\r\n:1\r\n:2\r\n", "Malformed"],
    ["a redirection to the cloud's metadata", "-MOVED 1 169.254.169.254:80\r\n", "Blocked"],
    ["a redirection to itself", "-MOVED 1 :1\r\n", "Unreachable"]
  ])("gives no number for %s", async (_, text, expected) => {
    const before = process.memoryUsage().rss
    const reading = await ask(await serve((socket) => socket.write(text)))
    assert.strictEqual(outcome(reading), expected, detail(reading))
    assert.match(detail(reading), /\. [A-Z].+\.$/su, "says what to do")
    assert.isBelow(process.memoryUsage().rss - before, 100_000_000)
  })

  it("costs its own policy a deadline when it says nothing, and nobody else anything", async () => {
    const silent = await serve(() => undefined)
    const healthy = await serve((socket) => socket.write(socket.bytesRead < 40 ? "+list\r\n" : ":42\r\n"))
    const waiting = ask(silent)
    assert.strictEqual(outcome(await ask(healthy)), "Measured 42")
    assert.strictEqual(outcome(await waiting), "Timeout")
  })

  it("is not asked inside a cluster when it is the operator's own machine", async () => {
    const inside = new SourceRuntime({ settings: { inCluster: true } })
    try {
      const port = await serve((socket) => socket.write("+list\r\n"))
      assert.strictEqual(outcome(await ask(port, inside)), "Blocked")
      const named = await inside.read(signal("redis", { host: "localhost", port, queueName: "jobs" }))
      assert.strictEqual(outcome(named), "Blocked")
    } finally {
      await inside.dispose()
    }
  })
})
