/** The world's servers on loopback for kubectl, Grafana and curl; the operator itself asks them without any wire. */
import * as Effect from "effect/Effect"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { LOOPBACK } from "#cli/dev/ports"
import type { ApiServer } from "#cluster/api/ApiServer"
import { type Front, listen } from "#cluster/HttpFront"
import { FORM, type PageAnswer, pageRequest, type Site } from "#cluster/world/Site"
import { ListenError } from "#dashboard/server"
import { isOwnNameOfContainers, ONLY_OWN_NAMES } from "#services/ownNames"

const BODY_BYTES = 1024 * 1024
const ONLY_OWN_NAMES_HERE = `${ONLY_OWN_NAMES}. From a container: http://host.docker.internal with Docker Desktop, else localhost with --network host`

const failed = (port: number, variable: string) => (error: Error) =>
  Effect.fail(
    new ListenError({ port, host: LOOPBACK, variable, code: "code" in error ? String(error.code) : error.message })
  )

/** The Kubernetes API, until the scope closes. */
export const apiFront = (api: ApiServer, port: number) =>
  Effect.acquireRelease(
    Effect.callback<Front, ListenError>((resume) =>
      listen(api, {
        port,
        onListening: (front) => resume(Effect.succeed(front)),
        onError: (error) => resume(failed(port, "--api-port")(error))
      })
    ),
    ({ close }) => Effect.callback<void>((resume) => close(() => resume(Effect.void)))
  )

/** A question that cannot be answered, as one of ten thousand sums is, must not end the world. */
const answered = (site: Site, request: IncomingMessage, text: string): PageAnswer => {
  if (!isOwnNameOfContainers(request.headers.host)) {
    return { status: 421, json: { status: "error", errorType: "bad_data", error: ONLY_OWN_NAMES_HERE } }
  }
  try {
    const url = `http://${LOOPBACK}${request.url ?? "/"}`
    const body = { contentType: request.headers["content-type"] ?? FORM, text }
    return site(pageRequest(request.method ?? "GET", url, body))
  } catch (error) {
    return { status: 500, json: { status: "error", errorType: "internal", error: String(error) } }
  }
}

const answer = (site: Site, request: IncomingMessage, response: ServerResponse, text: string): void => {
  const { json, status } = answered(site, request, text)
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(json))
}

/** One of the world's pages, until the scope closes. */
export const siteFront = (site: Site, port: number) =>
  Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>, ListenError>((resume) => {
      const server = createServer((request, response) => {
        const chunks: Array<Buffer> = []
        let size = 0
        request.on("data", (chunk: Buffer) => {
          size += chunk.length
          if (size <= BODY_BYTES) chunks.push(chunk)
        })
        request.once("error", () => response.destroy())
        request.once("end", () => {
          if (size <= BODY_BYTES) answer(site, request, response, Buffer.concat(chunks).toString())
          else response.writeHead(413).end()
        })
      })
      server.once("error", (error) => resume(failed(port, "--prometheus-port")(error)))
      server.listen(port, LOOPBACK, () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )
