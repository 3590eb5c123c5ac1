/**
 * How Kafka writes numbers, texts and lists, and a request's frame. What is read is bounded by what was sent, and has
 * to be whole: no claim inside an answer can ask for more memory than the answer itself took.
 */
import { KafkaFailure } from "#services/kafkaFailure"

export const int8 = (value: number) => Buffer.of(value & 255)
export const int16 = (value: number) => {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}
export const int32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
export const int64 = (value: bigint) => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(value)
  return bytes
}
export const string = (text: string) => {
  const bytes = Buffer.from(text)
  return Buffer.concat([int16(bytes.length), bytes])
}
export const array = <A>(items: ReadonlyArray<A>, write: (item: A) => Buffer) =>
  Buffer.concat([int32(items.length), ...items.map(write)])

/** Of all lists of one answer together: 50,000 partitions in as many topics, and some. Reading costs by the item. */
const ITEMS_MAX = 200_000

export class WireReader {
  readonly #bytes: Buffer
  #at = 0
  #itemsLeft: number

  constructor(bytes: Buffer, itemsMax = ITEMS_MAX) {
    this.#bytes = bytes
    this.#itemsLeft = itemsMax
  }

  #next(length: number): number {
    const from = this.#at
    if (length < 0 || from + length > this.#bytes.length) throw cutOff()
    this.#at += length
    return from
  }

  readonly int8 = (): number => this.#bytes.readInt8(this.#next(1))
  readonly int16 = (): number => this.#bytes.readInt16BE(this.#next(2))
  readonly int32 = (): number => this.#bytes.readInt32BE(this.#next(4))
  readonly int64 = (): bigint => this.#bytes.readBigInt64BE(this.#next(8))

  readonly nullableString = (): string | undefined => {
    const length = this.int16()
    if (length === -1) return undefined
    const from = this.#next(length)
    return this.#bytes.toString("utf8", from, from + length)
  }

  readonly string = (): string => this.nullableString() ?? ""

  readonly bytes = (): Buffer => {
    const length = this.int32()
    if (length === -1) return Buffer.alloc(0)
    const from = this.#next(length)
    return this.#bytes.subarray(from, from + length)
  }

  readonly array = <A>(read: () => A): ReadonlyArray<A> => {
    const length = this.int32()
    // Each item has a byte at least.
    if (length > this.#bytes.length - this.#at) throw cutOff()
    if (length > this.#itemsLeft) throw tooMany()
    this.#itemsLeft -= Math.max(length, 0)
    return Array.from({ length: Math.max(length, 0) }, read)
  }

  /** A list of which nobody needs to know more than where it ends. */
  readonly skipArray = (bytesEach: number): void => {
    this.#next(Math.max(this.int32(), 0) * bytesEach)
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw cutOff()
  }
}

const cutOff = () =>
  new KafkaFailure(
    "Malformed",
    "The answer is not a whole answer of Kafka's protocol. Check that bootstrapServers names Kafka brokers and nothing that stands before them."
  )

const tooMany = () =>
  new KafkaFailure(
    "TooLarge",
    "Kafka answered with more items than can be looked at, of which nothing was used. Name the topic, or fewer partitions."
  )

/** One request and the answer to it. */
export interface Call<A> {
  readonly name: string
  readonly key: number
  /** Oldest and newest version that is understood here. */
  readonly versions: readonly [number, number]
  readonly encode: (version: number) => Buffer
  readonly decode: (reader: WireReader, version: number) => A
  /** Where the question says how many items an answer can have. */
  readonly itemsMax?: number
}

/** A request as it goes over the connection, its length first. */
export const frameOf = (call: Call<unknown>, version: number, correlation: number): Buffer => {
  const body = Buffer.concat([
    int16(call.key),
    int16(version),
    int32(correlation),
    string("nimbusguard"),
    call.encode(version)
  ])
  return Buffer.concat([int32(body.length), body])
}
