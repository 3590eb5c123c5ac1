/**
 * The connections to one cluster with one set of credentials: opened when first asked, shared by everybody who asks
 * with the same, and closed together. Who leads what is not remembered: each question finds it out anew.
 */
import { KafkaConnection } from "#services/kafkaConnection"
import type { Server, Surroundings } from "#services/kafkaConnection"
import type { KafkaAccess } from "#services/Kafka"
import { KafkaFailure } from "#services/kafkaFailure"
import type { Call } from "#services/kafkaWire"

/** A cluster of more brokers would have to be asked in turns; nobody has one. */
const CONNECTIONS_MAX = 512

/** host:port, [address]:port. */
export const serverOf = (text: string): Server => {
  const colon = text.lastIndexOf(":")
  return { host: text.slice(0, colon).replace(/^\[|\]$/gu, ""), port: Number(text.slice(colon + 1)) }
}

export class KafkaBrokers {
  readonly #access: KafkaAccess
  readonly #around: Surroundings
  readonly #connections = new Map<string, Promise<KafkaConnection>>()
  #bootstrap: ReadonlyArray<Server>
  #closed = false

  constructor(access: KafkaAccess, around: Surroundings) {
    this.#access = access
    this.#around = around
    this.#bootstrap = access.bootstrapServers.map(serverOf)
  }

  async ask<A>(server: Server, call: Call<A>, signal: AbortSignal): Promise<A> {
    const connection = await this.#connection(server)
    return connection.ask(call, signal)
  }

  /** Whichever of the named servers answers; the one that did is asked first from then on. */
  async askAny<A>(call: Call<A>, signal: AbortSignal): Promise<A> {
    let last: KafkaFailure | undefined
    for (const server of this.#bootstrap) {
      try {
        const answer = await this.ask(server, call, signal)
        this.#bootstrap = [server, ...this.#bootstrap.filter((other) => other !== server)]
        return answer
      } catch (error) {
        if (!(error instanceof KafkaFailure) || !error.again || signal.aborted) throw error
        last = error
      }
    }
    throw last ?? new KafkaFailure("BadOptions", "No broker is named. Write one into bootstrapServers.")
  }

  close(): void {
    this.#closed = true
    for (const opening of this.#connections.values()) {
      opening.then(
        (connection) => connection.close(),
        () => {}
      )
    }
    this.#connections.clear()
  }

  async #connection(server: Server): Promise<KafkaConnection> {
    const key = `${server.host}:${server.port}`
    const already = this.#connections.get(key)
    if (already !== undefined) {
      const connection = await already
      if (connection.usable) return connection
      if (this.#connections.get(key) === already) this.#connections.delete(key)
      return this.#connection(server)
    }
    if (this.#connections.size >= CONNECTIONS_MAX) {
      throw new KafkaFailure("TooLarge", `The cluster has more than ${CONNECTIONS_MAX} brokers. Name the topic.`)
    }
    const opening = KafkaConnection.open(server, this.#access, this.#around)
    this.#connections.set(key, opening)
    try {
      const connection = await opening
      if (this.#closed) connection.close()
      return connection
    } catch (error) {
      if (this.#connections.get(key) === opening) this.#connections.delete(key)
      throw error
    }
  }
}
