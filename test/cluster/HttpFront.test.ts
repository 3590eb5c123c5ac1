import { Effect, Fiber, Layer, Option, Stream } from "effect"
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { get, type IncomingMessage, request } from "node:http"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { ApiServer } from "#cluster/api/ApiServer"
import { type Front, listen } from "#cluster/HttpFront"
import type { Target } from "#schemas/Policy"
import { Kubernetes } from "#services/Kubernetes"
import { KubernetesDiscovery } from "#services/KubernetesDiscovery"
import * as KubernetesLive from "#services/KubernetesLive"
import { getScale, patchScale, readReplicasOwner, replicasOf } from "#services/kubernetesScale"
import { deployment } from "#test/cluster/controllers/workloads"

const JSON_TYPE = "application/json"
const MERGE = "application/merge-patch+json"

describe("the HTTP front", () => {
  const api = new ApiServer(() => 0)
  let front: Front

  beforeAll(
    () =>
      new Promise<void>((resolve, reject) => {
        listen(api, {
          port: 0,
          onError: reject,
          onListening: (ready) => {
            front = ready
            resolve()
          }
        })
      })
  )
  afterAll(() => new Promise<void>((resolve) => front.close(resolve)))

  const send = (method: string, path: string, body = "", contentType = JSON_TYPE, headers = {}) =>
    new Promise<{ readonly status: number; readonly body: Record<string, unknown>; readonly warning: unknown }>(
      (resolve, reject) => {
        const head = { method, headers: { "content-type": contentType, ...headers } }
        // As it stands: a URL would be made whole.
        const sent = request({ host: "127.0.0.1", port: front.port, path, ...head })
        const answered = (response: IncomingMessage) => {
          const chunks: Array<Buffer> = []
          response.on("data", (chunk: Buffer) => chunks.push(chunk))
          response.on("end", () => {
            const parsed = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>
            resolve({ status: response.statusCode ?? 0, body: parsed, warning: response.headers["warning"] })
          })
        }
        sent.once("error", reject)
        sent.once("response", answered)
        sent.end(body)
      }
    )
  const maps = "/api/v1/namespaces/default/configmaps"
  const map = (name: string) => JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name } })

  it("answers requests with their query and body, and names the manager after the program", async () => {
    const made = await send("POST", `${maps}?dryRun=All`, map("dry"), "application/json", {
      "user-agent": "kubectl/v1"
    })
    assert.strictEqual(made.status, 201)
    assert.isUndefined(api.find("ConfigMap", "default", "dry"))
    await send("POST", maps, JSON.stringify({ ...JSON.parse(map("a")), data: { x: "1" } }), "application/json", {
      "user-agent": "kubectl/v1 (linux)"
    })
    const list = await send("GET", `${maps}?fieldSelector=metadata.name%3Da`)
    assert.strictEqual((list.body["items"] as ReadonlyArray<unknown>).length, 1)
    const metadata = api.find("ConfigMap", "default", "a")?.["metadata"] ?? {}
    const [entry] = (metadata as { readonly managedFields?: ReadonlyArray<{ manager: string }> }).managedFields ?? []
    assert.strictEqual(entry?.manager, "kubectl")
  })

  it("streams a watch line by line and ends it when its time is over", async () => {
    const lines = await new Promise<string>((resolve, reject) => {
      get(`${front.url}${maps}?watch=true&timeoutSeconds=1&allowWatchBookmarks=true`, (response) => {
        let text = ""
        response.setEncoding("utf8").on("data", (chunk: string) => {
          if (text === "") void send("POST", maps, map("b"))
          text += chunk
        })
        response.on("end", () => resolve(text))
      }).once("error", reject)
    })
    const events = lines
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { type: string; object: never })
    assert.deepStrictEqual(
      events.map(({ type }) => type),
      ["ADDED", "ADDED", "BOOKMARK"]
    )
  })

  it("serves the operator's own client: scales under a precondition, and a watch that tells of it", async () => {
    const folder = mkdtempSync(join(tmpdir(), "nimbusguard-front-"))
    const clusters = [{ name: "here", cluster: { server: front.url } }]
    const contexts = [{ name: "here", context: { cluster: "here", user: "me" } }]
    const users = [{ name: "me", user: {} }]
    const config = { apiVersion: "v1", kind: "Config", clusters, contexts, users, "current-context": "here" }
    writeFileSync(join(folder, "config"), JSON.stringify(config))
    const live = KubernetesLive.layer({ kubeconfig: join(folder, "config") })
    const web: Target = { apiVersion: "apps/v1", kind: "Deployment", namespace: "default", name: "web" }
    api.create({ ...deployment("web", 1), metadata: { name: "web", namespace: "default" } })
    const program = Effect.gen(function* () {
      const before = yield* getScale(web)
      const path = "/apis/apps/v1/namespaces/default/deployments"
      const query = { watch: "true", resourceVersion: before.metadata.resourceVersion }
      const watch = (yield* Kubernetes).watch(path, query)
      const telling = yield* Effect.forkChild(Stream.runHead(watch), { startImmediately: true })
      const written = yield* patchScale(web, 3, before.metadata.resourceVersion)
      assert.strictEqual(replicasOf(written), 3)
      assert.isTrue((yield* readReplicasOwner(web)).ours)
      const told = Option.getOrThrow(yield* Fiber.join(telling))
      assert.strictEqual(told.type, "MODIFIED")
      assert.deepInclude(told.object, { kind: "Deployment" })
      const late = yield* Effect.flip(patchScale(web, 4, before.metadata.resourceVersion))
      assert.strictEqual(late.reason._tag, "Conflict")
    })
    await Effect.runPromise(Effect.provide(program, Layer.provideMerge(KubernetesDiscovery.layer, live)))
    rmSync(folder, { recursive: true })
  })

  it("refuses in words what it has not: protobuf, logs, another protocol, bodies that are none or too large", async () => {
    const protobuf = await send("POST", maps, "k8s\0...", "application/vnd.kubernetes.protobuf")
    assert.deepInclude(protobuf.body, { code: 415, reason: "UnsupportedMediaType" })
    assert.match(String(protobuf.body["message"]), /kubectl create -f/u)
    const logs = await send("GET", "/api/v1/namespaces/default/pods/p/log")
    assert.deepInclude(logs.body, {
      code: 501,
      message: "the embedded cluster has no log of pods: use a real cluster for it"
    })
    const exec = await send("POST", "/api/v1/namespaces/default/pods/p/exec", "", "application/json", {
      connection: "Upgrade",
      upgrade: "SPDY/3.1"
    })
    assert.deepInclude([exec.status, exec.body["reason"]], 403)
    assert.strictEqual((await send("POST", maps, "{")).status, 400)
    assert.strictEqual((await send("POST", maps, " ".repeat(4_000_000))).status, 413)
  })

  it.each(["POST", "PATCH"])(
    "refuses a %s that is nested more deeply than anything can be read, and goes on",
    async (method) => {
      if (api.find("ConfigMap", "default", "flat") === undefined) api.create(JSON.parse(map("flat")) as never)
      const nested = (levels: number) =>
        `{"metadata":{"name":"deep"},"data":${'{"a":'.repeat(levels)}1${"}".repeat(levels)}}`
      const to = method === "POST" ? ([maps, JSON_TYPE] as const) : ([`${maps}/flat`, MERGE] as const)
      for (const levels of [600, 20_000, 400_000]) {
        const { body } = await send(method, to[0], nested(levels), to[1])
        assert.deepInclude(body, { code: 400, message: "the body of the request is nested deeper than 500 levels" })
      }
      assert.strictEqual((await send("GET", "/version")).status, 200)
    }
  )

  it("answers to this machine's names only, so that no page can rebind its way in", async () => {
    for (const host of [`localhost:${front.port}`, `127.0.0.1:${front.port}`, "[::1]:6550"]) {
      assert.strictEqual((await send("GET", "/version", "", JSON_TYPE, { host })).status, 200, host)
    }
    const rebound = await send("POST", maps, map("rebound"), JSON_TYPE, { host: "evil.example:6550" })
    assert.deepInclude(rebound.body, { kind: "Status", code: 421 })
    assert.include(String(rebound.body["message"]), "localhost")
    assert.isUndefined(api.find("ConfigMap", "default", "rebound"))
    const upgrade = { connection: "Upgrade", upgrade: "websocket", host: "evil.example:6550" }
    const upgraded = await send("GET", maps, "", JSON_TYPE, upgrade)
    assert.strictEqual(upgraded.status, 421)
    assert.deepEqual(upgraded.body, rebound.body)
  })

  it("goes on after a client that asks for another protocol and breaks off", async () => {
    const head = "GET /version HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: SPDY/3.1\r\n\r\n"
    await new Promise<void>((resolve, reject) => {
      const socket = connect(front.port, "127.0.0.1", () => socket.write(head, () => socket.resetAndDestroy()))
      socket.once("error", reject).once("close", () => resolve())
    })
    assert.strictEqual((await send("GET", "/version")).status, 200)
  })

  it.each([
    { method: "GET", path: "/api/v1/namespaces/%zz/pods", status: 400 },
    { method: "GET", path: `${maps}/%zz?watch=true`, status: 400 },
    { method: "GET", path: "//", status: 404 },
    { method: "OPTIONS", path: "*", status: 404 },
    { method: "PATCH", path: `${maps}/odd`, body: "[]", contentType: MERGE, status: 400 },
    { method: "PATCH", path: `${maps}/odd`, body: "", contentType: MERGE, status: 400 }
  ])("answers $method $path, which makes no sense, with $status, and goes on", async (asked) => {
    const { body = "", contentType, method, path, status } = asked
    if (api.find("ConfigMap", "default", "odd") === undefined) api.create(JSON.parse(map("odd")) as never)
    const answer = await send(method, path, body, contentType)
    assert.strictEqual(answer.status, status, JSON.stringify(answer.body))
    assert.deepInclude(answer.body, { kind: "Status", code: status })
    assert.strictEqual((await send("GET", "/version")).status, 200)
  })
})

describe("the embedded API", () => {
  it("is a means: with its front it stays within 2,500 lines of code, imports apart", () => {
    const root = new URL("../..", import.meta.url).pathname
    const files = globSync(["src/cluster/api/*.ts", "src/cluster/HttpFront.ts"], { cwd: root })
    const isCode = (line: string) => !/^\s*(?:$|\/\/|\/\*|\*)/u.test(line)
    const lines = files.flatMap((path) => {
      const text = readFileSync(root + path, "utf8").replaceAll(/^import [^"]*"[^"]*"$/gmu, "")
      return text.split("\n").filter(isCode)
    })
    assert.isAbove(files.length, 10)
    assert.isAtMost(lines.length, 2500)
  })
})
