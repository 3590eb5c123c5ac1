/** nimbusguard as a process of its own, and a small API server on a real socket for it to speak to. */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type IncomingMessage, request as httpRequest, type Server } from "node:http"
import { type AddressInfo, createServer as createListener } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"

const root = new URL("../..", import.meta.url).pathname

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface Started {
  readonly process: ChildProcess
  readonly ended: Promise<Ended>
}

/** Only what is named here is in its environment, besides the path to Node. */
export const start = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}): Started => {
  const process_ = spawn(process.execPath, [join(root, "src/main.ts"), ...args], {
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: "/nonexistent",
      SETTINGS_DIR: "/nonexistent",
      // The sources are stripped of their types once, not once per process.
      NODE_COMPILE_CACHE: join(root, ".cache", "compile"),
      ...env
    },
    stdio: ["ignore", "pipe", "pipe"]
  })
  let [out, err] = ["", ""]
  process_.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()))
  process_.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()))
  const ended = new Promise<Ended>((resolve) => process_.on("close", (code) => resolve({ code, out, err })))
  return { process: process_, ended }
}

export const run = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) => start(args, env).ended

export interface Reply {
  readonly status: number
  readonly body: unknown
}

export interface ApiServer {
  readonly kubeconfig: string
  /** The file stays, nobody answers any more. */
  readonly stop: () => void
  readonly close: () => void
}

/** `answer` undefined: the request is never answered. */
export const startApi = (answer: (method: string, path: string, body: unknown) => Reply | undefined) =>
  new Promise<ApiServer>((resolve) => {
    const folder = mkdtempSync(join(tmpdir(), "nimbusguard-cli-"))
    const server: Server = createServer((request: IncomingMessage, response) => {
      const chunks: Array<Buffer> = []
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => {
        const text = Buffer.concat(chunks).toString()
        const reply = answer(
          request.method ?? "",
          (request.url ?? "").split("?", 1)[0] ?? "",
          text === "" ? undefined : JSON.parse(text)
        )
        if (reply === undefined) return
        response.writeHead(reply.status, { "content-type": "application/json" }).end(JSON.stringify(reply.body))
      })
    })
    server.listen(0, "127.0.0.1", () => {
      const kubeconfig = join(folder, "kubeconfig")
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      writeFileSync(
        kubeconfig,
        JSON.stringify({
          apiVersion: "v1",
          kind: "Config",
          clusters: [{ name: "tiny", cluster: { server: url } }],
          users: [{ name: "me", user: { token: "t" } }],
          contexts: [{ name: "tiny", context: { cluster: "tiny", user: "me", namespace: "home" } }],
          "current-context": "tiny"
        })
      )
      const stop = () => {
        server.close()
        server.closeAllConnections()
      }
      const close = () => {
        stop()
        rmSync(folder, { recursive: true, force: true })
      }
      resolve({ kubeconfig, stop, close })
    })
  })

export const notFound: Reply = {
  status: 404,
  body: { kind: "Status", apiVersion: "v1", status: "Failure", reason: "NotFound", message: "not found", code: 404 }
}

export const freePort = () =>
  new Promise<number>((resolve) => {
    const listener = createListener()
    listener.listen(0, () => {
      const { port } = listener.address() as AddressInfo
      listener.close(() => resolve(port))
    })
  })

/** The status of one GET, or undefined when nobody listens. */
const statusOf = (url: string) =>
  new Promise<number | undefined>((resolve) => {
    const request = httpRequest(url, { agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    request.on("error", () => resolve(undefined))
    request.end()
  })

/** Asks until the answer is the wanted one. */
export const until = async (url: string, wanted: number | undefined): Promise<void> => {
  while ((await statusOf(url)) !== wanted) await new Promise((resolve) => setTimeout(resolve, 20))
}
