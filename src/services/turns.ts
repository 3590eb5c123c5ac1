/**
 * Hands out large answers one by one, so that each turn of the event loop parses one of them at most, and all of them
 * together take a share of the time and not all of it. Servers take turns, so that one that floods waits for itself.
 */
import { setImmediate, setTimeout } from "node:timers/promises"

/** Parsing and decoding were measured at up to half a microsecond per token: three quarters of the time stay free. */
const TOKENS_PER_MILLI = 700

interface Waiting {
  readonly tokens: number
  readonly begin: () => void
}

export class Turns {
  /** By server; the first one is served next. */
  readonly #lanes = new Map<string, Array<Waiting>>()
  #serving = false

  /** Resolves when this answer may be parsed, in the turn in which it resolves. */
  async take(lane: string, tokens: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const { promise, reject, resolve } = Promise.withResolvers<void>()
    const waiting: Waiting = { tokens, begin: resolve }
    const all = this.#lanes.get(lane) ?? []
    this.#lanes.set(lane, all)
    all.push(waiting)
    const leave = () => {
      const at = all.indexOf(waiting)
      if (at !== -1) all.splice(at, 1)
      reject(new Error("nobody waits for this answer any more"))
    }
    signal.addEventListener("abort", leave, { once: true })
    void this.#serve()
    try {
      await promise
    } finally {
      signal.removeEventListener("abort", leave)
    }
  }

  async #serve(): Promise<void> {
    if (this.#serving) return
    this.#serving = true
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      next.begin()
      // Parsed by now, or in this very turn; the next turn takes in what others were sent meanwhile.
      await setTimeout(next.tokens / TOKENS_PER_MILLI)
      await setImmediate()
    }
    this.#serving = false
  }

  #next(): Waiting | undefined {
    for (const [lane, all] of this.#lanes) {
      this.#lanes.delete(lane)
      const first = all.shift()
      if (first === undefined) continue
      if (all.length > 0) this.#lanes.set(lane, all)
      return first
    }
    return undefined
  }
}
