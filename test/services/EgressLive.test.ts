import { createServer } from "node:net"
import { setTimeout } from "node:timers/promises"
import type { AddressInfo, Server } from "node:net"
import { gzipSync } from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Option } from "effect"
import * as TestClock from "effect/testing/TestClock"
import { ANSWER_BYTES_MAX, ANSWER_DEPTH_MAX, ANSWER_LIMITS, SMALL_ANSWER_BYTES } from "#services/Egress"
import type { EgressRequest } from "#services/Egress"
import type { EgressSettings } from "#services/EgressLive"
import { direct, egress, names, request, serve } from "#test/services/httpServers"

type Asked = Partial<EgressRequest> & { readonly url: string }

const failing = (one: Asked, settings: Partial<EgressSettings> = {}) =>
  Effect.flip(request(one)).pipe(Effect.provide(egress(settings)))

const reason = (one: Asked, settings: Partial<EgressSettings> = {}) =>
  Effect.map(failing(one, settings), (error) => error.reason)

const eventually = (condition: () => boolean) =>
  Effect.gen(function* () {
    while (!condition()) yield* Effect.sleep("5 millis")
  }).pipe(Effect.timeout("10 seconds"))

const MEBIBYTE = Buffer.alloc(1024 * 1024, 0x20)

describe("an answer", () => {
  it.live("is read whole, unpacked, with its status", () =>
    Effect.gen(function* () {
      const server = yield* serve((_, response) => {
        response.writeHead(422, { "content-encoding": "gzip" }).end(gzipSync('{"á":1}'))
      })
      const answer = yield* request({ url: `${server.url}/a?token=x` }).pipe(Effect.provide(egress()))
      assert.deepStrictEqual(answer, {
        status: 422,
        body: '{"á":1}',
        url: `${server.url}/a`,
        strippedOfCredentials: false
      })
    })
  )

  it.live("of a gigabyte is refused after its first mebibytes, and the connection is cut", () =>
    Effect.gen(function* () {
      let sent = 0
      const server = yield* serve((_, response) => {
        const flood = (): void => {
          while (sent < 1024 && !response.destroyed) {
            sent += 1
            if (!response.write(MEBIBYTE)) {
              response.once("drain", flood)
              return
            }
          }
          response.end()
        }
        flood()
      })
      yield* Effect.gen(function* () {
        const error = yield* Effect.flip(request({ url: server.url }))
        assert.strictEqual(error.reason._tag, "TooLarge")
        yield* eventually(() => server.open() === 0)
        assert.isBelow(sent, 128, "the rest was never sent")
      }).pipe(Effect.provide(egress()))
    })
  )

  it.live("that announces more than the limit is refused unread", () =>
    Effect.gen(function* () {
      const server = yield* serve((asked, response) => {
        const { bytesMax } = ANSWER_LIMITS[asked.url === "/own" ? "own" : "number"]
        response.writeHead(200, { "content-length": bytesMax + 1 }).flushHeaders()
      })
      assert.deepStrictEqual(yield* reason({ url: server.url }), { _tag: "TooLarge" })
      assert.deepStrictEqual(yield* reason({ url: `${server.url}/own`, answer: "own" }), { _tag: "TooLarge" })
    })
  )

  it.live("that unpacks to a thousand times its size is refused", () =>
    Effect.gen(function* () {
      // 64 MiB are enough to be far beyond the limit, and pack into 64 KiB.
      const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024))
      assert.isBelow(bomb.length, 100_000)
      const server = yield* serve((_, response) => {
        response.writeHead(200, { "content-encoding": "gzip" }).end(bomb)
      })
      assert.deepStrictEqual(yield* reason({ url: server.url }), { _tag: "TooLarge" })
    })
  )

  // Ten mebibytes of each of these once kept the event loop for up to four seconds.
  const filled = (one: (at: number) => string, head: string, tail: string) => {
    const parts: Array<string> = []
    for (let at = 0, size = 0; size < ANSWER_BYTES_MAX; at += 1) size += parts[parts.push(one(at)) - 1]?.length ?? 0
    return `${head}${parts.join(",")}${tail}`
  }
  const hostile: ReadonlyArray<readonly [string, () => string]> = [
    ["lists in lists", () => "[".repeat(ANSWER_BYTES_MAX / 2) + "]".repeat(ANSWER_BYTES_MAX / 2)],
    ["objects in objects", () => '{"a":'.repeat(ANSWER_BYTES_MAX / 6) + "1" + "}".repeat(ANSWER_BYTES_MAX / 6)],
    ["empty lists", () => filled(() => "[]", "[", "]")],
    ["zeros", () => filled(() => "0", "[", "]")],
    ["names that differ", () => filled((at) => `"n${at}":0`, "{", "}")],
    [
      "series without labels",
      () =>
        filled(
          () => '{"metric":{},"value":[1,"1"]}',
          '{"status":"success","data":{"resultType":"vector","result":[',
          "]}}"
        )
    ]
  ]

  it.live.each(hostile)("of ten mebibytes of %s is refused before anything is made of it", ([, make]) =>
    Effect.gen(function* () {
      const text = make()
      const packed = gzipSync(text)
      const server = yield* serve((asked, response) => {
        if (asked.url === "/packed") response.writeHead(200, { "content-encoding": "gzip" }).end(packed)
        else response.end(text)
      })
      for (const path of ["/plain", "/packed"]) {
        const error = yield* failing({ url: `${server.url}${path}`, answer: "own" })
        assert.strictEqual(error.reason._tag, "TooLarge")
        assert.include(error.message, "Ask a narrower question")
      }
    })
  )

  it.live("comes through up to the limits of its kind, and not one value beyond them", () =>
    Effect.gen(function* () {
      const { tokensMax } = ANSWER_LIMITS.number
      const server = yield* serve((asked, response) => {
        const [, shape, size = "0"] = asked.url?.split("/") ?? []
        response.end(
          shape === "wide" ? `[${"0,".repeat(Number(size) - 1)}0]` : "[".repeat(Number(size)) + "]".repeat(Number(size))
        )
      })
      yield* request({ url: `${server.url}/wide/${tokensMax}` }).pipe(Effect.provide(egress()))
      yield* request({ url: `${server.url}/deep/${ANSWER_DEPTH_MAX}` }).pipe(Effect.provide(egress()))
      assert.strictEqual((yield* reason({ url: `${server.url}/wide/${tokensMax + 1}` }))._tag, "TooLarge")
      assert.strictEqual((yield* reason({ url: `${server.url}/deep/${ANSWER_DEPTH_MAX + 1}` }))._tag, "TooLarge")
      yield* request({ url: `${server.url}/wide/${tokensMax + 1}`, answer: "listing" }).pipe(Effect.provide(egress()))
    })
  )

  it.live("of many values is handed out in a turn of the event loop of its own, whoever sends how many", () =>
    Effect.gen(function* () {
      const held: Array<() => void> = []
      const server = yield* serve((_, response) => {
        response.write("[")
        held.push(() => response.end(`${"0,".repeat(20_000)}0]`))
      })
      let turn = 0
      let immediate = setImmediate(function next() {
        turn += 1
        immediate = setImmediate(next)
      })
      yield* Effect.addFinalizer(() => Effect.sync(() => clearImmediate(immediate)))
      const turns = yield* Effect.gen(function* () {
        const each = request({ url: server.url }).pipe(Effect.map(() => turn))
        const fiber = yield* Effect.forkChild(
          Effect.forEach(
            Array.from({ length: 12 }, () => each),
            (one) => one,
            { concurrency: 12 }
          )
        )
        yield* eventually(() => held.length === 12)
        for (const end of held) end()
        return yield* Fiber.join(fiber)
      }).pipe(Effect.provide(egress()))
      assert.strictEqual(new Set(turns).size, 12)
    })
  )

  it.live("that is cut off is no answer", () =>
    Effect.gen(function* () {
      const server = yield* serve((_, response) => {
        response.writeHead(200, { "content-length": 100 })
        response.write("{", () => response.destroy())
      })
      assert.include(["Unreachable", "Malformed"], (yield* reason({ url: server.url }))._tag)
    })
  )

  it.live(
    "that is large shares its memory with all others that are; small ones come through, and all is given back",
    () =>
      Effect.gen(function* () {
        const held: Array<() => void> = []
        const server = yield* serve((asked, response) => {
          if (asked.url === "/small") return void response.end(Buffer.alloc(SMALL_ANSWER_BYTES, 0x20))
          for (let mebibyte = 0; mebibyte < 9; mebibyte += 1) response.write(MEBIBYTE)
          held.push(() => response.end())
        })
        yield* Effect.gen(function* () {
          const url = `${server.url}/large`
          for (let round = 1; round <= 2; round += 1) {
            const fibers = yield* Effect.forEach([1, 2, 3, 4], () =>
              Effect.forkChild(Effect.exit(request({ url, answer: "own" })))
            )
            const first = yield* Effect.raceAll(fibers.map((fiber) => Fiber.join(fiber)))
            assert.strictEqual(Option.getOrThrow(Exit.findErrorOption(first)).reason._tag, "TooLarge")
            assert.strictEqual((yield* request({ url: `${server.url}/small` })).body.length, SMALL_ANSWER_BYTES)
            yield* eventually(() => held.length === 4 * round)
            for (const end of held) end()
            const exits = yield* Effect.forEach(fibers, Fiber.join)
            assert.strictEqual(exits.filter(Exit.isSuccess).length, 3)
          }
        }).pipe(Effect.provide(egress()))
      })
  )

  it.live("that is cut off inside its gzip is no answer", () =>
    Effect.gen(function* () {
      const server = yield* serve((_, response) => {
        response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("x".repeat(1000)).subarray(0, 20))
      })
      assert.strictEqual((yield* reason({ url: server.url }))._tag, "Malformed")
    })
  )

  it.live("in an encoding nobody asked for, or not in UTF-8, is no answer", () =>
    Effect.gen(function* () {
      const brotli = yield* serve((_, response) => void response.writeHead(200, { "content-encoding": "br" }).end("x"))
      assert.strictEqual((yield* reason({ url: brotli.url }))._tag, "Malformed")
      const latin = yield* serve((_, response) => void response.end(Buffer.from([0x22, 0xe1, 0x22])))
      assert.strictEqual((yield* reason({ url: latin.url }))._tag, "Malformed")
    })
  )

  it.live("that is not HTTP is no answer", () =>
    Effect.gen(function* () {
      const port = yield* Effect.acquireRelease(
        Effect.callback<readonly [number, () => void]>((resume) => {
          const server = createServer((socket) => {
            socket.on("error", () => {})
            socket.end("-ERR unknown command 'GET'\r\n")
          })
          server.listen(0, "127.0.0.1", () =>
            resume(Effect.succeed([(server.address() as AddressInfo).port, () => server.close()]))
          )
        }),
        ([, close]) => Effect.sync(close)
      )
      assert.strictEqual((yield* reason({ url: `http://127.0.0.1:${port[0]}` }))._tag, "Malformed")
    })
  )

  it.live("with endless headers is refused", () =>
    Effect.gen(function* () {
      const server = yield* serve((_, response) => void response.writeHead(200, { x: "y".repeat(40_000) }).end("1"))
      assert.strictEqual((yield* reason({ url: server.url }))._tag, "TooLarge")
    })
  )

  it.live("that does not come within the deadline is a Timeout, and the connection is cut", () =>
    Effect.gen(function* () {
      const slow = yield* serve(() => {})
      const dripping = yield* serve((_, response) => {
        const timer = setInterval(() => response.write(" "), 10)
        response.on("close", () => clearInterval(timer))
      })
      for (const server of [slow, dripping]) {
        yield* Effect.gen(function* () {
          const error = yield* Effect.flip(request({ url: server.url, timeoutMillis: 100 }))
          assert.strictEqual(error.reason._tag, "Timeout")
          assert.include(error.message, "within 100 ms")
          yield* eventually(() => server.open() === 0)
        }).pipe(Effect.provide(egress()))
      }
    })
  )

  it.live("a header at a time, for ever, costs one deadline", () =>
    Effect.gen(function* () {
      const port = yield* Effect.acquireRelease(
        Effect.callback<readonly [number, Server]>((resume) => {
          const server = createServer((socket) => {
            socket.on("error", () => {})
            socket.write("HTTP/1.1 200 OK\r\n")
            let at = 0
            const timer = setInterval(() => socket.write(`x-${at++}: y\r\n`), 10)
            socket.on("close", () => clearInterval(timer))
          })
          server.listen(0, "127.0.0.1", () => resume(Effect.succeed([(server.address() as AddressInfo).port, server])))
        }),
        ([, server]) => Effect.sync(() => server.close())
      )
      const url = `http://127.0.0.1:${port[0]}`
      assert.strictEqual((yield* reason({ url, timeoutMillis: 200 }))._tag, "Timeout")
    })
  )

  it.live("of a good server comes while others hang, flood, drip, turn in circles and explode", () =>
    Effect.gen(function* () {
      const bomb = gzipSync(Buffer.alloc(16 * 1024 * 1024))
      const lists = "[[],".repeat(100_000)
      const hostile = yield* serve((asked, response) => {
        switch (asked.url) {
          case "/flood": {
            const flood = () => {
              while (!response.destroyed && response.write(MEBIBYTE)) continue
            }
            response.on("drain", flood)
            return flood()
          }
          case "/drip": {
            const timer = setInterval(() => response.write(" "), 10)
            return void response.on("close", () => clearInterval(timer))
          }
          case "/circle":
            return void response.writeHead(302, { location: "/circle" }).end()
          case "/bomb":
            return void response.writeHead(200, { "content-encoding": "gzip" }).end(bomb)
          case "/lists":
            return void response.end(lists)
          default:
        }
      })
      const good = yield* serve((_, response) => void response.end("42"))
      const attack = (paths: ReadonlyArray<string>) =>
        Effect.forEach(
          Array.from({ length: 10 }, () => paths).flat(),
          (path) => Effect.flip(request({ url: `${hostile.url}${path}`, timeoutMillis: 60_000 })),
          { concurrency: "unbounded" }
        )
      yield* Effect.gen(function* () {
        const waiting = yield* Effect.forkChild(attack(["/hang", "/drip"]))
        const refused = yield* Effect.forkChild(attack(["/flood", "/circle", "/bomb", "/lists"]))
        yield* eventually(() => hostile.open() > 0)
        for (let asked = 0; asked < 20; asked += 1) {
          assert.strictEqual((yield* request({ url: good.url })).body, "42")
        }
        const reasons = (yield* Fiber.join(refused)).map(({ reason: { _tag } }) => _tag)
        assert.sameMembers([...new Set(reasons)], ["TooLarge", "HttpStatus"])
        assert.isUndefined(waiting.pollUnsafe(), "the others were answered while these still waited")
        yield* Fiber.interrupt(waiting)
      }).pipe(Effect.provide(egress()))
    })
  )

  it.live("of nobody is Unreachable: no listener, no such name", () =>
    Effect.gen(function* () {
      const gone = yield* Effect.scoped(
        Effect.map(
          serve(() => {}),
          ({ url }) => url
        )
      )
      assert.strictEqual((yield* reason({ url: gone }))._tag, "Unreachable")
      const error = yield* failing({ url: "http://nowhere.example:9090/" })
      assert.strictEqual(error.reason._tag, "Unreachable")
      assert.include(error.message, "cannot be resolved")
    })
  )
})

describe("a redirect", () => {
  const moving = (to: (path: string) => string, status = 302) =>
    serve((incoming, response) => {
      const path = incoming.url ?? ""
      if (path === "/end") response.end("arrived")
      else response.writeHead(status, { location: to(path) }).end("moved")
    })

  it.live("is followed three times, and not a fourth time", () =>
    Effect.gen(function* () {
      const server = yield* moving((path) => (path === "/3" ? "/end" : `/${Number(path.slice(1)) + 1}`))
      const answer = yield* request({ url: `${server.url}/1`, headers: { "x-key": "k" } }).pipe(
        Effect.provide(egress())
      )
      assert.strictEqual(answer.body, "arrived")
      assert.deepStrictEqual(
        server.seen.map(({ headers }) => headers["x-key"]),
        ["k", "k", "k", "k"],
        "the same origin keeps the credentials"
      )
      const error = yield* failing({ url: `${server.url}/0` })
      assert.deepStrictEqual(error.reason, { _tag: "HttpStatus", status: 302 })
      assert.include(error.message, "more than 3 times")
    })
  )

  it.live("without an end costs four requests", () =>
    Effect.gen(function* () {
      const server = yield* moving(() => "/again")
      yield* failing({ url: server.url })
      assert.strictEqual(server.seen.length, 4)
    })
  )

  it.live("to another origin gets none of the headers, and a refusal there says why", () =>
    Effect.gen(function* () {
      const other = yield* serve((_, response) => void response.writeHead(401).end())
      const server = yield* moving(() => `http://thief:pass@127.0.0.1:${other.port}/steal?key=1`)
      const answer = yield* request({
        url: server.url.replace("http://", "http://user:secret@"),
        headers: { Authorization: "Bearer secret", "X-Api-Key": "secret", Cookie: "secret" }
      }).pipe(Effect.provide(egress()))
      const sent = other.seen[0]?.headers ?? {}
      assert.notInclude(JSON.stringify(sent), "secret")
      assert.notProperty(sent, "authorization")
      assert.strictEqual(server.seen[0]?.headers.authorization, "Bearer secret")
      assert.isTrue(answer.strippedOfCredentials)
      assert.strictEqual(answer.url, `${other.url}/steal`)
    })
  )

  it.live("is judged anew: to the metadata service, and to loopback from a trusted address", () =>
    Effect.gen(function* () {
      const server = yield* moving(() => "http://169.254.169.254/latest/meta-data/iam/")
      assert.deepStrictEqual(yield* reason({ url: server.url }), { _tag: "Blocked", rule: "Metadata" })
      const named = yield* moving(() => "http://rebound.example/")
      const lookup = names({ "rebound.example": [["fd00:ec2::254"]] })
      assert.deepStrictEqual(yield* reason({ url: named.url }, { lookup }), { _tag: "Blocked", rule: "Metadata" })
      const other = yield* serve((_, response) => void response.end("1"))
      const trusted = yield* moving(() => other.url)
      const refused = yield* reason({ url: trusted.url, trusted: true }, { insideCluster: true })
      assert.deepStrictEqual(refused, { _tag: "Blocked", rule: "Loopback" })
      assert.strictEqual(other.seen.length, 0)
    })
  )

  it.live("keeps a question as it is on the same origin, except a 303", () =>
    Effect.gen(function* () {
      const body = { contentType: "application/x-www-form-urlencoded", text: "query=up" }
      for (const [status, method] of [
        [301, "POST"],
        [302, "POST"],
        [307, "POST"],
        [308, "POST"],
        [303, "GET"]
      ] as const) {
        const server = yield* moving(() => "/end", status)
        yield* request({ url: server.url, method: "POST", body }).pipe(Effect.provide(egress()))
        assert.strictEqual(server.seen[1]?.method, method, String(status))
      }
    })
  )

  it.live("sends no body on to another origin", () =>
    Effect.gen(function* () {
      const other = yield* serve((_, response) => void response.end("1"))
      const server = yield* moving(() => `${other.url}/there`, 307)
      const error = yield* failing({ url: server.url, method: "POST", body: { contentType: "a/b", text: "secret" } })
      assert.deepStrictEqual(error.reason, { _tag: "HttpStatus", status: 307 })
      assert.include(error.message, `name ${other.url}/there instead`)
      assert.strictEqual(other.seen.length, 0)
    })
  )

  it.live("to something that is no HTTP is refused", () =>
    Effect.gen(function* () {
      for (const location of ["file:///etc/passwd", "gopher://x", "http://"]) {
        const server = yield* moving(() => location)
        assert.strictEqual((yield* reason({ url: server.url }))._tag, "BadOptions", location)
      }
    })
  )
})

describe("an address", () => {
  const spelled = [
    "http://169.254.169.254/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/",
    "http://169.254.43518/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[2002:a9fe:a9fe::]/",
    "http://[fd00:ec2::254]/",
    "http://metadata.google.internal/",
    "http://METADATA.google.internal./",
    "http://169.254.0.1/",
    "http://[fe80::1]/"
  ]

  it.live("of the link or the metadata is refused in every spelling, even for the operator's own URLs", () =>
    Effect.forEach(spelled, (url) =>
      Effect.gen(function* () {
        const error = yield* failing({ url, trusted: true })
        assert.strictEqual(error.reason._tag, "Blocked", url)
        assert.include(error.message, "Name a server that tenants may reach")
      })
    )
  )

  it.live("of loopback is refused to tenants inside a cluster, and to nobody outside", () =>
    Effect.gen(function* () {
      const server = yield* serve((_, response) => void response.end("1"))
      const lookup = names({ "innocent.example": [["127.0.0.1"]] })
      for (const host of [
        "127.0.0.1",
        "localhost",
        "innocent.example",
        "2130706433",
        "[::ffff:127.0.0.1]",
        "0.0.0.0"
      ]) {
        const url = `http://${host}:${server.port}/`
        const refused = yield* reason({ url }, { insideCluster: true, lookup })
        assert.deepStrictEqual(refused, { _tag: "Blocked", rule: "Loopback" }, host)
      }
      assert.strictEqual(server.seen.length, 0)
      const outside = yield* request({ url: `http://innocent.example:${server.port}/` }).pipe(
        Effect.provide(egress({ lookup }))
      )
      assert.strictEqual(outside.body, "1")
      const own = yield* request({ url: server.url, trusted: true }).pipe(
        Effect.provide(egress({ insideCluster: true }))
      )
      assert.strictEqual(own.body, "1")
    })
  )

  it.live("is judged on the very answer that is connected to, so a name cannot change its mind in between", () =>
    Effect.gen(function* () {
      const server = yield* serve((_, response) => void response.writeHead(200, { connection: "close" }).end("1"))
      const lookup = names({ "rebound.example": [["127.0.0.1"], ["169.254.169.254"]] })
      const url = `http://rebound.example:${server.port}/`
      yield* Effect.gen(function* () {
        assert.strictEqual((yield* request({ url })).body, "1")
        const error = yield* Effect.flip(request({ url }))
        assert.deepStrictEqual(error.reason, { _tag: "Blocked", rule: "Metadata" })
      }).pipe(Effect.provide(egress({ lookup })))
    })
  )

  it.live("among several of one name spoils the name", () =>
    Effect.gen(function* () {
      const server = yield* serve((_, response) => void response.end("1"))
      const lookup = names({ "mixed.example": [["127.0.0.1", "169.254.169.254"]] })
      const refused = yield* reason({ url: `http://mixed.example:${server.port}/` }, { lookup })
      assert.deepStrictEqual(refused, { _tag: "Blocked", rule: "Metadata" })
      assert.strictEqual(server.seen.length, 0)
    })
  )
})

describe("connections", () => {
  it.live("are kept for the same credentials, and never shared between different ones", () =>
    Effect.gen(function* () {
      const server = yield* serve((_, response) => void response.end("1"))
      yield* Effect.gen(function* () {
        const as = (key: string) => request({ url: server.url, headers: { authorization: key } })
        for (let round = 0; round < 10; round += 1) yield* as("a")
        const before = server.connections()
        assert.isBelow(before, 4)
        yield* as("b")
        assert.strictEqual(server.connections(), before + 1)
      }).pipe(Effect.provide(egress()))
      yield* eventually(() => server.open() === 0)
    })
  )

  it.effect("are closed a minute after the last who used them has gone, and not before", () =>
    Effect.gen(function* () {
      const server = yield* serve((_, response) => void response.end("1"))
      const really = (condition: () => boolean) =>
        Effect.promise(async () => {
          for (let tries = 0; tries < 500 && !condition(); tries += 1) await setTimeout(10)
          return condition()
        })
      yield* Effect.gen(function* () {
        yield* request({ url: server.url, headers: { authorization: "a" } })
        yield* TestClock.adjust("30 seconds")
        yield* request({ url: server.url, headers: { authorization: "a" } })
        yield* TestClock.adjust("59 seconds")
        assert.strictEqual(server.connections(), 1)
        assert.strictEqual(server.open(), 1)
        yield* TestClock.adjust("1 second")
        assert.isTrue(yield* really(() => server.open() === 0))
      }).pipe(Effect.provide(egress()))
    })
  )

  it.live("are at most sixty-four to one server", () =>
    Effect.gen(function* () {
      const waiting: Array<() => void> = []
      const server = yield* serve((_, response) => void waiting.push(() => response.end("1")))
      yield* Effect.gen(function* () {
        const fiber = yield* Effect.forkScoped(
          Effect.forEach(Array.from({ length: 100 }), () => request({ url: server.url }), { concurrency: "unbounded" })
        )
        yield* eventually(() => waiting.length === 64)
        assert.strictEqual(server.connections(), 64)
        while (fiber.pollUnsafe() === undefined) {
          for (const answer of waiting.splice(0)) answer()
          yield* Effect.sleep("1 millis")
        }
        assert.strictEqual(server.seen.length, 100)
        assert.strictEqual(server.connections(), 64)
      }).pipe(Effect.provide(egress()))
    })
  )
})

describe("a proxy", () => {
  const proxy = () =>
    serve((incoming, response) => {
      const { hostname, pathname } = new URL(incoming.url ?? "")
      response.end(`${hostname}${pathname} by proxy`)
    })

  it.live(
    "on loopback is used inside a cluster too, with its own credentials, for names that do not resolve here",
    () =>
      Effect.gen(function* () {
        const server = yield* proxy()
        const http = server.url.replace("http://", "http://me:pw@")
        const settings = { insideCluster: true, proxies: { ...direct, http } }
        const answer = yield* request({ url: "http://prometheus.monitoring.svc/q" }).pipe(
          Effect.provide(egress(settings))
        )
        assert.strictEqual(answer.body, "prometheus.monitoring.svc/q by proxy")
        const sent = server.seen[0]?.headers["proxy-authorization"]
        assert.strictEqual(sent, `Basic ${Buffer.from("me:pw").toString("base64")}`)
      })
  )

  it.live("does not make forbidden addresses reachable", () =>
    Effect.gen(function* () {
      const server = yield* proxy()
      const settings = { proxies: { ...direct, http: server.url } }
      assert.strictEqual((yield* reason({ url: "http://169.254.169.254/" }, settings))._tag, "Blocked")
      assert.strictEqual((yield* reason({ url: "http://metadata.google.internal/" }, settings))._tag, "Blocked")
      assert.strictEqual(server.seen.length, 0)
    })
  )

  it.live("is left out for what NO_PROXY names", () =>
    Effect.gen(function* () {
      const server = yield* proxy()
      const target = yield* serve((_, response) => void response.end("direct"))
      const settings = {
        proxies: { http: server.url, https: undefined, except: ".svc" },
        lookup: names({ "prometheus.monitoring.svc": [["127.0.0.1"]] })
      }
      const url = `http://prometheus.monitoring.svc:${target.port}/`
      assert.strictEqual((yield* request({ url }).pipe(Effect.provide(egress(settings)))).body, "direct")
    })
  )
})

describe("what an error says", () => {
  it.live("never holds credentials, wherever they were", () =>
    Effect.gen(function* () {
      const gone = yield* Effect.scoped(
        Effect.map(
          serve(() => {}),
          ({ url }) => url
        )
      )
      const slow = yield* serve(() => {})
      const moved = yield* serve((_, response) => {
        response.writeHead(302, { location: "http://u:secret@169.254.169.254/?t=secret" }).end()
      })
      const garbled = yield* serve((incoming) => void incoming.socket.end("secret\r\n\r\n"))
      for (const base of [gone, slow.url, moved.url, garbled.url, "http://secret secret/", "http://x.example"]) {
        const url = `${base.replace("http://", "http://user:secret@")}/q?token=secret#secret`
        const error = yield* failing({
          url,
          headers: { authorization: "secret", "x-key": "secret" },
          timeoutMillis: 300
        })
        assert.notInclude(JSON.stringify([error.message, error, error.sourceError]), "secret", base)
        assert.match(error.message, /\. [A-Z].+\.$/u, "ends with what to do")
      }
    })
  )

  it.live("is BadOptions for what cannot be asked", () =>
    Effect.gen(function* () {
      const server = yield* serve((_, response) => void response.end("1"))
      const asked: ReadonlyArray<Asked> = [
        { url: "ftp://x/" },
        { url: "not a url" },
        { url: server.url, headers: { "transfer-encoding": "chunked" } },
        { url: server.url, headers: { Host: "other" } },
        { url: server.url, headers: { "a b": "x" } },
        { url: server.url, headers: { a: "x\r\nhost: y" } },
        { url: server.url.replace("http://", "http://%zz@") }
      ]
      for (const one of asked) assert.strictEqual((yield* reason(one))._tag, "BadOptions", JSON.stringify(one))
      assert.strictEqual(server.seen.length, 0)
    })
  )
})
