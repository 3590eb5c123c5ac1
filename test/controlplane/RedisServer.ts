// A real Redis, alone or as a cluster whose members share the slots evenly, and a connection to set it up with.
import { connect, type Socket } from "node:net"
import { encodeCommands, isErrorReply, type Reply, RespReader } from "#services/resp"
import { findProgram, remedyFor } from "./Binaries.ts"
import type { Certificate } from "./Certificates.ts"
import { eventually } from "./eventually.ts"
import { freePort, ProcessGroup, type ServerProcess } from "./Processes.ts"

const SLOTS = 16_384

/** Speaks plain RESP to one member; a refusal is thrown. */
export class RedisClient {
  readonly #socket: Socket
  readonly #reader = new RespReader()
  readonly #waiting: Array<(reply: Reply | Error) => void> = []

  private constructor(socket: Socket) {
    this.#socket = socket
    const end = () => this.#waiting.splice(0).forEach((tell) => tell(new Error("Redis closed the connection")))
    socket.on("error", end)
    socket.on("close", end)
    socket.on("data", (chunk: Buffer) => {
      for (const reply of this.#reader.push(chunk)) this.#waiting.shift()?.(reply)
    })
  }

  static async open(port: number): Promise<RedisClient> {
    const socket = connect({ host: "127.0.0.1", port })
    const client = new RedisClient(socket)
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve)
      socket.once("error", reject)
    })
    return client
  }

  async call(name: string, ...rest: ReadonlyArray<string | number>): Promise<Reply> {
    const reply = await new Promise<Reply | Error>((resolve) => {
      this.#waiting.push(resolve)
      this.#socket.write(encodeCommands([[name, ...rest.map(String)]]))
    })
    if (reply instanceof Error) throw reply
    if (isErrorReply(reply)) throw new Error(`${name}: ${reply.text}`)
    return reply
  }

  /** For replies that are a text, or a list of texts: joined. */
  async text(name: string, ...rest: ReadonlyArray<string | number>): Promise<string> {
    const reply = await this.call(name, ...rest)
    if (typeof reply === "string") return reply
    return Array.isArray(reply) ? reply.map((part) => (typeof part === "string" ? part : "")).join(",") : ""
  }

  close(): void {
    this.#socket.destroy()
  }
}

export interface RedisMember {
  readonly port: number
  readonly process: ServerProcess
  /** Plain, also where others need TLS. */
  readonly client: RedisClient
}

export interface RedisOptions {
  /** More than one: a cluster. Default: 1. */
  readonly members?: number
  /** Further lines of the command line. */
  readonly args?: ReadonlyArray<string>
  /** Present: TLS at `tlsPort`; a client certificate of the same authority is asked for when `demanding`. */
  readonly tls?: { readonly certificate: Certificate; readonly authorityPath: string; readonly demanding?: boolean }
}

export class RedisServer {
  readonly members: ReadonlyArray<RedisMember>
  readonly tlsPort: number
  readonly #group: ProcessGroup

  private constructor(members: ReadonlyArray<RedisMember>, tlsPort: number, group: ProcessGroup) {
    this.members = members
    this.tlsPort = tlsPort
    this.#group = group
  }

  static async start({ args = [], members: count = 1, tls }: RedisOptions = {}): Promise<RedisServer> {
    const program = findProgram("redis-server")
    if (program === undefined) throw new Error(remedyFor("redis-server"))
    const group = await ProcessGroup.open("redis")
    try {
      const tlsPort = await freePort()
      const secured =
        tls === undefined
          ? []
          : [
              ...["--tls-port", String(tlsPort), "--tls-ca-cert-file", tls.authorityPath],
              ...["--tls-cert-file", tls.certificate.certificatePath, "--tls-key-file", tls.certificate.keyPath],
              ...["--tls-auth-clients", tls.demanding === true ? "yes" : "no"]
            ]
      const members: Array<RedisMember> = []
      for (let at = 0; at < count; at += 1) {
        const port = await freePort()
        const name = `redis-${at}`
        const clustered =
          count === 1
            ? []
            : [
                ...["--cluster-enabled", "yes", "--cluster-config-file", `${name}.conf`],
                ...["--cluster-port", String(await freePort()), "--cluster-node-timeout", "5000"]
              ]
        const process = group.start({
          name,
          program,
          args: [
            ...["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
            ...clustered,
            ...secured,
            ...args
          ]
        })
        const client = await eventually(
          async () => {
            const opened = await RedisClient.open(port)
            await opened.call("PING")
            return opened
          },
          { what: `${name} to answer`, intervalMillis: 50, assertHope: () => process.assertRunning() }
        )
        members.push({ port, process, client })
      }
      const server = new RedisServer(members, tlsPort, group)
      if (count > 1) await server.#join()
      return server
    } catch (error) {
      await group.close()
      throw error
    }
  }

  get first(): RedisMember {
    const [member] = this.members
    if (member === undefined) throw new Error("a RedisServer has at least one member")
    return member
  }

  /** The members that own this slot, and one that does not. */
  async ownerOf(
    key: string
  ): Promise<{ readonly owner: RedisMember; readonly other: RedisMember; readonly slot: number }> {
    const slot = Number(await this.first.client.call("CLUSTER", "KEYSLOT", key))
    const share = Math.ceil(SLOTS / this.members.length)
    const owner = this.members[Math.floor(slot / share)] ?? this.first
    const other = this.members.find((member) => member !== owner) ?? this.first
    return { owner, other, slot }
  }

  async #join(): Promise<void> {
    const share = Math.ceil(SLOTS / this.members.length)
    for (const [at, { client }] of this.members.entries()) {
      await client.call("CLUSTER", "ADDSLOTSRANGE", at * share, Math.min((at + 1) * share, SLOTS) - 1)
      // Members of the same epoch raise theirs when they meet, some time later: a slot that moves meanwhile may go back.
      await client.call("CLUSTER", "SET-CONFIG-EPOCH", at + 1)
    }
    for (const { client } of this.members.slice(1)) {
      const info = await this.first.client.text("CONFIG", "GET", "cluster-port")
      await client.call("CLUSTER", "MEET", "127.0.0.1", this.first.port, Number(info.split(",")[1]))
    }
    for (const { client } of this.members) {
      await eventually(
        async (seen) => {
          const info = await client.text("CLUSTER", "INFO")
          seen(info)
          return info.includes("cluster_state:ok") && info.includes(`cluster_known_nodes:${this.members.length}`)
        },
        { what: "the members of the Redis cluster to know each other" }
      )
    }
  }

  async stop(): Promise<void> {
    for (const { client } of this.members) client.close()
    await this.#group.close()
  }
}
