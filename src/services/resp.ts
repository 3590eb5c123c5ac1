/**
 * RESP, the protocol of Redis, as far as asking for lengths needs it. Whoever answers may mean harm, so a reply has
 * bounds in bytes, values and depth, held while it arrives, and nothing is made ready for what it only announces.
 */

/** In words of the server, which may repeat what it was sent, a password included: never to be shown. */
export interface ErrorReply {
  readonly _tag: "ErrorReply"
  readonly text: string
}

export type Reply = string | number | null | ErrorReply | ReadonlyArray<Reply>

export const isErrorReply = (reply: Reply | undefined): reply is ErrorReply =>
  typeof reply === "object" && reply !== null && "_tag" in reply

export const REPLY_BYTES_MAX = 1024 * 1024
const LINE_BYTES_MAX = 4096
const TEXT_BYTES_MAX = 16 * 1024
const VALUES_MAX = 20_000
const DEPTH_MAX = 8

/** Thrown by the reader: from here on the connection has no meaning. */
export class RespViolation extends Error {
  readonly why: "Malformed" | "TooLarge"
  constructor(why: "Malformed" | "TooLarge") {
    super(why)
    this.why = why
  }
}

interface List {
  readonly items: Array<Reply>
  readonly length: number
}

const LINE_FEED = 10
const CARRIAGE_RETURN = 13

const integer = (text: string): number => {
  if (!/^[+-]?\d{1,19}$/u.test(text)) throw new RespViolation("Malformed")
  return Number(text)
}

/** What a value's first line makes of it; undefined: the rest has not arrived. */
type Begun = { readonly end: number; readonly value: Reply } | { readonly end: number; readonly opens: number }

export class RespReader {
  #rest: Uint8Array = new Uint8Array(0)
  /** Of the reply that is under way. */
  #open: Array<List> = []
  #bytes = 0
  #values = 0

  /** The replies that are whole by now, in their order. */
  push(chunk: Uint8Array): ReadonlyArray<Reply> {
    const bytes = this.#rest.length === 0 ? chunk : join(this.#rest, chunk)
    const replies: Array<Reply> = []
    let at = 0
    for (;;) {
      const begun = readValue(bytes, at)
      if (begun === undefined) break
      this.#bytes += begun.end - at
      this.#values += 1
      if (this.#bytes > REPLY_BYTES_MAX || this.#values > VALUES_MAX) throw new RespViolation("TooLarge")
      at = begun.end
      const reply = this.#take(begun)
      if (reply === undefined) continue
      replies.push(reply)
      this.#bytes = 0
      this.#values = 0
    }
    this.#rest = bytes.slice(at)
    return replies
  }

  /** The whole reply that this value completes, if it does. */
  #take(begun: Begun): Reply | undefined {
    if ("opens" in begun && begun.opens > 0) {
      if (this.#open.length === DEPTH_MAX || begun.opens > VALUES_MAX) throw new RespViolation("TooLarge")
      this.#open.push({ items: [], length: begun.opens })
      return undefined
    }
    let value: Reply = "opens" in begun ? [] : begun.value
    for (let list = this.#open.at(-1); list !== undefined; list = this.#open.at(-1)) {
      list.items.push(value)
      if (list.items.length < list.length) return undefined
      this.#open.pop()
      value = list.items
    }
    return value
  }
}

const join = (first: Uint8Array, second: Uint8Array): Uint8Array => {
  const both = new Uint8Array(first.length + second.length)
  both.set(first)
  both.set(second, first.length)
  return both
}

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

const readValue = (bytes: Uint8Array, at: number): Begun | undefined => {
  if (at === bytes.length) return undefined
  const kind = String.fromCharCode(bytes[at] ?? 0)
  if (!"+-:$*".includes(kind)) throw new RespViolation("Malformed")
  const feed = bytes.subarray(at, at + LINE_BYTES_MAX).indexOf(LINE_FEED)
  if (feed === -1) {
    if (bytes.length - at >= LINE_BYTES_MAX) throw new RespViolation("TooLarge")
    return undefined
  }
  if (bytes[at + feed - 1] !== CARRIAGE_RETURN) throw new RespViolation("Malformed")
  const line = textOf(bytes.subarray(at + 1, at + feed - 1))
  const end = at + feed + 1
  switch (kind) {
    case "+":
      return { end, value: line }
    case "-":
      return { end, value: { _tag: "ErrorReply", text: line } }
    case ":":
      return { end, value: integer(line) }
    case "*": {
      const opens = integer(line)
      if (opens < -1) throw new RespViolation("Malformed")
      return opens === -1 ? { end, value: null } : { end, opens }
    }
    default:
      return readText(bytes, end, integer(line))
  }
}

const readText = (bytes: Uint8Array, at: number, length: number): Begun | undefined => {
  if (length === -1) return { end: at, value: null }
  if (length < 0) throw new RespViolation("Malformed")
  if (length > TEXT_BYTES_MAX) throw new RespViolation("TooLarge")
  const end = at + length + 2
  if (bytes.length < end) return undefined
  if (bytes[end - 2] !== CARRIAGE_RETURN || bytes[end - 1] !== LINE_FEED) throw new RespViolation("Malformed")
  return { end, value: textOf(bytes.subarray(at, end - 2)) }
}

export type Command = readonly [name: string, ...rest: ReadonlyArray<string>]

/** As lists of texts with their lengths, so that no key can become a command. */
export const encodeCommands = (commands: ReadonlyArray<Command>): Uint8Array => {
  const encoder = new TextEncoder()
  const text = (part: string) => `$${encoder.encode(part).length}\r\n${part}\r\n`
  return encoder.encode(commands.map((command) => `*${command.length}\r\n${command.map(text).join("")}`).join(""))
}
