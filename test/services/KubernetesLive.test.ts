import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { connect, type AddressInfo } from "node:net"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { assert, describe, it } from "vitest"
import { Kubernetes, type KubernetesRequest } from "#services/Kubernetes"
import { AccessError, type Credentials, KubernetesAccess } from "#services/KubernetesAccess"
import { layerTransport } from "#services/KubernetesLive"
import { VERSION } from "#services/version"

const SECRET = "eyJ-do-not-tell-anybody"

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void

interface World {
  readonly url: string
  readonly server: Server
  readonly kubernetes: Kubernetes["Service"]
  readonly answers: ReadonlyArray<string>
}

const listening = (handler: Handler) =>
  Effect.acquireRelease(
    Effect.callback<Server>((resume) => {
      const server = createServer((request, response) => {
        const chunks: Array<Buffer> = []
        request.on("data", (chunk: Buffer) => chunks.push(chunk))
        request.on("end", () => handler(request, response, Buffer.concat(chunks).toString("utf8")))
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      })
  )
const urlOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`

const connected = Effect.fnUntraced(function* (
  url: string,
  load: (anew: boolean) => Effect.Effect<Credentials, AccessError> = () =>
    Effect.succeed({ headers: { authorization: `Bearer ${SECRET}` }, tls: {} }),
  proxyUrl?: string
) {
  const answers: Array<string> = []
  const cluster = { server: url, context: "test", namespace: undefined, proxyUrl, insecure: true }
  const access = Layer.succeed(KubernetesAccess, { cluster, load })
  const onAnswer = (method: string, code: string) => Effect.sync(() => void answers.push(`${method} ${code}`))
  const context = yield* Layer.build(Layer.provide(layerTransport({ onAnswer }), access))
  return { kubernetes: Context.get(context, Kubernetes), answers }
})

/** Runs against a server of the test's own, on a real socket. */
const withServer = (handler: Handler, test: (world: World) => Effect.Effect<void, unknown, never>) =>
  Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const server = yield* listening(handler)
        yield* test({ server, url: urlOf(server), ...(yield* connected(urlOf(server))) })
      })
    )
  )

const reply = (
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {}
) => response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body))

const failure = (kubernetes: Kubernetes["Service"], request: KubernetesRequest) =>
  Effect.map(Effect.flip(kubernetes.request(request)), (error) => {
    assert.notInclude(error.message, SECRET)
    assert.notInclude(JSON.stringify(error), SECRET)
    return error
  })

const READ: KubernetesRequest = { method: "GET", path: "/api/v1/pods" }
const WRITE: KubernetesRequest = { method: "PATCH", path: "/api/v1/pods/a", body: { a: 1 } }

describe("the live Kubernetes port", () => {
  it("sends path, query, body, media type, credentials and who it is", () =>
    withServer(
      (request, response, body) =>
        reply(response, 200, { url: request.url, method: request.method, headers: request.headers, body }),
      ({ answers, kubernetes }) =>
        Effect.gen(function* () {
          const answer = yield* kubernetes.request({
            ...WRITE,
            query: { fieldManager: "nimbusguard", force: "true" },
            contentType: "application/apply-patch+yaml"
          })
          const { body, headers, method, url } = answer as {
            readonly [key: string]: string
            readonly headers: never
          }
          const { accept, authorization, "content-type": type, "user-agent": agent } = headers as Record<string, string>
          assert.deepStrictEqual(
            [method, url, body, accept, authorization, type, agent],
            [
              "PATCH",
              "/api/v1/pods/a?fieldManager=nimbusguard&force=true",
              '{"a":1}',
              "application/json",
              `Bearer ${SECRET}`,
              "application/apply-patch+yaml",
              `nimbusguard/${VERSION}`
            ]
          )
          assert.deepStrictEqual(answers, ["PATCH 200"])
        })
    ))

  it("answers an error with the server's words", () =>
    withServer(
      (_, response) => reply(response, 429, { kind: "Status", message: "slow down" }, { "retry-after": "7" }),
      ({ kubernetes }) =>
        Effect.gen(function* () {
          const error = yield* failure(kubernetes, READ)
          assert.deepStrictEqual(error.reason, { _tag: "Throttled", retryAfterMillis: 7_000 })
          assert.strictEqual(error.message, "GET /api/v1/pods: Throttled: HTTP 429: slow down")
        })
    ))

  it("calls what is not JSON malformed, and a proxy's error page by its status", () =>
    withServer(
      (request, response) => void response.writeHead(request.url === "/ok" ? 200 : 502).end("<html>bad gateway</html>"),
      ({ kubernetes }) =>
        Effect.gen(function* () {
          assert.strictEqual((yield* failure(kubernetes, { ...READ, path: "/ok" })).reason._tag, "Malformed")
          assert.deepStrictEqual((yield* failure(kubernetes, READ)).reason, { _tag: "ServerError", status: 502 })
          assert.strictEqual((yield* failure(kubernetes, WRITE)).reason._tag, "Unknown")
        })
    ))

  it("does not know what became of a write whose answer did not come in time", () =>
    withServer(
      () => {},
      ({ kubernetes }) =>
        Effect.gen(function* () {
          const timeoutMillis = 50
          assert.strictEqual((yield* failure(kubernetes, { ...READ, timeoutMillis })).reason._tag, "Unreachable")
          assert.strictEqual((yield* failure(kubernetes, { ...WRITE, timeoutMillis })).reason._tag, "Unknown")
        })
    ))

  it("does not wait longer for a body that never ends", () =>
    withServer(
      (_, response) => void response.writeHead(200).write('{"items":['),
      ({ kubernetes }) =>
        Effect.gen(function* () {
          const error = yield* failure(kubernetes, { ...READ, timeoutMillis: 50 })
          assert.match(error.detail, /no answer within 50 ms/u)
        })
    ))

  it("does not know what became of a write whose connection broke", () =>
    withServer(
      (request) => void request.socket.destroy(),
      ({ answers, kubernetes }) =>
        Effect.gen(function* () {
          assert.strictEqual((yield* failure(kubernetes, WRITE)).reason._tag, "Unknown")
          assert.strictEqual((yield* failure(kubernetes, READ)).reason._tag, "Unreachable")
          assert.deepStrictEqual(answers, ["PATCH <error>", "GET <error>"])
        })
    ))

  it("knows that a write which found nobody listening did not happen", () =>
    withServer(
      (_, response) => reply(response, 200, {}),
      ({ kubernetes, server }) =>
        Effect.gen(function* () {
          yield* Effect.callback<void>((resume) => {
            server.close(() => resume(Effect.void))
            server.closeAllConnections()
          })
          const error = yield* failure(kubernetes, WRITE)
          assert.strictEqual(error.reason._tag, "Unreachable")
          assert.match(error.detail, /ECONNREFUSED/u)
        })
    ))

  it("follows no redirect, so that no credential goes anywhere else", () => {
    let elsewhere = 0
    return Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const other = yield* listening((_, response) => {
            elsewhere++
            reply(response, 200, {})
          })
          const server = yield* listening((_, response) => reply(response, 307, {}, { location: urlOf(other) }))
          const { kubernetes } = yield* connected(urlOf(server))
          assert.strictEqual((yield* failure(kubernetes, READ)).reason._tag, "Malformed")
          assert.strictEqual(elsewhere, 0)
        })
      )
    )
  })

  it("uses one connection for many requests", () => {
    let connections = 0
    return withServer(
      (_, response) => reply(response, 200, {}),
      ({ kubernetes, server }) =>
        Effect.gen(function* () {
          server.on("connection", () => void connections++)
          yield* Effect.replicateEffect(kubernetes.request(READ), 50)
          assert.isAtMost(connections, 2)
        })
    )
  })

  it("renews credentials that are refused, once, and tells when the new ones are refused too", () => {
    const tokens = ["old", "new"]
    return Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          let accepted = "Bearer new"
          const server = yield* listening((request, response) =>
            request.headers.authorization === accepted
              ? reply(response, 200, {})
              : reply(response, 401, { message: "no" })
          )
          const asked: Array<boolean> = []
          const { kubernetes } = yield* connected(urlOf(server), (anew) =>
            Effect.sync(() => {
              asked.push(anew)
              return { headers: { authorization: `Bearer ${tokens[Math.min(asked.length, 2) - 1]}` }, tls: {} }
            })
          )
          yield* Effect.all(
            Array.from({ length: 5 }, () => kubernetes.request(READ)),
            { concurrency: 5 }
          )
          assert.deepStrictEqual(asked, [false, true])
          accepted = "Bearer revoked"
          assert.strictEqual((yield* failure(kubernetes, WRITE)).reason._tag, "Unauthorized")
          assert.strictEqual(asked.length, 3)
        })
      )
    )
  })

  it("says why it has no credentials", () =>
    Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const { kubernetes } = yield* connected("http://127.0.0.1:1", () =>
            Effect.fail(new AccessError({ detail: "the plugin is not installed" }))
          )
          const error = yield* failure(kubernetes, READ)
          assert.deepStrictEqual([error.reason._tag, error.detail], ["Unauthorized", "the plugin is not installed"])
        })
      )
    ))

  it("reaches the server through the proxy that the kubeconfig names", () =>
    Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const server = yield* listening((_, response) => reply(response, 200, { here: true }))
          const tunnels: Array<string> = []
          const proxy = yield* listening(() => {})
          proxy.on("connect", (request: IncomingMessage, socket: NodeJS.WritableStream & NodeJS.ReadableStream) => {
            tunnels.push(request.url ?? "")
            const through = connect((server.address() as AddressInfo).port, "127.0.0.1", () => {
              socket.write("HTTP/1.1 200 Connection Established\r\n\r\n")
              through.pipe(socket)
              socket.pipe(through)
            })
            through.on("error", () => {})
          })
          const { kubernetes } = yield* connected("http://api.example:80", undefined, urlOf(proxy))
          assert.deepStrictEqual(yield* kubernetes.request(READ), { here: true })
          assert.deepStrictEqual(tunnels, ["api.example:80"])
        })
      )
    ))
})

const line = (type: string, name: string, resourceVersion: string) =>
  Buffer.from(`${JSON.stringify({ type, object: { metadata: { name, resourceVersion } } })}\n`)

describe("a live watch", () => {
  it("reads events however their bytes are cut, and ends when the server does", () =>
    withServer(
      (_, response) => {
        const bytes = Buffer.concat([line("ADDED", "bé", "1"), Buffer.from("\n"), line("BOOKMARK", "", "2")])
        const cut = bytes.indexOf(0xc3) + 1 // within the letter
        response.writeHead(200)
        response.write(bytes.subarray(0, cut), () => setImmediate(() => response.end(bytes.subarray(cut))))
      },
      ({ kubernetes }) =>
        Effect.gen(function* () {
          const events = yield* Stream.runCollect(kubernetes.watch("/api/v1/pods", { watch: "true" }))
          assert.deepStrictEqual(events, [
            { type: "ADDED", object: { metadata: { name: "bé", resourceVersion: "1" } } },
            { type: "BOOKMARK", object: { metadata: { name: "", resourceVersion: "2" } } }
          ])
        })
    ))

  const gone = { kind: "Status", code: 410, reason: "Expired", message: "too old resource version" }
  const cases: ReadonlyArray<readonly [string, (response: ServerResponse) => void, string]> = [
    [
      "an ERROR event that its version is gone",
      (response) => void response.end(JSON.stringify({ type: "ERROR", object: gone })),
      "Gone"
    ],
    ["a refusal as its status", (response) => void reply(response, 403, { message: "no" }), "Forbidden"],
    ["a line that is no event malformed", (response) => void response.end("{}\n"), "Malformed"],
    [
      "a broken connection unreachable",
      (response) => void response.write(line("ADDED", "a", "1"), () => response.socket?.destroy()),
      "Unreachable"
    ]
  ]
  for (const [title, answer, want] of cases) {
    it(`calls ${title}`, () =>
      withServer(
        (_, response) => answer(response),
        ({ kubernetes }) =>
          Effect.gen(function* () {
            const error = yield* Effect.flip(Stream.runDrain(kubernetes.watch("/api/v1/pods", {})))
            assert.strictEqual(error.reason._tag, want)
          })
      ))
  }

  it("hangs up when nobody reads any more", () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    return withServer(
      (request, response) => {
        request.socket.on("close", () => resolve())
        response.writeHead(200).write(line("ADDED", "a", "1"))
      },
      ({ kubernetes }) =>
        Effect.gen(function* () {
          const fiber = yield* Effect.forkChild(Stream.runHead(kubernetes.watch("/api/v1/pods", {})))
          const exit = yield* Fiber.await(fiber)
          assert.isTrue(Exit.isSuccess(exit))
          yield* Effect.promise(() => promise)
        })
    )
  })
})
