/**
 * The port to Redis servers that tenants name: commands out, replies back. Whoever implements it keeps the promises of
 * Egress: no forbidden address is connected to, no reply is larger than `REPLY_BYTES_MAX`, nobody waits longer than
 * `TIMEOUT_MILLIS`.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { Command, Reply } from "#services/resp"
import type { SourceError } from "#services/SourceError"
import type { TlsMaterial } from "#services/tlsMaterial"

export interface RedisServer {
  readonly host: string
  readonly port: number
  readonly db: number
  readonly username?: string
  readonly password?: string
  /** Present: over TLS. */
  readonly tls?: TlsMaterial & {
    /** Whose certificate it has to show, where that is not the host's: members of a cluster are known by address. */
    readonly identity?: string
  }
}

export class RedisWire extends Context.Service<
  RedisWire,
  {
    /** As many replies as there are commands. A server's refusal is a reply here, except of the credentials. */
    readonly exchange: (
      server: RedisServer,
      commands: ReadonlyArray<Command>
    ) => Effect.Effect<ReadonlyArray<Reply>, SourceError>
  }
>()("nimbusguard/services/RedisWire") {}

export const printableServer = ({ host, port }: Pick<RedisServer, "host" | "port">): string =>
  `Redis at ${host.includes(":") ? `[${host}]` : host}:${port}`
