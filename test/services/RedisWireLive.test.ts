import { lookup } from "node:dns"
import { type AddressInfo, createServer, type LookupFunction, type Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { RedisWire } from "#services/RedisWire"
import type { RedisServer } from "#services/RedisWire"
import { layerWith } from "#services/RedisWireLive"

const serve = Effect.acquireRelease(
  Effect.promise(
    () =>
      new Promise<{ port: number; sockets: Array<Socket>; close: () => void }>((resolve) => {
        const sockets: Array<Socket> = []
        const server = createServer((socket) => {
          sockets.push(socket)
          socket.on("error", () => undefined)
          socket.on("data", (chunk) => {
            const questions = chunk.toString().match(/AUTH|LLEN/gu) ?? []
            socket.write(questions.map((name) => (name === "AUTH" ? "+OK\r\n" : ":42\r\n")).join(""))
          })
        }).listen(0, "127.0.0.1", () =>
          resolve({
            port: (server.address() as AddressInfo).port,
            sockets,
            close: () => {
              for (const socket of sockets) socket.destroy()
              server.close()
            }
          })
        )
      })
  ),
  ({ close }) => Effect.sync(close)
)

const live = (insideCluster: boolean) => layerWith({ insideCluster, lookup: lookup as LookupFunction })

const ask = (server: RedisServer) => Effect.flatMap(RedisWire, (wire) => wire.exchange(server, [["LLEN", "jobs"]]))

describe("the live wire", () => {
  it.live("has one connection for each server and credentials, and closes them all in the end", () =>
    Effect.gen(function* () {
      const { port, sockets } = yield* serve
      const server = { host: "127.0.0.1", port, db: 0 }
      yield* Effect.gen(function* () {
        const replies = yield* Effect.forEach([server, server, { ...server, password: "a" }, server], ask, {
          concurrency: "unbounded"
        })
        assert.deepStrictEqual(replies, [[42], [42], [42], [42]])
        assert.strictEqual(sockets.length, 2)
        yield* ask({ ...server, password: "b" })
        assert.strictEqual(sockets.length, 3)
      }).pipe(Effect.provide(live(false)))
      while (sockets.some((socket) => !socket.destroyed)) yield* Effect.sleep("2 millis")
    })
  )

  it.live("refuses loopback inside a cluster", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(ask({ host: "localhost", port: 1, db: 0 }).pipe(Effect.provide(live(true))))
      assert.strictEqual(error.why, "Blocked")
      assert.include(error.detail, "this machine itself")
    })
  )
})
