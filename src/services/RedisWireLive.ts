/**
 * RedisWire over sockets: one connection for each server and set of credentials, closed a minute after its last user,
 * to addresses that were judged as Egress judges them.
 */
import { lookup as lookupName } from "node:dns"
import type { LookupFunction } from "node:net"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as RcMap from "effect/RcMap"
import { EgressError, TIMEOUT_MILLIS } from "#services/Egress"
import { makeJudge } from "#services/forbiddenAddresses"
import { RedisConnection, sourceErrorOf } from "#services/redisConnection"
import { printableServer, RedisWire } from "#services/RedisWire"
import type { RedisServer } from "#services/RedisWire"
import { Settings } from "#services/Settings"
import { SourceError } from "#services/SourceError"
import { traced } from "#services/traced"

const CONNECTIONS_MAX = 4096
const CONNECTION_IDLE = "60 seconds"

export interface RedisSettings {
  readonly insideCluster: boolean
  /** How names become addresses. */
  readonly lookup: LookupFunction
}

const make = Effect.fn("RedisWireLive.make")(function* (settings: RedisSettings) {
  const around = { judge: makeJudge(), lookup: settings.lookup, loopbackAllowed: !settings.insideCluster }
  const connections = yield* RcMap.make({
    lookup: (server: string) =>
      Effect.acquireRelease(
        Effect.sync(() => new RedisConnection(JSON.parse(server) as RedisServer, around)),
        (connection) => Effect.sync(() => connection.close())
      ),
    idleTimeToLive: CONNECTION_IDLE,
    capacity: CONNECTIONS_MAX
  })

  return RedisWire.of({
    exchange: traced("RedisWire.exchange")(function* (server, commands) {
      yield* Effect.annotateCurrentSpan("server", printableServer(server))
      const connection = yield* RcMap.get(connections, JSON.stringify(server)).pipe(
        Effect.mapError(
          () =>
            new SourceError({
              why: "Throttled",
              detail: `${printableServer(server)} was not asked: ${CONNECTIONS_MAX} servers are asked already. Name fewer of them.`
            })
        )
      )
      return yield* Effect.tryPromise({
        try: (signal) => connection.exchange(commands, signal),
        catch: (cause) => sourceErrorOf(cause, server)
      }).pipe(
        Effect.timeoutOrElse({
          duration: TIMEOUT_MILLIS,
          orElse: () =>
            new EgressError({
              reason: { _tag: "Timeout" },
              url: printableServer(server),
              detail: `did not answer within ${TIMEOUT_MILLIS} ms`
            }).sourceError
        })
      )
    }, Effect.scoped)
  })
})

export const layerWith = (settings: RedisSettings): Layer.Layer<RedisWire> => Layer.effect(RedisWire, make(settings))

export const layer: Layer.Layer<RedisWire, never, Settings> = Layer.effect(
  RedisWire,
  Effect.flatMap(Settings, ({ inCluster }) => make({ insideCluster: inCluster, lookup: lookupName as LookupFunction }))
)
