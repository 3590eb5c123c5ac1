// The NATS text protocol over one TCP connection, as far as a test needs it: publish, subscribe, request, and JetStream's
// API, which is JSON in requests. It exists to put work into a queue and take it out again.
import { randomBytes } from "node:crypto"
import { connect, type Socket } from "node:net"
import { eventually } from "./eventually.ts"

export interface NatsMessage {
  readonly subject: string
  readonly reply: string
  /** The status line of a message that is an answer of the server itself, such as "404 No Messages". */
  readonly status: string
  readonly payload: string
}

export interface StreamConfig {
  readonly name: string
  readonly subjects: ReadonlyArray<string>
  readonly retention?: "limits" | "interest" | "workqueue"
  readonly storage?: "file" | "memory"
  readonly num_replicas?: number
  readonly [option: string]: unknown
}

export interface ConsumerConfig {
  readonly durable_name: string
  readonly filter_subject?: string
  readonly ack_policy?: "explicit" | "none" | "all"
  /** Nanoseconds, as on the wire. */
  readonly ack_wait?: number
  readonly num_replicas?: number
  readonly [option: string]: unknown
}

const newline = "\r\n"

export class NatsConnection {
  readonly #socket: Socket
  readonly #inbox = `_INBOX.${randomBytes(8).toString("hex")}`
  readonly #subscriptions = new Map<string, (message: NatsMessage) => void>()
  #nextSubscription = 1
  #nextReply = 1
  #buffer = Buffer.alloc(0)
  #pongs: Array<{ readonly resolve: () => void; readonly reject: (error: Error) => void }> = []
  #failure: Error | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on("data", (chunk: Buffer) => {
      this.#buffer = Buffer.concat([this.#buffer, chunk])
      this.#parse()
    })
    socket.on("error", (error) => this.#fail(error))
    socket.on("close", () => this.#fail(new Error("the NATS connection is closed")))
  }

  static async open(
    port: number,
    credentials: { readonly user?: string; readonly pass?: string } = {}
  ): Promise<NatsConnection> {
    const socket = connect(port, "127.0.0.1")
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve)
      socket.once("error", reject)
    })
    const connection = new NatsConnection(socket)
    connection.#write(
      `CONNECT ${JSON.stringify({ verbose: false, pedantic: false, headers: true, no_responders: true, lang: "test", version: "1", protocol: 1, ...credentials })}`
    )
    await connection.flush()
    return connection
  }

  close(): void {
    this.#socket.destroy()
  }

  /** Returns when the server has read everything sent so far. */
  flush(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure)
        return
      }
      this.#pongs.push({ resolve, reject })
      this.#write("PING")
    })
  }

  publish(subject: string, payload = "", reply = ""): void {
    const size = Buffer.byteLength(payload)
    this.#write(`PUB ${subject}${reply === "" ? "" : ` ${reply}`} ${size}${newline}${payload}`)
  }

  /** Calls back for every message; returns what ends it. */
  subscribe(subject: string, onMessage: (message: NatsMessage) => void): () => void {
    const id = String(this.#nextSubscription)
    this.#nextSubscription += 1
    this.#subscriptions.set(id, onMessage)
    this.#write(`SUB ${subject} ${id}`)
    return () => {
      this.#subscriptions.delete(id)
      this.#write(`UNSUB ${id}`)
    }
  }

  /** Publishes and collects answers until `isLast` says so or the time is over. */
  #ask(
    subject: string,
    payload: string,
    timeoutMillis: number,
    isLast: (messages: ReadonlyArray<NatsMessage>) => boolean
  ): Promise<ReadonlyArray<NatsMessage>> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    const reply = `${this.#inbox}.${this.#nextReply}`
    this.#nextReply += 1
    return new Promise((resolve) => {
      const messages: Array<NatsMessage> = []
      const finish = () => {
        clearTimeout(timer)
        unsubscribe()
        resolve(messages)
      }
      const unsubscribe = this.subscribe(reply, (message) => {
        messages.push(message)
        if (isLast(messages)) finish()
      })
      const timer = setTimeout(finish, timeoutMillis)
      this.publish(subject, payload, reply)
    })
  }

  async request(subject: string, payload = "", timeoutMillis = 10_000): Promise<NatsMessage> {
    const [answer] = await this.#ask(subject, payload, timeoutMillis, () => true)
    if (answer === undefined) throw new Error(`nobody answered on ${subject} in ${timeoutMillis} ms`)
    if (answer.status !== "") throw new Error(`${subject}: ${answer.status}`)
    return answer
  }

  /** A request to JetStream's API: `jetStream("STREAM.INFO.orders")`. */
  async jetStream<A = unknown>(name: string, body: unknown = {}): Promise<A> {
    const answer = await this.request(`$JS.API.${name}`, JSON.stringify(body))
    const result = JSON.parse(answer.payload) as { readonly error?: { readonly description?: string } }
    if (result.error !== undefined) throw new Error(`JetStream ${name}: ${result.error.description ?? "refused"}`)
    return result as A
  }

  async createStream(config: StreamConfig): Promise<void> {
    await this.jetStream(`STREAM.CREATE.${config.name}`, {
      retention: "limits",
      storage: "memory",
      num_replicas: 1,
      ...config
    })
  }

  async createConsumer(stream: string, config: ConsumerConfig): Promise<void> {
    await this.jetStream(`CONSUMER.DURABLE.CREATE.${stream}.${config.durable_name}`, {
      stream_name: stream,
      config: { ack_policy: "explicit", deliver_policy: "all", replay_policy: "instant", ...config }
    })
  }

  async deleteConsumer(stream: string, consumer: string): Promise<void> {
    await this.jetStream(`CONSUMER.DELETE.${stream}.${consumer}`)
  }

  /**
   * Publishes into a stream and waits until the stream has stored it; returns its sequence number. 503: nobody listens. A
   * cluster that has made a stream has not told all its members of it yet, and what nobody heard can be said again.
   */
  async store(subject: string, payload: string): Promise<number> {
    const { answer } = await eventually(
      async (seen) => {
        const [heard] = await this.#ask(subject, payload, 10_000, () => true)
        seen(heard?.status)
        return heard?.status.startsWith("503") === true ? undefined : { answer: heard }
      },
      { what: `a stream to listen to ${subject}` }
    )
    if (answer === undefined) throw new Error(`nobody answered on ${subject}`)
    if (answer.status !== "") throw new Error(`${subject}: ${answer.status}`)
    const stored = JSON.parse(answer.payload) as {
      readonly seq?: number
      readonly error?: { readonly description?: string }
    }
    if (stored.seq === undefined) throw new Error(`${subject}: ${stored.error?.description ?? answer.payload}`)
    return stored.seq
  }

  /** Takes up to so many messages; each stays pending until `acknowledge`. */
  async fetch(
    stream: string,
    consumer: string,
    batch: number,
    timeoutMillis = 5000
  ): Promise<ReadonlyArray<NatsMessage>> {
    const messages = await this.#ask(
      `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`,
      JSON.stringify({ batch, no_wait: true }),
      timeoutMillis,
      (got) => got.length === batch || got.at(-1)?.status !== ""
    )
    const failed = messages.find(({ status }) => status !== "" && !/^40[48]/.test(status))
    if (failed !== undefined) throw new Error(`fetching from ${stream}/${consumer}: ${failed.status}`)
    return messages.filter(({ status }) => status === "")
  }

  /** Confirmed: returns when the server has counted it. */
  async acknowledge(message: NatsMessage): Promise<void> {
    await this.request(message.reply, "+ACK")
  }

  /** Gives it back, to be delivered again. */
  reject(message: NatsMessage): void {
    this.publish(message.reply, "-NAK")
  }

  #write(text: string): void {
    if (this.#failure === undefined) this.#socket.write(`${text}${newline}`)
  }

  #fail(error: Error): void {
    this.#failure ??= error
    for (const { reject } of this.#pongs.splice(0)) reject(this.#failure)
  }

  #parse(): void {
    for (;;) {
      const end = this.#buffer.indexOf(newline)
      if (end === -1) return
      const line = this.#buffer.subarray(0, end).toString()
      const [verb = "", ...words] = line.split(" ")
      let after = end + newline.length
      if (verb === "MSG" || verb === "HMSG") {
        const size = Number(words.at(-1))
        const headerSize = verb === "HMSG" ? Number(words.at(-2)) : 0
        if (this.#buffer.length < after + size + newline.length) return
        const content = this.#buffer.subarray(after, after + size)
        after += size + newline.length
        const [subject = "", id = ""] = words
        const sizes = verb === "HMSG" ? 2 : 1
        const header = content.subarray(0, headerSize).toString()
        const status = /^NATS\/1\.0 +(\d[^\r]*)/.exec(header)?.[1] ?? ""
        const message = {
          subject,
          reply: words.length - sizes > 2 ? (words[2] ?? "") : "",
          status,
          payload: content.subarray(headerSize).toString()
        }
        this.#buffer = this.#buffer.subarray(after)
        this.#subscriptions.get(id)?.(message)
        continue
      }
      this.#buffer = this.#buffer.subarray(after)
      if (verb === "PING") this.#write("PONG")
      else if (verb === "PONG") this.#pongs.shift()?.resolve()
      else if (verb === "-ERR") this.#fail(new Error(`nats-server says ${words.join(" ")}`))
    }
  }
}
