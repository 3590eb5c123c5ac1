/**
 * One connection to one broker: opened to an address that was judged, proven and then shared by many questions, each
 * with a deadline of its own. Answers are bounded as they arrive; whatever breaks the protocol ends the connection.
 */
import { connect as connectPlain, isIP } from "node:net"
import type { LookupFunction, Socket } from "node:net"
import { connect as connectTls } from "node:tls"
import { ANSWER_BYTES_MAX } from "#services/Egress"
import type { Judge } from "#services/forbiddenAddresses"
import { blocked } from "#services/httpExchange"
import type { Allowance } from "#services/httpExchange"
import { judgedLookup } from "#services/judgedLookup"
import type { KafkaAccess } from "#services/Kafka"
import { apiVersions, saslAuthenticate, saslHandshake } from "#services/kafkaCalls"
import type { VersionRange } from "#services/kafkaCalls"
import { failureOfCode, failureOfSocket, KafkaFailure, OVERLOADED, REACH } from "#services/kafkaFailure"
import { authenticate } from "#services/kafkaSasl"
import { frameOf, WireReader } from "#services/kafkaWire"
import type { Call } from "#services/kafkaWire"

/** For the address, TLS and the credentials together. */
const CONNECT_MILLIS = 3_000
const KEEP_ALIVE_MILLIS = 30_000
const IN_FLIGHT_MAX = 1_000
/** More than any broker sends: not a long answer, but not Kafka. */
const NONSENSE_BYTES = 100 * 1024 * 1024
/** Of the time for which the broker believes the credentials. */
const LIFETIME_USED = 0.8

export interface Server {
  readonly host: string
  readonly port: number
}

export interface Surroundings {
  readonly judge: Judge
  readonly lookup: LookupFunction
  readonly loopbackAllowed: boolean
  readonly allowance: Allowance
}

interface Pending {
  readonly call: Call<unknown>
  readonly settle: (answer: Buffer) => void
  readonly fail: (failure: KafkaFailure) => void
}

export const printable = ({ host, port }: Server): string =>
  `Kafka at ${host.includes(":") ? `[${host}]` : host}:${port}`

const openSocket = ({ host, port }: Server, access: KafkaAccess, around: Surroundings): Socket => {
  const rule = around.judge.host(host, around.loopbackAllowed)
  if (rule !== undefined) throw blocked(rule, host)
  const to = { host, port, lookup: judgedLookup(around.judge, around.lookup, around.loopbackAllowed) }
  return access.tls === undefined
    ? connectPlain(to)
    : connectTls({ ...to, ...access.tls, minVersion: "TLSv1.2", ...(isIP(host) === 0 ? { servername: host } : {}) })
}

const connected = (socket: Socket, event: "connect" | "secureConnect", signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.once(event, resolve)
    socket.once("error", reject)
    socket.once("close", () => reject(new Error("closed")))
    signal.addEventListener("abort", () => reject(Object.assign(new Error("late"), { code: "ETIMEDOUT" })))
  })

/** What arrives, in pieces of the length that is asked for. */
const makeTaker = (socket: Socket) => {
  const source: AsyncIterator<Buffer> = socket[Symbol.asyncIterator]()
  let chunks: Array<Buffer> = []
  let have = 0
  return {
    /** Undefined: the other side has closed. */
    take: async (length: number, holds: (bytes: number) => void): Promise<Buffer | undefined> => {
      while (have < length) {
        const next = await source.next()
        if (next.done === true) return undefined
        chunks.push(next.value)
        have += next.value.length
        holds(have)
      }
      const all = Buffer.concat(chunks)
      chunks = have > length ? [Buffer.from(all.subarray(length))] : []
      have -= length
      return all.subarray(0, length)
    },
    rest: () => have
  }
}

export class KafkaConnection {
  readonly #who: string
  readonly #socket: Socket
  readonly #anonymous: boolean
  readonly #pending = new Map<number, Pending>()
  #ranges: ReadonlyArray<VersionRange> = []
  #correlation = 0
  #heard = 0
  #answered = 0
  #failure: KafkaFailure | undefined
  #expiresAt = Infinity

  private constructor(server: Server, socket: Socket, access: KafkaAccess) {
    this.#who = printable(server)
    this.#socket = socket
    this.#anonymous = access.sasl === undefined
  }

  static async open(server: Server, access: KafkaAccess, around: Surroundings): Promise<KafkaConnection> {
    const signal = AbortSignal.timeout(CONNECT_MILLIS)
    let socket: Socket | undefined
    try {
      socket = openSocket(server, access, around)
      await connected(socket, access.tls === undefined ? "connect" : "secureConnect", signal)
      const connection = new KafkaConnection(server, socket, access)
      // Ends with the socket, whose end it tells to whoever waits.
      void connection.#listen(around.allowance)
      await connection.#introduce(access, signal)
      return connection
    } catch (error) {
      // Its errors have nobody left to tell.
      socket?.on("error", () => {})
      socket?.destroy()
      throw failureOfSocket(error, printable(server))
    }
  }

  async #introduce({ sasl }: KafkaAccess, signal: AbortSignal): Promise<void> {
    this.#socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MILLIS)
    const versions = await this.ask(apiVersions, signal)
    if (versions.error !== 0) throw failureOfCode(versions.error, this.#who)
    this.#ranges = versions.ranges
    if (sasl === undefined) return
    const { error, offered } = await this.ask(saslHandshake(sasl.mechanism), signal)
    if (error === 33) {
      const names = offered
        .slice(0, 8)
        .join(", ")
        .replaceAll(/[^\w, -]/gu, "?")
      throw new KafkaFailure(
        "BadOptions",
        `${this.#who} does not offer ${sasl.mechanism}, but ${names}. Correct saslMechanism, or name another listener.`
      )
    }
    if (error !== 0) throw failureOfCode(error, this.#who)
    const started = performance.now()
    await authenticate(sasl, async (message) => {
      const answer = await this.ask(saslAuthenticate(message), signal)
      if (answer.error !== 0) throw failureOfCode(answer.error, this.#who)
      if (answer.lifetimeMillis > 0) this.#expiresAt = started + answer.lifetimeMillis * LIFETIME_USED
      return answer.said
    })
  }

  /** False: what is under way is still answered, and for what is next there has to be another connection. */
  get usable(): boolean {
    return this.#failure === undefined && performance.now() < this.#expiresAt
  }

  ask<A>(call: Call<A>, signal: AbortSignal): Promise<A> {
    return new Promise((resolve, reject: (failure: KafkaFailure) => void) => {
      if (this.#failure !== undefined) return reject(this.#failure)
      if (this.#pending.size >= IN_FLIGHT_MAX) {
        const detail = `${this.#who} has ${IN_FLIGHT_MAX} questions to answer already. Ask less often (a longer interval).`
        return reject(new KafkaFailure("Throttled", detail))
      }
      const version = this.#versionFor(call)
      if (version === undefined) return reject(failureOfCode(35, this.#who))
      const correlation = this.#correlation
      this.#correlation = (correlation + 1) % 2 ** 31
      const answered = this.#answered
      signal.addEventListener("abort", () => {
        if (!this.#pending.has(correlation)) return
        reject(new KafkaFailure("Timeout", `${this.#who} did not answer ${call.name} in time. ${OVERLOADED}`))
        // No answer came to an end: whoever asks next is better off with another connection, and everybody without the
        // memory that a part of one holds.
        if (this.#answered === answered)
          this.#end(new KafkaFailure("Timeout", `${this.#who} hangs. ${OVERLOADED}`, true))
      })
      this.#pending.set(correlation, {
        call,
        fail: reject,
        settle: (answer) => {
          const reader = new WireReader(answer, call.itemsMax)
          const value = call.decode(reader, version)
          reader.end()
          resolve(value)
        }
      })
      this.#socket.write(frameOf(call, version, correlation))
    })
  }

  close(): void {
    this.#end(new KafkaFailure("Unreachable", `The connection to ${this.#who} was closed. It is opened again.`, true))
  }

  #versionFor({ key, versions: [oldest, newest] }: Call<unknown>): number | undefined {
    if (key === apiVersions.key) return newest
    const range = this.#ranges.find((one) => one.key === key)
    const version = Math.min(newest, range?.max ?? -1)
    return range !== undefined && version >= Math.max(oldest, range.min) ? version : undefined
  }

  async #listen(allowance: Allowance): Promise<void> {
    const taker = makeTaker(this.#socket)
    const take = (length: number, holds: (bytes: number) => void) =>
      taker.take(length, (bytes) => {
        this.#heard++
        holds(bytes)
      })
    try {
      for (;;) {
        const head = await take(4, () => {})
        if (head === undefined) throw this.#closed(taker.rest() > 0)
        const length = head.readInt32BE()
        if (length < 4 || length >= NONSENSE_BYTES) throw this.#stranger()
        if (length > ANSWER_BYTES_MAX) throw this.#flood()
        await allowance.during(async (holds) => {
          const frame = await take(length, holds)
          if (frame === undefined) throw this.#closed(true)
          this.#settle(frame)
        })
      }
    } catch (error) {
      this.#end(failureOfSocket(error, this.#who))
    }
  }

  #settle(frame: Buffer): void {
    const correlation = frame.readInt32BE()
    const pending = this.#pending.get(correlation)
    if (pending === undefined) throw this.#stranger()
    this.#pending.delete(correlation)
    this.#answered++
    try {
      pending.settle(frame.subarray(4))
    } catch (error) {
      const failure = failureOfSocket(error, this.#who)
      pending.fail(failure)
      throw failure
    }
  }

  #closed(within: boolean): KafkaFailure {
    if (within) return failureOfSocket(new Error("cut off"), this.#who)
    // Brokers say nothing to whom they do not know.
    const silent = this.#anonymous && this.#heard <= 1
    return silent
      ? new KafkaFailure(
          "Unreachable",
          `${this.#who} closed the connection without a word. Check the address, that the server runs, and whether that port wants TLS (tls) or credentials (username, passwordSecret).`,
          true
        )
      : new KafkaFailure("Unreachable", `${this.#who} closed the connection. ${REACH}`, true)
  }

  #stranger(): KafkaFailure {
    return new KafkaFailure(
      "Malformed",
      `${this.#who} does not speak Kafka's protocol there. Check the port in bootstrapServers, and whether it wants TLS (tls: true) or none.`
    )
  }

  #flood(): KafkaFailure {
    return new KafkaFailure(
      "TooLarge",
      `${this.#who} answered with more than ${ANSWER_BYTES_MAX / 1024 / 1024} MiB, of which nothing was used. Name the topic.`
    )
  }

  #end(failure: KafkaFailure): void {
    if (this.#failure !== undefined) return
    this.#failure = failure
    this.#socket.on("error", () => {})
    this.#socket.destroy()
    for (const { fail } of this.#pending.values()) fail(failure)
    this.#pending.clear()
  }
}
