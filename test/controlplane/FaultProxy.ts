// A reverse proxy that a test puts in front of the API server, or of any HTTP server, to make the network and the server
// misbehave at an exact request: the third write of a lease, the second watch of pods. Everything else passes through
// unchanged and unbuffered, so watches stream. Faults are data; `inject` returns a handle that tells when one struck.
import {
  Agent as HttpAgent,
  createServer as createHttpServer,
  type IncomingMessage,
  request as httpRequest,
  type Server,
  type ServerResponse
} from "node:http"
import { Agent as HttpsAgent, createServer as createHttpsServer, request as httpsRequest } from "node:https"
import type { AddressInfo, Socket } from "node:net"
import { StringDecoder } from "node:string_decoder"
import { sleep } from "./eventually.ts"

export interface SeenRequest {
  /** 1 is the first request of this proxy. */
  readonly index: number
  readonly atMillis: number
  readonly method: string
  /** With the query. */
  readonly path: string
  readonly userAgent: string
  readonly contentType: string
  readonly body: string
  /** What the client got; absent while it waits and when it got nothing. */
  status?: number
  /** What became of it: "pending", "answered", or the fault's kind, or why it failed. */
  outcome: string
}

export type Fault =
  /** The connection breaks and the server never hears of the request. */
  | { readonly kind: "cutBefore" }
  /** The server does it (a write is committed), then the connection breaks: the reply is lost. */
  | { readonly kind: "cutAfter" }
  /** Held back before forwarding, or the reply is held back. */
  | { readonly kind: "delay"; readonly millis: number; readonly side?: "request" | "reply" }
  /** Never answered, never forwarded; ends when the client gives up. */
  | { readonly kind: "hang" }
  /**
   * Answered here; the server never hears of it, or with `done` does it, and this is said of it all the same. A body
   * that is not a string is sent as JSON.
   */
  | {
      readonly kind: "reply"
      readonly status: number
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: unknown
      readonly done?: boolean
    }
  /** Bytes that are not HTTP. */
  | { readonly kind: "garbage" }
  /** The server's reply, cut off after so many bytes (default: half of it). */
  | { readonly kind: "truncate"; readonly bytes?: number }
  /** A watch: after so many events (default 0) this one is added, and the stream ends properly. */
  | { readonly kind: "endWatch"; readonly event: unknown; readonly afterEvents?: number }
  /** Called and awaited before the request is forwarded, or after the server's reply is there and before the client has it. */
  | {
      readonly kind: "call"
      readonly before?: (request: SeenRequest) => Promise<void> | void
      readonly after?: (request: SeenRequest, status: number) => Promise<void> | void
    }

export interface FaultRule {
  /** Default: any. */
  readonly method?: string | ReadonlyArray<string>
  /** Tested against the path with its query. Default: any. */
  readonly path?: RegExp
  /** A further condition. */
  readonly when?: (request: SeenRequest) => boolean
  /** The first matching request that it strikes, counted from 1 since the injection. Default: 1. */
  readonly nth?: number
  /** How many in a row it strikes. Default: 1; Infinity until removed. */
  readonly times?: number
  readonly fault: Fault
}

/** An injected rule. */
export interface Injection {
  /** The requests that it struck, in order. */
  readonly struck: ReadonlyArray<SeenRequest>
  /** Resolves when it has struck for the first time. */
  readonly first: Promise<SeenRequest>
  remove(): void
}

export interface FaultProxyOptions {
  /** The server behind: http://... or https://... without a path. */
  readonly upstream: string
  /** PEM; whom to trust when the upstream is HTTPS. */
  readonly upstreamCa?: string
  /** With it clients speak HTTPS to the proxy, without it plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string }
  /** Default: any free one. */
  readonly port?: number
}

/** A Status as the API server words it; for `reply` and in watch events. */
export const statusBody = (code: number, reason: string, message: string, retryAfterSeconds?: number): object => ({
  kind: "Status",
  apiVersion: "v1",
  metadata: {},
  status: "Failure",
  message,
  reason,
  ...(retryAfterSeconds === undefined ? {} : { details: { retryAfterSeconds } }),
  code
})

/** What the API server answers when it has forgotten a resourceVersion: an event in the stream, not an HTTP status. */
export const expiredEvent: object = {
  type: "ERROR",
  object: statusBody(410, "Expired", "too old resource version: 1 (2)")
}

/** The API server's own words for the refusals that a client has to expect. */
export const refusals = {
  expired: { kind: "reply", status: 410, body: statusBody(410, "Expired", "too old resource version: 1 (2)") },
  conflict: {
    kind: "reply",
    status: 409,
    body: statusBody(
      409,
      "Conflict",
      "Operation cannot be fulfilled: the object has been modified; please apply your changes to the latest version and try again"
    )
  },
  internalError: { kind: "reply", status: 500, body: statusBody(500, "InternalError", "Internal error occurred") },
  unavailable: {
    kind: "reply",
    status: 503,
    body: statusBody(503, "ServiceUnavailable", "apiserver is shutting down")
  },
  tooManyRequests: (retryAfterSeconds: number): Fault => ({
    kind: "reply",
    status: 429,
    headers: { "retry-after": String(retryAfterSeconds) },
    body: statusBody(429, "TooManyRequests", "too many requests, please try again later", retryAfterSeconds)
  })
} as const satisfies Record<string, Fault | ((seconds: number) => Fault)>

interface ActiveRule {
  readonly rule: FaultRule
  matched: number
  readonly struck: Array<SeenRequest>
  readonly announce: (request: SeenRequest) => void
}

/** One reply on its way to a client; it knows where a line ends, so that an event can be slipped in between two. */
class Stream {
  readonly request: SeenRequest
  readonly isWatch: boolean
  readonly #from: IncomingMessage
  readonly #to: ServerResponse
  readonly #decoder = new StringDecoder("utf8")
  #partial = ""
  #events = 0
  #ending: { readonly event: unknown; readonly after: number } | undefined
  #isFrozen = false
  #isOver = false

  constructor(request: SeenRequest, from: IncomingMessage, to: ServerResponse) {
    this.request = request
    this.#from = from
    this.#to = to
    this.isWatch = /[?&]watch=(true|1)\b/.test(request.path)
    from.on("data", (chunk: Buffer) => (this.isWatch ? this.#lines(chunk) : this.#write(chunk)))
    from.once("end", () => this.#finish())
    from.once("error", () => this.#break())
    from.once("aborted", () => this.#break())
    to.on("drain", () => this.#flow())
    to.once("close", () => {
      this.#isOver = true
      from.destroy()
    })
  }

  #flow(): void {
    if (!this.#isFrozen) this.#from.resume()
  }

  #write(data: Buffer | string): void {
    if (!this.#isOver && !this.#to.write(data)) this.#from.pause()
  }

  #lines(chunk: Buffer): void {
    this.#partial += this.#decoder.write(chunk)
    for (let at = this.#partial.indexOf("\n"); at !== -1 && !this.#isOver; at = this.#partial.indexOf("\n")) {
      this.#write(this.#partial.slice(0, at + 1))
      this.#partial = this.#partial.slice(at + 1)
      this.#events += 1
      this.#endIfDue()
    }
  }

  #endIfDue(): void {
    if (this.#ending === undefined || this.#events < this.#ending.after || this.#isOver) return
    if (this.#ending.event !== undefined) this.#to.write(`${JSON.stringify(this.#ending.event)}\n`)
    this.#isOver = true
    this.#to.end()
    this.#from.destroy()
  }

  /** The server's connection broke; one that we ended ourselves looks the same. */
  #break(): void {
    if (!this.#isOver) this.#to.destroy()
  }

  #finish(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#to.end(this.#partial)
  }

  /** Ends the stream after so many events since it began, with this as the last one. */
  endAfter(event: unknown, after: number): void {
    this.#ending = { event, after }
    this.#endIfDue()
  }

  freeze(): void {
    this.#isFrozen = true
    this.#from.pause()
  }

  thaw(): void {
    this.#isFrozen = false
    this.#from.resume()
  }
}

const hopHeaders = new Set(["connection", "keep-alive", "transfer-encoding", "upgrade", "proxy-connection"])

const readAll = async (message: IncomingMessage): Promise<Buffer> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

export class FaultProxy {
  readonly port: number
  readonly url: string
  readonly #upstream: URL
  readonly #agent: HttpAgent
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #streams = new Set<Stream>()
  readonly #requests: Array<SeenRequest> = []
  readonly #rules: Array<ActiveRule> = []
  #thawed: Promise<void> | undefined
  #thaw: (() => void) | undefined

  private constructor(options: FaultProxyOptions, server: Server, port: number) {
    this.#upstream = new URL(options.upstream)
    this.#agent =
      this.#upstream.protocol === "https:"
        ? new HttpsAgent({ keepAlive: true, ...(options.upstreamCa === undefined ? {} : { ca: options.upstreamCa }) })
        : new HttpAgent({ keepAlive: true })
    this.#server = server
    this.port = port
    this.url = `${options.tls === undefined ? "http" : "https"}://127.0.0.1:${port}`
    server.on("request", (request, response) => {
      this.#handle(request, response).catch(() => request.socket.destroy())
    })
    for (const event of ["connection", "secureConnection"]) {
      server.on(event, (socket: Socket) => {
        this.#sockets.add(socket)
        socket.once("close", () => this.#sockets.delete(socket))
        socket.on("error", () => undefined)
      })
    }
    server.on("tlsClientError", () => undefined)
  }

  static async start(options: FaultProxyOptions): Promise<FaultProxy> {
    const { tls, port = 0 } = options
    const server: Server = tls === undefined ? createHttpServer() : createHttpsServer({ cert: tls.cert, key: tls.key })
    // Clients decide when a connection is idle; a proxy that closed one would be a fault of its own.
    server.keepAliveTimeout = 0
    server.requestTimeout = 0
    server.headersTimeout = 0
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject)
      server.listen(port, "127.0.0.1", resolve)
    })
    return new FaultProxy(options, server, (server.address() as AddressInfo).port)
  }

  /** Every request so far, in order of arrival. */
  get requests(): ReadonlyArray<SeenRequest> {
    return this.#requests
  }

  /** The requests so far that match. */
  seen(rule: Pick<FaultRule, "method" | "path" | "when">): ReadonlyArray<SeenRequest> {
    return this.#requests.filter((request) => matches(rule, request))
  }

  /** From now on the rule's fault strikes; of several matching rules the oldest that is due strikes alone. */
  inject(rule: FaultRule): Injection {
    let announce: (request: SeenRequest) => void = () => undefined
    const first = new Promise<SeenRequest>((resolve) => {
      announce = resolve
    })
    const active: ActiveRule = { rule, matched: 0, struck: [], announce }
    this.#rules.push(active)
    return {
      struck: active.struck,
      first,
      remove: () => {
        const at = this.#rules.indexOf(active)
        if (at !== -1) this.#rules.splice(at, 1)
      }
    }
  }

  /** Calls back, and waits, before every request that matches is forwarded. */
  onRequest(
    callback: (request: SeenRequest) => Promise<void> | void,
    rule: Omit<FaultRule, "fault" | "nth" | "times"> = {}
  ): Injection {
    return this.inject({ ...rule, times: Infinity, fault: { kind: "call", before: callback } })
  }

  /** Takes all rules away. */
  clear(): void {
    this.#rules.length = 0
  }

  /** Ends the open watches that match with this event as their last (default: 410 Expired); tells how many. */
  endWatches(path: RegExp = /./, event: unknown = expiredEvent): number {
    const open = [...this.#streams].filter((stream) => stream.isWatch && path.test(stream.request.path))
    for (const stream of open) stream.endAfter(event, 0)
    return open.length
  }

  /** The paths of the watches that are open now. */
  openWatches(): ReadonlyArray<string> {
    return [...this.#streams].filter((stream) => stream.isWatch).map((stream) => stream.request.path)
  }

  /** Breaks every open connection. */
  killConnections(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Breaks everything and refuses new connections until `accept`. */
  async refuse(): Promise<void> {
    if (!this.#server.listening) return
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.killConnections()
    await closed
  }

  async accept(): Promise<void> {
    if (this.#server.listening) return
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject)
      this.#server.listen(this.port, "127.0.0.1", () => {
        this.#server.off("error", reject)
        resolve()
      })
    })
  }

  /** A black hole: connections stay, nothing passes in either direction until `thaw`. */
  freeze(): void {
    this.#thawed ??= new Promise((resolve) => {
      this.#thaw = resolve
    })
    for (const stream of this.#streams) stream.freeze()
  }

  thaw(): void {
    this.#thaw?.()
    this.#thawed = undefined
    this.#thaw = undefined
    for (const stream of this.#streams) stream.thaw()
  }

  async close(): Promise<void> {
    this.clear()
    this.thaw()
    await this.refuse()
    this.#agent.destroy()
  }

  #strike(request: SeenRequest): Fault | undefined {
    let chosen: ActiveRule | undefined
    for (const active of this.#rules) {
      if (!matches(active.rule, request)) continue
      active.matched += 1
      const { nth = 1, times = 1 } = active.rule
      if (chosen === undefined && active.matched >= nth && active.matched < nth + times) chosen = active
    }
    if (chosen === undefined) return undefined
    chosen.struck.push(request)
    chosen.announce(request)
    return chosen.rule.fault
  }

  async #handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on("error", () => undefined)
    const body = await readAll(incoming)
    const request: SeenRequest = {
      index: this.#requests.length + 1,
      atMillis: Math.round(performance.timeOrigin + performance.now()),
      method: incoming.method ?? "GET",
      path: incoming.url ?? "/",
      userAgent: incoming.headers["user-agent"] ?? "",
      contentType: incoming.headers["content-type"] ?? "",
      body: body.toString(),
      outcome: "pending"
    }
    this.#requests.push(request)
    await this.#thawed
    const fault = this.#strike(request)
    if (fault !== undefined) request.outcome = fault.kind
    switch (fault?.kind) {
      case "cutBefore":
        incoming.socket.destroy()
        return
      case "hang":
        return
      case "garbage":
        incoming.socket.end("\u0000\u0001\u0002 this is no HTTP \u00ff\r\n\r\n")
        return
      case "reply":
        if (fault.done === true) break
        reply(request, response, fault)
        return
      case "delay":
        if ((fault.side ?? "request") === "request") await sleep(fault.millis)
        break
      case "call":
        await fault.before?.(request)
        break
      default:
    }
    if (incoming.socket.destroyed) {
      if (request.outcome === "pending") request.outcome = "the client left"
      return
    }
    await this.#forward(request, incoming, body, response, fault)
  }

  async #forward(
    request: SeenRequest,
    incoming: IncomingMessage,
    body: Buffer,
    response: ServerResponse,
    fault: Fault | undefined
  ): Promise<void> {
    const headers = Object.fromEntries(Object.entries(incoming.headers).filter(([name]) => !hopHeaders.has(name)))
    const send = this.#upstream.protocol === "https:" ? httpsRequest : httpRequest
    const outgoing = send({
      agent: this.#agent,
      protocol: this.#upstream.protocol,
      hostname: this.#upstream.hostname,
      port: this.#upstream.port,
      method: request.method,
      path: request.path,
      headers: {
        ...headers,
        host: this.#upstream.host,
        ...(body.length === 0 ? {} : { "content-length": String(body.length) })
      }
    })
    response.once("close", () => outgoing.destroy())
    let answer: IncomingMessage
    try {
      answer = await new Promise<IncomingMessage>((resolve, reject) => {
        outgoing.once("response", resolve)
        outgoing.once("error", reject)
        outgoing.end(body)
      })
    } catch (error) {
      // A dead server looks dead: the proxy adds no status of its own.
      if (request.outcome === "pending") request.outcome = `no reply: ${String(error)}`
      incoming.socket.destroy()
      return
    }
    outgoing.on("error", () => undefined)
    answer.on("error", () => undefined)
    const status = answer.statusCode ?? 502
    const replyHeaders = Object.fromEntries(Object.entries(answer.headers).filter(([name]) => !hopHeaders.has(name)))

    if (fault?.kind === "cutAfter") {
      answer.resume()
      incoming.socket.destroy()
      return
    }
    if (fault?.kind === "reply") {
      answer.resume()
      reply(request, response, fault)
      return
    }
    if (fault?.kind === "truncate") {
      const whole = await readAll(answer)
      request.status = status
      response.writeHead(status, { ...replyHeaders, "content-length": String(whole.length) })
      response.write(whole.subarray(0, fault.bytes ?? Math.floor(whole.length / 2)), () => incoming.socket.destroy())
      return
    }
    if (fault?.kind === "delay" && fault.side === "reply") await sleep(fault.millis)
    if (fault?.kind === "call") await fault.after?.(request, status)
    await this.#thawed
    if (incoming.socket.destroyed) {
      answer.destroy()
      if (request.outcome === "pending") request.outcome = "the client left"
      return
    }
    request.status = status
    if (request.outcome === "pending") request.outcome = "answered"
    response.writeHead(status, replyHeaders)
    response.flushHeaders()
    const stream = new Stream(request, answer, response)
    this.#streams.add(stream)
    response.once("close", () => this.#streams.delete(stream))
    if (fault?.kind === "endWatch") stream.endAfter(fault.event, fault.afterEvents ?? 0)
  }
}

const reply = (
  request: SeenRequest,
  response: ServerResponse,
  { body, headers, status }: Extract<Fault, { readonly kind: "reply" }>
): void => {
  const isText = typeof body === "string"
  const text = body === undefined ? "" : isText ? body : JSON.stringify(body)
  request.status = status
  response.writeHead(status, {
    "content-type": isText ? "text/plain" : "application/json",
    "content-length": String(Buffer.byteLength(text)),
    ...headers
  })
  response.end(text)
}

const matches = (rule: Pick<FaultRule, "method" | "path" | "when">, request: SeenRequest): boolean => {
  const methods = rule.method === undefined ? undefined : [rule.method].flat()
  return (
    (methods === undefined || methods.includes(request.method)) &&
    (rule.path === undefined || rule.path.test(request.path)) &&
    (rule.when?.(request) ?? true)
  )
}
