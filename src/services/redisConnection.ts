/**
 * The connection to one Redis server with one set of credentials: opened when it is needed, proven, shared by all who
 * ask, and opened anew once it has failed. Replies come in the order of their commands; one that is late ends the
 * connection for those who come after, so that nobody takes another's reply for his own.
 */
import { connect as connectPlain, isIP } from "node:net"
import type { LookupFunction, Socket } from "node:net"
import { connect as connectTls } from "node:tls"
import { EgressError } from "#services/Egress"
import type { Judge } from "#services/forbiddenAddresses"
import { blocked, ExchangeFailure, failureOf } from "#services/httpExchange"
import { judgedLookup } from "#services/judgedLookup"
import { refusal } from "#services/redisRefusals"
import { printableServer } from "#services/RedisWire"
import type { RedisServer } from "#services/RedisWire"
import { encodeCommands, isErrorReply, RespReader, RespViolation } from "#services/resp"
import type { Command, Reply } from "#services/resp"
import { SourceError } from "#services/SourceError"

/** For the address, TLS and the credentials together. */
const OPEN_MILLIS = 5_000
const KEEP_ALIVE_MILLIS = 30_000

export interface Surroundings {
  readonly judge: Judge
  /** How names become addresses. */
  readonly lookup: LookupFunction
  readonly loopbackAllowed: boolean
}

const VIOLATIONS = {
  Malformed: "did not answer in the protocol of Redis",
  TooLarge: "answered with more than any number takes"
}

/** Every way in which a connection fails, as what it means for the policy. */
export const sourceErrorOf = (cause: unknown, server: RedisServer): SourceError => {
  if (cause instanceof SourceError) return cause
  const known = cause instanceof RespViolation ? new ExchangeFailure({ _tag: cause.why }, VIOLATIONS[cause.why]) : cause
  const { message: detail, reason } = failureOf(known)
  return new EgressError({ reason, url: printableServer(server), detail }).sourceError
}

const late = ({ tls }: RedisServer) =>
  new ExchangeFailure(
    { _tag: "Timeout" },
    `did not accept the connection${tls === undefined ? "" : ", if it speaks TLS there,"} and the credentials within ${OPEN_MILLIS} ms`
  )

const ended = () => new ExchangeFailure({ _tag: "Unreachable" }, "closed the connection")

interface Waiter {
  readonly replies: Array<Reply>
  readonly wanted: number
  readonly settle: (replies: ReadonlyArray<Reply>) => void
  readonly fail: (cause: unknown) => void
  abandoned: boolean
}

/** One socket and those who wait for its replies. */
class Channel {
  readonly #socket: Socket
  readonly #reader = new RespReader()
  readonly #waiters: Array<Waiter> = []
  #failure: unknown
  /** Whether it has ever replied to a question. */
  proven = false
  /** Somebody gave up on it: it takes no new questions. */
  retired = false

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on("data", (chunk: Buffer) => this.#receive(chunk))
    socket.on("error", (cause) => this.end(cause))
    socket.on("close", () => this.end(ended()))
  }

  get failure(): unknown {
    return this.#failure
  }

  get usable(): boolean {
    return this.#failure === undefined && !this.retired
  }

  ask(commands: ReadonlyArray<Command>): {
    readonly replies: Promise<ReadonlyArray<Reply>>
    readonly abandon: () => void
  } {
    let abandon = () => {}
    const replies = new Promise<ReadonlyArray<Reply>>((settle, fail) => {
      if (this.#failure !== undefined) return fail(this.#failure)
      const waiter: Waiter = { replies: [], wanted: commands.length, settle, fail, abandoned: false }
      this.#waiters.push(waiter)
      abandon = () => {
        waiter.abandoned = true
        this.retired = true
        if (this.#waiters.every((one) => one.abandoned)) this.end(ended())
      }
      this.#socket.write(encodeCommands(commands))
    })
    return { replies, abandon }
  }

  end(cause: unknown): void {
    this.#failure ??= cause
    this.#socket.destroy()
    for (const waiter of this.#waiters.splice(0)) waiter.fail(this.#failure)
  }

  #receive(chunk: Uint8Array): void {
    try {
      for (const reply of this.#reader.push(chunk)) this.#deliver(reply)
    } catch (cause) {
      this.end(cause)
    }
  }

  #deliver(reply: Reply): void {
    const [waiter] = this.#waiters
    // A reply that nobody asked for: from here on no reply would be anybody's.
    if (waiter === undefined) {
      const said = isErrorReply(reply) ? reply : undefined
      return this.end(said === undefined ? new RespViolation("Malformed") : new Refused(said.text))
    }
    waiter.replies.push(reply)
    if (waiter.replies.length < waiter.wanted) return
    this.#waiters.shift()
    this.proven = true
    waiter.settle(waiter.replies)
    if (this.retired && this.#waiters.every((one) => one.abandoned)) this.end(ended())
  }
}

/** What a server says before it was asked, and then hangs up: that it has no room, that it is protected. */
class Refused extends Error {
  readonly text: string
  constructor(text: string) {
    super("refused")
    this.text = text
  }
}

const openSocket = (server: RedisServer, { judge, lookup, loopbackAllowed }: Surroundings): Socket => {
  const { host, port, tls } = server
  const rule = judge.host(host, loopbackAllowed)
  if (rule !== undefined) throw blocked(rule, host)
  const to = { host, port, lookup: judgedLookup(judge, lookup, loopbackAllowed) }
  if (tls === undefined) return connectPlain(to)
  const { identity = host, ...material } = tls
  return connectTls({
    ...to,
    ...material,
    minVersion: "TLSv1.2",
    ...(isIP(identity) === 0 ? { servername: identity } : {})
  })
}

const proofs = ({ db, password, username }: RedisServer): ReadonlyArray<Command> => [
  ...(password === undefined && username === undefined
    ? []
    : [["AUTH", ...(username === undefined ? [] : [username]), password ?? ""] as Command]),
  ...(db === 0 ? [] : [["SELECT", String(db)] as Command])
]

export class RedisConnection {
  readonly #server: RedisServer
  readonly #around: Surroundings
  #channel: { readonly socket: Socket; readonly opened: Promise<Channel>; channel: Channel | undefined } | undefined

  constructor(server: RedisServer, around: Surroundings) {
    this.#server = server
    this.#around = around
  }

  /** As many replies as there are commands; rejects with a SourceError. */
  async exchange(commands: ReadonlyArray<Command>, signal: AbortSignal): Promise<ReadonlyArray<Reply>> {
    const before = this.#channel?.channel
    try {
      return await this.#once(commands, signal)
    } catch (cause) {
      // A connection that has long been idle is found dead by whoever uses it next: that is no news of the server.
      const failure = this.#failureOf(cause)
      if (before?.proven !== true || before.usable || failure.why !== "Unreachable" || signal.aborted) throw failure
    }
    try {
      return await this.#once(commands, signal)
    } catch (cause) {
      throw this.#failureOf(cause)
    }
  }

  close(): void {
    this.#channel?.socket.destroy()
    this.#channel = undefined
  }

  async #once(commands: ReadonlyArray<Command>, signal: AbortSignal): Promise<ReadonlyArray<Reply>> {
    signal.throwIfAborted()
    const channel = await this.#usable()
    signal.throwIfAborted()
    const { abandon, replies } = channel.ask(commands)
    signal.addEventListener("abort", abandon, { once: true })
    try {
      return await replies
    } finally {
      signal.removeEventListener("abort", abandon)
    }
  }

  #usable(): Promise<Channel> {
    const current = this.#channel
    if (current !== undefined && (current.channel === undefined || current.channel.usable)) return current.opened
    return this.#open()
  }

  #open(): Promise<Channel> {
    const socket = openSocket(this.#server, this.#around)
    const opened = this.#prove(socket)
    const state = { socket, opened, channel: undefined as Channel | undefined }
    this.#channel = state
    opened.then(
      (channel) => (state.channel = channel),
      () => {
        socket.destroy()
        if (this.#channel === state) this.#channel = undefined
      }
    )
    return opened
  }

  async #prove(socket: Socket): Promise<Channel> {
    const channel = new Channel(socket)
    const timer = setTimeout(() => channel.end(late(this.#server)), OPEN_MILLIS)
    try {
      socket.setNoDelay(true)
      socket.setKeepAlive(true, KEEP_ALIVE_MILLIS)
      await new Promise<void>((resolve, reject) => {
        socket.once(this.#server.tls === undefined ? "connect" : "secureConnect", resolve)
        socket.once("error", reject)
        socket.once("close", () => reject(channel.failure))
      })
      const commands = proofs(this.#server)
      const replies = commands.length === 0 ? [] : await channel.ask(commands).replies
      const refused = replies.find(isErrorReply)
      if (refused !== undefined) throw refusal(refused, printableServer(this.#server))
      channel.proven = false
      return channel
    } finally {
      clearTimeout(timer)
    }
  }

  #failureOf(cause: unknown): SourceError {
    return cause instanceof Refused
      ? refusal({ _tag: "ErrorReply", text: cause.text }, printableServer(this.#server))
      : sourceErrorOf(cause, this.#server)
  }
}
