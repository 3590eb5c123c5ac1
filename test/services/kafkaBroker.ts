/** A broker on loopback that speaks just enough of the protocol, and misbehaves as a test tells it to. */
import { createServer } from "node:net"
import type { AddressInfo, Socket } from "node:net"
import { array, int16, int32, int64, int8, string, WireReader } from "#services/kafkaWire"

export interface Partition {
  readonly committed?: number
  readonly earliest?: number
  readonly latest: number
  readonly error?: number
}

export interface Asked {
  readonly key: number
  readonly version: number
  readonly body: WireReader
}

/** An answer without its correlation; silence; or the end of the connection. */
export type Reply = Buffer | "silence" | "close"

const KEYS: Readonly<Record<number, readonly [number, number]>> = {
  2: [1, 11],
  3: [0, 13],
  9: [1, 10],
  10: [0, 6],
  17: [0, 1],
  18: [0, 4],
  36: [0, 2]
}

export class KafkaBrokerStub {
  readonly port: number
  /** What it was asked so far, by the numbers of the protocol. */
  readonly asked: Array<number> = []
  /** Who is connected, and how many ever were. */
  readonly sockets = new Set<Socket>()
  connections = 0
  topics: Readonly<Record<string, ReadonlyArray<Partition>>> = {}
  /** Where it says that everything is led and coordinated; itself, unless told otherwise. */
  advertised: { readonly host: string; readonly port: number }
  /** First refusal of every request. */
  answer: (asked: Asked) => Reply | undefined = () => undefined
  /** Instead of anything else: these bytes to whoever connects. */
  greeting: Buffer | undefined
  readonly #server: ReturnType<typeof createServer>
  #isClosing = false

  private constructor(server: ReturnType<typeof createServer>) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
    this.advertised = { host: "127.0.0.1", port: this.port }
    server.on("connection", (socket) => this.#serve(socket))
  }

  static async start(): Promise<KafkaBrokerStub> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    return new KafkaBrokerStub(server)
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#isClosing = true
    for (const socket of this.sockets) socket.destroy()
    await closed
  }

  #serve(socket: Socket): void {
    this.connections += 1
    if (this.#isClosing) return void socket.destroy()
    this.sockets.add(socket)
    socket.on("error", () => {})
    socket.once("close", () => this.sockets.delete(socket))
    if (this.greeting !== undefined) socket.write(this.greeting)
    let bytes = Buffer.alloc(0)
    socket.on("data", (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      while (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE()) {
        const end = 4 + bytes.readInt32BE()
        const body = new WireReader(bytes.subarray(4, end))
        bytes = bytes.subarray(end)
        const [key, version, correlation] = [body.int16(), body.int16(), body.int32()]
        body.nullableString()
        this.asked.push(key)
        const reply = this.answer({ key, version, body }) ?? this.#reply(key, version, body)
        if (reply === "close") socket.destroy()
        else if (reply !== "silence") socket.write(framed(correlation, reply))
      }
    })
  }

  #reply(key: number, version: number, body: WireReader): Reply {
    switch (key) {
      case 18:
        return Buffer.concat([
          int16(0),
          array(Object.entries(KEYS), ([one, [min, max]]) =>
            Buffer.concat([int16(Number(one)), int16(min), int16(max)])
          )
        ])
      case 3:
        return this.#metadata(body.array(body.string))
      case 10:
        return Buffer.concat([int32(0), int16(0), int16(-1), this.#broker()])
      case 9:
        return this.#committed(body, version)
      case 2:
        return this.#log(body)
      default:
        return "close"
    }
  }

  #broker(): Buffer {
    return Buffer.concat([int32(1), string(this.advertised.host), int32(this.advertised.port)])
  }

  #metadata(topics: ReadonlyArray<string>): Buffer {
    return Buffer.concat([
      int32(0),
      array([1], () => Buffer.concat([this.#broker(), int16(-1)])),
      string("cluster"),
      int32(1),
      array(topics, (topic) => {
        const partitions = this.topics[topic]
        return Buffer.concat([
          int16(partitions === undefined ? 3 : 0),
          string(topic),
          int8(0),
          array([...(partitions ?? []).keys()], (at) =>
            Buffer.concat([int16(0), int32(at), int32(1), int32(7), array([1], int32), array([1], int32), int32(0)])
          )
        ])
      })
    ])
  }

  #committed(body: WireReader, version: number): Buffer {
    body.string()
    const count = body.int32()
    const named =
      count === -1
        ? Object.entries(this.topics).map(([topic, all]) => ({ topic, partitions: [...all.keys()] }))
        : Array.from({ length: count }, () => ({ topic: body.string(), partitions: body.array(body.int32) }))
    return Buffer.concat([
      int32(0),
      array(named, ({ partitions, topic }) =>
        Buffer.concat([
          string(topic),
          array(partitions, (at) =>
            Buffer.concat([
              int32(at),
              int64(BigInt(this.topics[topic]?.[at]?.committed ?? -1)),
              ...(version >= 5 ? [int32(-1)] : []),
              int16(-1),
              int16(0)
            ])
          )
        ])
      ),
      int16(0)
    ])
  }

  #log(body: WireReader): Buffer {
    body.int32()
    body.int8()
    const named = body.array(() => ({
      topic: body.string(),
      partitions: body.array(() => ({ at: body.int32(), epoch: body.int32(), when: body.int64() }))
    }))
    return Buffer.concat([
      int32(0),
      array(named, ({ partitions, topic }) =>
        Buffer.concat([
          string(topic),
          array(partitions, ({ at, when }) => {
            const { earliest = 0, error = 0, latest = 0 } = this.topics[topic]?.[at] ?? {}
            const offset = error === 0 ? BigInt(when === -1n ? latest : earliest) : -1n
            return Buffer.concat([int32(at), int16(error), int64(-1n), int64(offset), int32(7)])
          })
        ])
      )
    ])
  }
}

export const framed = (correlation: number, reply: Buffer): Buffer =>
  Buffer.concat([int32(4 + reply.length), int32(correlation), reply])
