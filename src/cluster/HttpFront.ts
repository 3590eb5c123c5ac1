/**
 * The embedded API over HTTP on loopback, for kubectl and for the operator's own transport: the one place of the
 * cluster that touches node:http and its timers. It reads bodies, keeps watches open, and decides nothing.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import type { ApiServer } from "#cluster/api/ApiServer"
import { Refusal } from "#cluster/api/Refusal"
import type { ApiAnswer, ApiRequest, OpenWatch } from "#cluster/api/requests"
import type { WatchEvent } from "#cluster/api/watches"
import { isOwnName, ONLY_OWN_NAMES } from "#services/ownNames"

export interface Front {
  readonly url: string
  readonly port: number
  /** Ends every watch and connection; calls back when nothing is left. */
  readonly close: (closed: () => void) => void
}

export interface FrontOptions {
  /** 0: any that is free. */
  readonly port: number
  readonly onListening: (front: Front) => void
  /** A port that is taken, for one. */
  readonly onError: (error: Error) => void
}

const HOST = "127.0.0.1"
const BODY_MAX_BYTES = 3 * 1024 * 1024
const TOO_LARGE = `a body of more than ${BODY_MAX_BYTES} bytes is too large`
const BOOKMARK_MILLIS = 60_000
const WATCH_DEFAULT_SECONDS = 1800
const MISDIRECTED = new Refusal(421, "Misdirected", ONLY_OWN_NAMES)

export const listen = (api: ApiServer, options: FrontOptions): void => {
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    if (!isOwnName(request.headers.host)) return refuse(response, MISDIRECTED)
    received(request, response, (body) => serve(api, request, response, body))
  })
  // exec, attach and port-forward ask for another protocol: they get their refusal in this one.
  server.on("upgrade", (request: IncomingMessage, socket) => {
    // Node has taken its own listener away: whoever breaks off would end the process.
    socket.once("error", () => socket.destroy())
    const own = isOwnName(request.headers.host)
    const body = own ? api.handle({ method: "GET", path: pathOf(request).pathname }).body : MISDIRECTED.status
    const text = JSON.stringify(body)
    const status = own ? "403 Forbidden" : "421 Misdirected Request"
    const head = `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}`
    socket.end(`${head}\r\nconnection: close\r\n\r\n${text}`)
  })
  server.once("error", options.onError)
  server.listen(options.port, HOST, () => options.onListening(frontOf(server)))
}

const frontOf = (server: Server): Front => {
  const { port } = server.address() as AddressInfo
  return {
    url: `http://${HOST}:${port}`,
    port,
    close: (closed) => {
      server.close(() => closed())
      server.closeAllConnections()
    }
  }
}

/** What is no URL is a path that nobody has: one request must not end what serves all others. */
const pathOf = ({ url = "/" }: IncomingMessage): URL => URL.parse(`http://${HOST}${url}`) ?? new URL(`http://${HOST}/`)

const received = (request: IncomingMessage, response: ServerResponse, then: (body: Buffer) => void): void => {
  const chunks: Array<Buffer> = []
  let size = 0
  request.on("data", (chunk: Buffer) => {
    size += chunk.length
    if (size <= BODY_MAX_BYTES) chunks.push(chunk)
  })
  request.once("error", () => response.destroy())
  request.once("end", () => {
    if (size <= BODY_MAX_BYTES) then(Buffer.concat(chunks))
    else refuse(response, new Refusal(413, "RequestEntityTooLarge", TOO_LARGE))
  })
}

/** Undefined: no JSON, as a body of protobuf is none. */
const parsed = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString()) as unknown
  } catch {
    return undefined
  }
}

const serve = (api: ApiServer, request: IncomingMessage, response: ServerResponse, body: Buffer): void => {
  const url = pathOf(request)
  const { accept, "content-type": contentType, "user-agent": userAgent } = request.headers
  const asked: ApiRequest = {
    method: request.method === "HEAD" ? "GET" : (request.method ?? "GET"),
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    ...(accept === undefined ? {} : { accept }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(userAgent === undefined ? {} : { userAgent }),
    ...(body.length === 0 ? {} : { body: parsed(body) })
  }
  const watching = asked.method === "GET" && ["true", "1"].includes(asked.query?.["watch"] ?? "")
  if (!watching) return reply(response, api.handle(asked))
  const opened = api.watch(asked)
  if ("status" in opened) return reply(response, opened)
  stream(opened, asked, response)
}

const refuse = (response: ServerResponse, { code, status }: Refusal) => reply(response, { status: code, body: status })

const reply = (
  response: ServerResponse,
  { body, contentType = "application/json", status, warnings = [] }: ApiAnswer
) => {
  const text = JSON.stringify(body)
  for (const warning of warnings) response.appendHeader("warning", `299 - ${JSON.stringify(warning)}`)
  response.writeHead(status, { "content-type": contentType, "content-length": Buffer.byteLength(text) })
  response.end(text)
}

/** A line per event until somebody has had enough: the client, its timeout, or an ERROR. */
const stream = (opened: OpenWatch, { query = {} }: ApiRequest, response: ServerResponse): void => {
  response.writeHead(200, { "content-type": "application/json" })
  response.flushHeaders()
  const send = (event: WatchEvent | undefined): void => {
    if (event === undefined || response.writableEnded) return
    response.write(`${JSON.stringify(event)}\n`)
    if (event.type === "ERROR") response.end()
  }
  const stop = opened.listen(send)
  const bookmarks = setInterval(() => send(opened.bookmark()), BOOKMARK_MILLIS)
  const seconds = Number(query["timeoutSeconds"] ?? WATCH_DEFAULT_SECONDS) || WATCH_DEFAULT_SECONDS
  const end = setTimeout(() => {
    send(opened.bookmark())
    response.end()
  }, seconds * 1000)
  response.once("close", () => {
    stop()
    clearInterval(bookmarks)
    clearTimeout(end)
  })
  for (const event of opened.events) send(event)
}
