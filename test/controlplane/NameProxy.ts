// A forward proxy for `HTTP_PROXY`. The names in the seeds' manifests (http://prometheus:9090,
// http://prometheus-server.monitoring.svc.cluster.local) exist only inside a cluster; here they lead to the real servers
// that a test started on loopback. A name that nobody knows is a 502, as with a proxy whose lookup failed.
import { createServer, type IncomingMessage, request as httpRequest, type Server, type ServerResponse } from "node:http"
import { type AddressInfo, connect, type Socket } from "node:net"

export interface ProxiedRequest {
  readonly method: string
  /** The address that the client asked for. */
  readonly target: string
  status: number
}

export class NameProxy {
  readonly port: number
  readonly url: string
  readonly #server: Server
  readonly #names: Map<string, URL>
  readonly #sockets = new Set<Socket>()
  readonly #requests: Array<ProxiedRequest> = []

  private constructor(server: Server, port: number, names: ReadonlyMap<string, URL>) {
    this.#server = server
    this.#names = new Map(names)
    this.port = port
    this.url = `http://127.0.0.1:${port}`
    server.on("request", (request, response) => this.#forward(request, response))
    server.on("connect", (request: IncomingMessage, socket: Socket, head: Buffer) =>
      this.#tunnel(request, socket, head)
    )
    server.on("connection", (socket: Socket) => this.#track(socket))
  }

  /** The names are "host" (any port) or "host:port"; the values are addresses such as http://127.0.0.1:4711. */
  static async start(names: Readonly<Record<string, string>> = {}): Promise<NameProxy> {
    const server = createServer()
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject)
      server.listen(0, "127.0.0.1", resolve)
    })
    const known = new Map(Object.entries(names).map(([name, url]) => [name, new URL(url)]))
    return new NameProxy(server, (server.address() as AddressInfo).port, known)
  }

  /** Adds a name, or leads it somewhere else. */
  set(name: string, url: string): void {
    this.#names.set(name, new URL(url))
  }

  remove(name: string): void {
    this.#names.delete(name)
  }

  get requests(): ReadonlyArray<ProxiedRequest> {
    return this.#requests
  }

  /** For the environment of a program under test. */
  get environment(): Readonly<Record<string, string>> {
    return {
      HTTP_PROXY: this.url,
      http_proxy: this.url,
      NO_PROXY: "127.0.0.1,localhost",
      no_proxy: "127.0.0.1,localhost"
    }
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on("error", () => undefined)
    socket.once("close", () => this.#sockets.delete(socket))
  }

  #find(host: string, port: string): URL | undefined {
    return this.#names.get(`${host}:${port}`) ?? this.#names.get(host)
  }

  #forward(incoming: IncomingMessage, response: ServerResponse): void {
    response.on("error", () => undefined)
    const target = URL.canParse(incoming.url ?? "") ? new URL(incoming.url ?? "") : undefined
    const record: ProxiedRequest = { method: incoming.method ?? "GET", target: incoming.url ?? "", status: 502 }
    this.#requests.push(record)
    const refuse = (status: number, sentence: string): void => {
      record.status = status
      if (response.headersSent) response.destroy()
      else response.writeHead(status, { "content-type": "text/plain" }).end(`${sentence}\n`)
    }
    if (target === undefined) return refuse(400, "this is a forward proxy: ask with a whole address")
    const server = this.#find(target.hostname, target.port || "80")
    if (server === undefined) return refuse(502, `no server is known by the name ${target.host}`)
    const { "proxy-connection": _, "proxy-authorization": __, ...headers } = incoming.headers
    const outgoing = httpRequest(
      {
        hostname: server.hostname,
        port: server.port || "80",
        method: incoming.method,
        path: `${target.pathname}${target.search}`,
        headers: { ...headers, host: target.host }
      },
      (answer) => {
        record.status = answer.statusCode ?? 502
        response.writeHead(record.status, answer.headers)
        answer.once("error", () => response.destroy())
        answer.pipe(response)
      }
    )
    outgoing.once("error", (error) => refuse(502, `the server behind ${target.host} did not answer: ${error.message}`))
    response.once("close", () => outgoing.destroy())
    incoming.pipe(outgoing)
  }

  #tunnel(incoming: IncomingMessage, client: Socket, head: Buffer): void {
    const [host = "", port = "443"] = (incoming.url ?? "").split(":")
    const record: ProxiedRequest = { method: "CONNECT", target: incoming.url ?? "", status: 502 }
    this.#requests.push(record)
    client.on("error", () => undefined)
    const server = this.#find(host, port)
    if (server === undefined) {
      client.end("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n")
      return
    }
    const upstream = connect(
      Number(server.port || (server.protocol === "https:" ? "443" : "80")),
      server.hostname,
      () => {
        record.status = 200
        client.write("HTTP/1.1 200 Connection Established\r\n\r\n")
        upstream.write(head)
        upstream.pipe(client)
        client.pipe(upstream)
      }
    )
    this.#track(upstream)
    upstream.once("error", () => client.destroy())
    client.once("close", () => upstream.destroy())
  }
}
