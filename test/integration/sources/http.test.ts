// What an endpoint of JSON can do beyond the contract: certificates of its own, redirects that fish for credentials, and
// answers made to hurt. All through the operator's own composition of ports.
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { createServer, type RequestListener, type Server } from "node:http"
import { createServer as createTlsServer, type ServerOptions } from "node:https"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { afterAll, afterEach, assert, beforeAll, describe, it } from "vitest"
import type { Reading } from "#schemas/Reading"
import { CertificateAuthority } from "#test/controlplane/Certificates"
import { signal } from "#test/sources/sourceWorld"
import { outcome, SourceRuntime } from "./sourceRuntime.ts"

const servers: Array<Server> = []

const serve = async (listener: RequestListener, tls?: ServerOptions): Promise<string> => {
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return `${tls === undefined ? "http" : "https"}://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const secret = (key: string) => ({ name: "http", key })
const detail = (reading: Reading) => (reading._tag === "Measured" ? "" : reading.detail)

describe("an endpoint of JSON", () => {
  let folder: string
  let tls: ServerOptions
  let secrets: Record<string, string>
  let runtime: SourceRuntime

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "nimbusguard-http-"))
    const authority = await CertificateAuthority.create(folder)
    const server = await authority.issue({ name: "server" })
    const client = await authority.issue({ name: "client" })
    const text = (path: string) => readFile(path, "utf8")
    tls = { cert: await text(server.certificatePath), key: await text(server.keyPath), ca: await authority.pem() }
    secrets = {
      ca: await authority.pem(),
      cert: await text(client.certificatePath),
      key: await text(client.keyPath),
      token: "t0ken"
    }
    runtime = new SourceRuntime({ secrets: { http: secrets } })
  })

  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.close()
      server.closeAllConnections()
    }
  })

  afterAll(async () => {
    await runtime?.dispose()
    await rm(folder, { recursive: true, force: true })
  })

  const read = (options: object) => runtime.read(signal("http", { jsonPointer: "/depth", ...options }))

  it("is believed over TLS when the policy names its authority, and not before", async () => {
    const url = await serve((_, response) => response.end('{"depth":42}'), tls)
    const reading = await read({ url })
    assert.strictEqual(outcome(reading), "Unreachable")
    assert.match(detail(reading), /certificate that is not trusted/u)
    assert.strictEqual(outcome(await read({ url, caSecret: secret("ca") })), "Measured 42")
  })

  it("is shown a client certificate, where it asks for one", async () => {
    const url = await serve((_, response) => response.end('{"depth":42}'), {
      ...tls,
      requestCert: true,
      rejectUnauthorized: true
    })
    const caSecret = secret("ca")
    assert.strictEqual(outcome(await read({ url, caSecret })), "Unreachable")
    const certified = { url, caSecret, certSecret: secret("cert"), keySecret: secret("key") }
    assert.strictEqual(outcome(await read(certified)), "Measured 42")
  })

  it("never gets the policy's credentials passed on to another origin", async () => {
    const seen: Array<string | undefined> = []
    const thief = await serve((request, response) => {
      seen.push(request.headers.authorization, request.headers["x-api-key"] as string | undefined)
      response.writeHead(401).end('{"depth":42}')
    })
    const url = await serve((_, response) => response.writeHead(307, { location: `${thief}/here` }).end())
    const reading = await read({
      url,
      bearerSecret: secret("token"),
      headerSecrets: { "x-api-key": secret("token") }
    })
    assert.strictEqual(outcome(reading), "Unauthorized")
    assert.match(detail(reading), /name it in the policy instead/u)
    assert.deepStrictEqual(seen, [undefined, undefined])
    const posted = await read({ url, body: '{"ask":"depth"}' })
    assert.match(detail(posted), /is not sent on to other origins/u)
    assert.deepStrictEqual(seen, [undefined, undefined])
  })

  it("is asked by POST with the policy's body, and its Secret in the query", async () => {
    const url = await serve((request, response) => {
      let body = ""
      request.on("data", (chunk: Buffer) => (body += chunk.toString()))
      request.on("end", () => {
        const asked = [request.method, request.url, request.headers["content-type"], body]
        const fits =
          JSON.stringify(asked) === '["POST","/search?key=t0ken","application/json","{\\"match\\":\\"all\\"}"]'
        response.writeHead(fits ? 200 : 400).end('{"depth":"1500m"}')
      })
    })
    const reading = await read({
      url: `${url}/search`,
      body: '{"match":"all"}',
      querySecrets: { key: secret("token") }
    })
    assert.strictEqual(outcome(reading), "Measured 1.5", detail(reading))
  })

  it("that means to hurt costs its own policy one deadline, and another one nothing", async () => {
    const mebibyte = Buffer.alloc(1024 * 1024, 0x20)
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024))
    const nasty = await serve((request, response) => {
      switch (request.url) {
        case "/flood": {
          const flood = (): void => {
            while (!response.destroyed) if (!response.write(mebibyte)) return void response.once("drain", flood)
          }
          return flood()
        }
        case "/bomb":
          return response.writeHead(200, { "content-encoding": "gzip" }).end(bomb)
        case "/headers": {
          const { socket } = response
          socket?.write("HTTP/1.1 200 OK\r\n")
          const timer = setInterval(() => socket?.write("x-one: more\r\n"), 1000)
          return void socket?.once("close", () => clearInterval(timer))
        }
        case "/deep":
          return response.end("[".repeat(50_000))
        default:
          return response.writeHead(302, { location: `${request.url}0` }).end()
      }
    })
    const healthy = await serve((_, response) => response.end('{"depth":42}'))
    const all = Promise.all(
      ["/flood", "/bomb", "/headers", "/deep", "/0"].map((path) => read({ url: `${nasty}${path}` }))
    )
    assert.strictEqual(outcome(await read({ url: healthy })), "Measured 42")
    assert.deepStrictEqual((await all).map(outcome), ["TooLarge", "TooLarge", "Timeout", "TooLarge", "HttpStatus"])
    assert.strictEqual(outcome(await read({ url: healthy })), "Measured 42")
  })

  it("is refused inside a cluster when it is the operator's own machine, or a cloud's metadata", async () => {
    const url = await serve((_, response) => response.end('{"depth":42}'))
    const inside = new SourceRuntime({ settings: { inCluster: true } })
    try {
      const readings = await Promise.all(
        [url, url.replace("127.0.0.1", "localhost"), "http://169.254.169.254/latest", "http://[::ffff:a9fe:a9fe]/"].map(
          (each) => inside.read(signal("http", { url: each, jsonPointer: "/depth" }))
        )
      )
      assert.deepStrictEqual(readings.map(outcome), ["Blocked", "Blocked", "Blocked", "Blocked"])
    } finally {
      await inside.dispose()
    }
  })
})
