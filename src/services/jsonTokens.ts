/**
 * Counts what a JSON text would become, while its bytes come in and before anything is made of them: parsing costs by
 * the value and not by the byte, and ten mebibytes of empty lists stop the event loop for seconds.
 */

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a

/** `[` and `{`, `]` and `}` differ in one bit. */
const CASE = 0x20
const OPEN = 0x7b
const CLOSE = 0x7d

/** Of text that is no JSON it counts something too, and never less than a parser would meet before it gives up. */
export class JsonTokens {
  /** Beginnings of lists and objects, commas and colons: at least as many as there are values, less one. */
  count = 0
  /** The deepest so far. */
  depth = 0
  #open = 0
  #inString = false
  #escaped = false

  add(bytes: Uint8Array): void {
    let { count, depth } = this
    let open = this.#open
    let inString = this.#inString
    let escaped = this.#escaped
    for (const byte of bytes) {
      if (escaped) escaped = false
      else if (inString) {
        if (byte === BACKSLASH) escaped = true
        else if (byte === QUOTE) inString = false
      } else if (byte === QUOTE) inString = true
      else if (byte === COMMA || byte === COLON) count += 1
      else if ((byte | CASE) === OPEN) {
        count += 1
        open += 1
        if (open > depth) depth = open
      } else if ((byte | CASE) === CLOSE) open -= 1
    }
    this.count = count
    this.depth = depth
    this.#open = open
    this.#inString = inString
    this.#escaped = escaped
  }
}
