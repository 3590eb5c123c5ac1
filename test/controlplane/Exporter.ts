// A scrape target whose numbers the test sets. A value may be a function, asked at each scrape, so that a counter can
// grow at a chosen rate without a timer.
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"

export type Labels = Readonly<Record<string, string>>

interface Sample {
  readonly name: string
  readonly labels: Labels
  readonly value: () => number
}

const escaped = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")

const seriesName = (name: string, labels: Labels): string => {
  const pairs = Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return pairs.length === 0 ? name : `${name}{${pairs.map(([key, value]) => `${key}="${escaped(value)}"`).join(",")}}`
}

const printed = (value: number): string =>
  Number.isNaN(value) ? "NaN" : value === Infinity ? "+Inf" : value === -Infinity ? "-Inf" : String(value)

export class Exporter {
  /** host:port, as a scrape configuration wants it. */
  readonly target: string
  readonly #server: Server
  readonly #samples = new Map<string, Sample>()
  #history: ReadonlyArray<string> = []
  #scrapes = 0
  #failing: number | undefined

  private constructor(server: Server) {
    this.#server = server
    this.target = `127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on("request", (_, response) => {
      this.#scrapes += 1
      if (this.#failing !== undefined) {
        response.writeHead(this.#failing).end()
        return
      }
      const text = `${this.#history.join("")}${this.text()}`
      this.#history = []
      response.writeHead(200, { "content-type": "text/plain; version=0.0.4" }).end(text)
    })
  }

  static async start(): Promise<Exporter> {
    const server = createServer()
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject)
      server.listen(0, "127.0.0.1", resolve)
    })
    return new Exporter(server)
  }

  /** How often it has been scraped. */
  get scrapes(): number {
    return this.#scrapes
  }

  set(name: string, value: number | (() => number), labels: Labels = {}): void {
    this.#samples.set(seriesName(name, labels), {
      name,
      labels,
      value: typeof value === "number" ? () => value : value
    })
  }

  /** Adds to a series; one that is not there begins at 0. */
  add(name: string, difference: number, labels: Labels = {}): void {
    const before = this.#samples.get(seriesName(name, labels))?.value() ?? 0
    this.set(name, before + difference, labels)
  }

  /**
   * What the series was before anybody scraped it, oldest first; the next scrape carries it once, with its times, so
   * that a query over minutes need not be waited for. Set the series itself as well: it is what comes after.
   */
  setHistory(
    name: string,
    samples: ReadonlyArray<{ readonly agoMillis: number; readonly value: number }>,
    labels: Labels = {}
  ): void {
    const now = Math.round(performance.timeOrigin + performance.now())
    this.#history = samples.map(
      ({ agoMillis, value }) => `${seriesName(name, labels)} ${printed(value)} ${now - agoMillis}\n`
    )
  }

  remove(name: string, labels: Labels = {}): void {
    this.#samples.delete(seriesName(name, labels))
  }

  /** Scrapes fail with this status until it is undefined again. */
  failWith(status: number | undefined): void {
    this.#failing = status
  }

  /** What a scrape reads now. */
  text(): string {
    return [...this.#samples].map(([series, { value }]) => `${series} ${printed(value())}\n`).join("")
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }
}
