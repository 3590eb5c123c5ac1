// Real HTTP servers on free ports of this machine, closed with their scope, and the live Egress in front of them.
import { createServer } from "node:http"
import type { IncomingMessage, RequestListener, Server } from "node:http"
import type { AddressInfo, LookupFunction, Socket } from "node:net"
import { Effect, Layer } from "effect"
import { Egress } from "#services/Egress"
import type { EgressRequest } from "#services/Egress"
import { layerWith } from "#services/EgressLive"
import type { EgressSettings } from "#services/EgressLive"

export interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage["headers"]
}

export interface HttpServer {
  readonly url: string
  readonly port: number
  /** Every request, in order. */
  readonly seen: ReadonlyArray<Seen>
  /** How many connections were accepted. */
  readonly connections: () => number
  /** How many of them are still open. */
  readonly open: () => number
  readonly server: Server
}

export const serve = (listener: RequestListener) =>
  Effect.acquireRelease(
    Effect.callback<HttpServer>((resume) => {
      const seen: Array<Seen> = []
      const sockets = new Set<Socket>()
      let accepted = 0
      const server = createServer((request, response) => {
        seen.push({ method: request.method ?? "", url: request.url ?? "", headers: request.headers })
        response.on("error", () => {})
        listener(request, response)
      })
      server.on("connection", (socket) => {
        accepted += 1
        sockets.add(socket)
        socket.on("close", () => sockets.delete(socket))
        socket.on("error", () => {})
      })
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo
        const url = `http://127.0.0.1:${port}`
        resume(Effect.succeed({ url, port, seen, connections: () => accepted, open: () => sockets.size, server }))
      })
    }),
    ({ server }) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )

/** Names of the test and the addresses they have, one answer after the other; the last one stays. */
export const names = (table: Readonly<Record<string, ReadonlyArray<ReadonlyArray<string>>>>): LookupFunction => {
  const asked = new Map<string, number>()
  return (hostname, _options, callback) => {
    const answers = table[hostname]
    const at = asked.get(hostname) ?? 0
    asked.set(hostname, at + 1)
    const addresses = answers?.[Math.min(at, answers.length - 1)]
    if (addresses === undefined) {
      callback(Object.assign(new Error(`no such name: ${hostname}`), { code: "ENOTFOUND" }), [])
      return
    }
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }))
    )
  }
}

export const direct: EgressSettings["proxies"] = { http: undefined, https: undefined, except: undefined }

export const egress = (settings: Partial<EgressSettings> = {}): Layer.Layer<Egress> =>
  layerWith({ insideCluster: false, proxies: direct, lookup: names({}), ...settings })

export const request = (one: Partial<EgressRequest> & { readonly url: string }) =>
  Effect.flatMap(Egress, (port) => port.request({ method: "GET", timeoutMillis: 10_000, ...one }))
