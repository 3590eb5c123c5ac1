/**
 * The port to what waits in Redis: how long a list, set, sorted set or hash is, and how far the groups of a stream have
 * read. In a cluster the key's own server is found by its members' redirections. Nothing is ever written, and no
 * script is run.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { printableServer, RedisWire } from "#services/RedisWire"
import type { RedisServer } from "#services/RedisWire"
import { refusal } from "#services/redisRefusals"
import { isErrorReply } from "#services/resp"
import type { Command, ErrorReply, Reply } from "#services/resp"
import { sharedAnswers } from "#services/sharedAnswers"
import { SourceError } from "#services/SourceError"
import { traced } from "#services/traced"

export interface RedisQuestion {
  readonly server: RedisServer
  readonly key: string
  /** Of a stream: ask its groups too. */
  readonly groups: boolean
}

export interface StreamGroup {
  readonly name: string
  /** Delivered to a consumer and not acknowledged. */
  readonly pending: number
  /** Not delivered yet. Undefined: the server cannot tell, or is older than 7.0. */
  readonly lag: number | undefined
}

/** As sent: whether a number is usable is for the reader to judge. */
export type RedisQueue =
  | { readonly _tag: "None" }
  | { readonly _tag: "Length"; readonly type: string; readonly length: number }
  | { readonly _tag: "Stream"; readonly length: number; readonly groups: ReadonlyArray<StreamGroup> }
  | { readonly _tag: "Other"; readonly type: string }

export class Redis extends Context.Service<
  Redis,
  { readonly queue: (question: RedisQuestion) => Effect.Effect<RedisQueue, SourceError> }
>()("nimbusguard/services/Redis") {}

const REDIRECTIONS_MAX = 5

const LENGTHS: Readonly<Record<string, string>> = { list: "LLEN", set: "SCARD", zset: "ZCARD", hash: "HLEN" }

/** Where to ask: a member of a cluster, and whether it has to be told that it does not own the key yet. */
interface Place {
  readonly server: RedisServer
  readonly asking: boolean
}

/** The member that a redirection names; an empty host is the one that said so. */
const redirected = (text: string, { server }: Place): Place | undefined => {
  const [, kind, host = "", port = ""] = /^(MOVED|ASK) \d+ (.*):(\d{1,5})$/u.exec(text) ?? []
  if (kind === undefined || !/^[-.:_a-zA-Z0-9]*$/u.test(host) || Number(port) < 1 || Number(port) > 65_535)
    return undefined
  const { tls, ...rest } = server
  const identity = tls?.identity ?? server.host
  // A member that is named shows its own name; one that is known by address shows the cluster's.
  const isAddress = host.includes(":") || /^[\d.]*$/u.test(host)
  return {
    asking: kind === "ASK",
    server: {
      ...rest,
      host: host === "" ? server.host : host,
      port: Number(port),
      ...(tls === undefined ? {} : { tls: isAddress ? { ...tls, identity } : withoutIdentity(tls) })
    }
  }
}

const withoutIdentity = ({ ca, cert, key }: NonNullable<RedisServer["tls"]>) => ({
  ...(ca === undefined ? {} : { ca }),
  ...(cert === undefined ? {} : { cert }),
  ...(key === undefined ? {} : { key })
})

const isRedirection = (reply: Reply | undefined): reply is ErrorReply =>
  isErrorReply(reply) && /^(?:MOVED|ASK) /u.test(reply.text)

const unexpected = (server: RedisServer) =>
  new SourceError({
    why: "Malformed",
    detail: `${printableServer(server)} answered otherwise than Redis does. Check that host and port name a Redis server.`
  })

const groupOf = (reply: Reply): StreamGroup | undefined => {
  if (!Array.isArray(reply)) return undefined
  const parts = reply as ReadonlyArray<Reply>
  const field = (name: string) => {
    const at = parts.findIndex((part, index) => index % 2 === 0 && part === name)
    return at === -1 ? undefined : parts[at + 1]
  }
  const [name, pending, lag] = [field("name"), field("pending"), field("lag")]
  return typeof name === "string" && typeof pending === "number"
    ? { name, pending, lag: typeof lag === "number" ? lag : undefined }
    : undefined
}

const make = Effect.gen(function* () {
  const wire = yield* RedisWire

  const exchange = Effect.fnUntraced(function* ({ asking, server }: Place, commands: ReadonlyArray<Command>) {
    const sent = asking ? commands.flatMap((command): ReadonlyArray<Command> => [["ASKING"], command]) : commands
    const replies = yield* wire.exchange(server, sent)
    return asking ? replies.filter((_, at) => at % 2 === 1) : replies
  })

  /** The replies of whoever has the key, and who that was. */
  const ask = Effect.fnUntraced(function* (from: Place, commands: ReadonlyArray<Command>) {
    let place = from
    for (let redirections = 0; ; redirections++) {
      const replies = yield* exchange(place, commands)
      const away = replies.find(isRedirection)
      const refused = replies.find(isErrorReply)
      if (away === undefined && refused !== undefined) return yield* refusal(refused, printableServer(place.server))
      if (away === undefined) return { place, replies }
      const next = redirected(away.text, place)
      if (next === undefined) return yield* unexpected(place.server)
      if (redirections === REDIRECTIONS_MAX) {
        return yield* new SourceError({
          why: "NotLeader",
          detail: `${printableServer(from.server)} belongs to a cluster whose members send us round and round for this key. Look at CLUSTER SLOTS of its members.`
        })
      }
      place = next
    }
  })

  const number = Effect.fnUntraced(function* (server: RedisServer, reply: Reply | undefined) {
    return typeof reply === "number" ? reply : yield* unexpected(server)
  })

  const look = traced("Redis.look")(function* ({ groups, key, server }: RedisQuestion) {
    yield* Effect.annotateCurrentSpan({ server: printableServer(server), key })
    const { place, replies } = yield* ask({ server, asking: false }, [["TYPE", key]])
    const [type] = replies
    if (typeof type !== "string") return yield* unexpected(place.server)
    if (type === "none") return { _tag: "None" } as RedisQueue
    if (type === "stream") {
      const commands: ReadonlyArray<Command> = [["XLEN", key], ...(groups ? [["XINFO", "GROUPS", key] as const] : [])]
      const told = yield* ask(place, commands)
      const length = yield* number(place.server, told.replies[0])
      const listed = groups ? told.replies[1] : []
      const all = Array.isArray(listed) ? (listed as ReadonlyArray<Reply>).map(groupOf) : [undefined]
      const known = all.filter((group) => group !== undefined)
      return known.length < all.length
        ? yield* unexpected(place.server)
        : ({ _tag: "Stream", length, groups: known } as RedisQueue)
    }
    const command = Object.hasOwn(LENGTHS, type) ? LENGTHS[type] : undefined
    if (command === undefined) return { _tag: "Other", type } as RedisQueue
    const told = yield* ask(place, [[command, key]])
    return { _tag: "Length", type, length: yield* number(place.server, told.replies[0]) } as RedisQueue
  })

  return Redis.of({ queue: yield* sharedAnswers(look) })
})

export const layer: Layer.Layer<Redis, never, RedisWire> = Layer.effect(Redis, make)
