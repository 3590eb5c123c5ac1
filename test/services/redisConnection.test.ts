import { lookup } from "node:dns"
import { type AddressInfo, createServer, type LookupFunction, type Socket } from "node:net"
import { afterEach, assert, describe, it } from "vitest"
import { makeJudge } from "#services/forbiddenAddresses"
import { RedisConnection, sourceErrorOf } from "#services/redisConnection"
import type { RedisServer } from "#services/RedisWire"
import type { Reply } from "#services/resp"
import { SourceError } from "#services/SourceError"

const cleanups: Array<() => void> = []

/** A server of our own: what it was sent, and a way to say something on its newest connection. */
const serve = async (onData: (socket: Socket, text: string) => void, more: Partial<RedisServer> = {}) => {
  const sockets: Array<Socket> = []
  const sent: Array<string> = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on("error", () => undefined)
    socket.on("data", (chunk) => {
      sent.push(
        chunk
          .toString()
          .replaceAll(/\$\d+\r\n|\*\d+\r\n/gu, "")
          .trimEnd()
          .replaceAll("\r\n", " ")
      )
      onData(socket, sent.at(-1) ?? "")
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const connection = new RedisConnection(
    { host: "127.0.0.1", port: (server.address() as AddressInfo).port, db: 0, ...more },
    { judge: makeJudge(), lookup: lookup as LookupFunction, loopbackAllowed: true }
  )
  cleanups.push(() => {
    connection.close()
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const ask = (key: string, signal = new AbortController().signal): Promise<ReadonlyArray<Reply>> =>
    connection.exchange([["LLEN", key]], signal)
  return { ask, sockets, sent, connection }
}

const failure = (asking: Promise<unknown>) =>
  asking.then(
    () => "answered",
    (error: unknown) => (error instanceof SourceError ? error : "something else")
  )

const why = async (asking: Promise<unknown>) => {
  const error = await failure(asking)
  return error instanceof SourceError ? error.why : error
}

describe("the connection", () => {
  afterEach(() => {
    for (const cleanup of cleanups.splice(0)) cleanup()
  })

  it("proves who it is and picks its database before it asks", async () => {
    const { ask, sent } = await serve(
      (socket, text) => socket.write(text.startsWith("AUTH") ? "+OK\r\n+OK\r\n" : ":7\r\n"),
      {
        db: 3,
        username: "me",
        password: "pass word"
      }
    )
    assert.deepStrictEqual(await ask("jobs"), [7])
    assert.deepStrictEqual(sent, ["AUTH me pass word SELECT 3", "LLEN jobs"])
  })

  it("is one for all who ask, and gives each his own reply", async () => {
    const { ask, sockets } = await serve((socket, text) => {
      for (const [, key] of text.matchAll(/LLEN (\d+)/gu)) socket.write(`:${key}\r\n`)
    })
    const asked = Array.from({ length: 100 }, (_, at) => at)
    const replies = await Promise.all(asked.map((at) => ask(String(at))))
    assert.deepStrictEqual(
      replies,
      asked.map((at) => [at])
    )
    assert.strictEqual(sockets.length, 1)
  })

  it("that was given up on serves nobody who comes later, and is closed when nobody waits", async () => {
    let silent = true
    const { ask, sockets } = await serve((socket) => void (silent || socket.write(":7\r\n")))
    const giving = new AbortController()
    const first = why(ask("jobs", giving.signal))
    while (sockets[0]?.bytesRead === undefined || sockets[0].bytesRead === 0)
      await new Promise((resolve) => setTimeout(resolve, 2))
    giving.abort()
    silent = false
    assert.deepStrictEqual(await ask("jobs"), [7])
    assert.strictEqual(await first, "Unreachable")
    assert.strictEqual(sockets.length, 2)
    while (sockets[0].destroyed !== true) await new Promise((resolve) => setTimeout(resolve, 2))
  })

  it("that was lost while idle is opened anew without a word, but not a second time", async () => {
    let closing = false
    const { ask, sockets } = await serve((socket) => void (closing ? socket.destroy() : socket.write(":7\r\n")))
    assert.deepStrictEqual(await ask("jobs"), [7])
    sockets[0]?.destroy()
    assert.deepStrictEqual(await ask("jobs"), [7])
    closing = true
    assert.strictEqual(await why(ask("jobs")), "Unreachable")
    closing = false
    assert.deepStrictEqual(await ask("jobs"), [7], "the next one tries again")
  })

  it.each([
    ["-WRONGPASS invalid hunter2\r\n", "Unauthorized"],
    ["-LOADING Redis is loading\r\n", "Unreachable"],
    ["-ERR max number of clients reached\r\n", "Throttled"],
    ["HTTP/1.1 400 Bad Request\r\n", "Malformed"],
    ["*99999999\r\n", "TooLarge"]
  ])("that is met with %j fails as what that is, and never quotes it", async (text, expected) => {
    const { ask } = await serve((socket) => socket.write(text), { password: "hunter2" })
    const error = await failure(ask("jobs"))
    assert.instanceOf(error, SourceError)
    if (!(error instanceof SourceError)) return
    assert.strictEqual(error.why, expected)
    assert.match(error.detail, /^Redis at 127\.0\.0\.1:\d+ .+\. [A-Z].+\.$/su)
    assert.notInclude(error.detail, "hunter2")
  })

  it("is not opened to an address that is forbidden, whatever it is called", async () => {
    for (const host of ["169.254.169.254", "metadata.google.internal", "::ffff:169.254.169.254", "fe80::1"]) {
      const { ask } = await serve(() => undefined, { host })
      assert.strictEqual(await why(ask("jobs")), "Blocked", host)
    }
  })

  it("that nobody accepts is unreachable", async () => {
    const { ask } = await serve(() => undefined, { port: 1 })
    assert.strictEqual(await why(ask("jobs")), "Unreachable")
    const server = { host: "fd00::1", port: 6379, db: 0 }
    assert.include(sourceErrorOf(new Error("odd"), server).detail, "Redis at [fd00::1]:6379 could not be asked")
  })
})
