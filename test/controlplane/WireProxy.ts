// Stands between a client and any TCP server and breaks the connection in the ways that every protocol has to live with.
// It knows no protocol: what needs an answer in the protocol's own words is FaultProxy's, or the test's. A fault strikes
// every connection, those that are open included, until it is taken away.
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net"

export type WireFault =
  /** Nobody listens. */
  | "refused"
  /** Accepted, and reset as soon as the client has said something. */
  | "reset"
  /** Accepted, read, never answered. */
  | "timeout"
  /** The server's answer a byte a second. */
  | "slowBody"
  /** The first half of what the server says first, then a proper end. */
  | "truncated"

const SLOW_BYTE_MILLIS = 1000

export class WireProxy {
  readonly port: number
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #upstreamPort = 0
  #fault: WireFault | undefined
  #connections = 0

  private constructor(server: Server) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
    server.on("connection", (socket) => this.#carry(socket))
  }

  /** Its port is known before its server is: some servers have to be told under which address clients see them. */
  static async start(): Promise<WireProxy> {
    const server = createServer({ allowHalfOpen: true })
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject)
      server.listen(0, "127.0.0.1", resolve)
    })
    return new WireProxy(server)
  }

  /** host:port, as a client names it. */
  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  /** How many connections clients have opened so far. */
  get connections(): number {
    return this.#connections
  }

  /** How many are open now. */
  get open(): number {
    return [...this.#sockets].filter((socket) => !socket.destroyed).length / 2
  }

  /** Where the real server is, on loopback. */
  connectTo(port: number): void {
    this.#upstreamPort = port
  }

  /** From now on this happens; open connections end, so that no client goes on over an old one. */
  async inject(fault: WireFault): Promise<void> {
    this.#fault = fault
    if (fault === "refused") await this.#deaf()
    else this.#breakAll()
  }

  async heal(): Promise<void> {
    this.#fault = undefined
    this.#breakAll()
    if (this.#server.listening) return
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject)
      this.#server.listen(this.port, "127.0.0.1", () => {
        this.#server.off("error", reject)
        resolve()
      })
    })
  }

  async close(): Promise<void> {
    await this.#deaf()
  }

  #breakAll(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async #deaf(): Promise<void> {
    if (!this.#server.listening) return
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#breakAll()
    await closed
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on("error", () => undefined)
    socket.once("close", () => this.#sockets.delete(socket))
  }

  #carry(client: Socket): void {
    this.#connections += 1
    this.#keep(client)
    const fault = this.#fault
    if (fault === "reset") {
      client.once("data", () => client.resetAndDestroy())
      return
    }
    if (fault === "timeout") {
      client.resume()
      return
    }
    const server = connect({ host: "127.0.0.1", port: this.#upstreamPort, allowHalfOpen: true })
    this.#keep(server)
    client.pipe(server)
    client.once("close", () => server.destroy())
    server.once("close", () => client.destroySoon())
    switch (fault) {
      case "slowBody":
        this.#drip(server, client)
        return
      case "truncated":
        server.once("data", (chunk: Buffer) => {
          server.destroy()
          client.end(chunk.subarray(0, Math.floor(chunk.length / 2)))
        })
        return
      default:
        server.pipe(client)
    }
  }

  #drip(server: Socket, client: Socket): void {
    server.on("data", (chunk: Buffer) => {
      server.pause()
      let at = 0
      const timer = setInterval(() => {
        client.write(chunk.subarray(at, at + 1))
        at += 1
        if (at < chunk.length) return
        clearInterval(timer)
        server.resume()
      }, SLOW_BYTE_MILLIS)
      client.once("close", () => clearInterval(timer))
    })
  }
}
