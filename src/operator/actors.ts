/** The actors that the Supervisor runs: how many may work at once, and what they share. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { Metrics } from "#services/Metrics"
import { Plugs } from "#operator/bind"
import { Checkpoints } from "#operator/checkpoint"
import { Crashes } from "#operator/Crashes"
import { Gate } from "#operator/Gate"
import { Health } from "#operator/Health"
import type { PolicyObject } from "#operator/Mailbox"
import { resolveTargets } from "#operator/observe"
import { type ActorServices, PolicyActor, type Shared } from "#operator/PolicyActor"
import { Rhythm } from "#operator/Rhythm"
import { type ActorPost, Actors } from "#operator/Supervisor"

export interface ActorOptions {
  /** Ticks that may wait for their sources at once. */
  readonly observingAtOnce: number
  /** Ticks that may decide and write at once. */
  readonly actingAtOnce: number
}

export const ACTOR_OPTIONS: ActorOptions = { observingAtOnce: 2_000, actingAtOnce: 64 }

/**
 * Provides the same services to effects that nearly all run in one and the same context: it is merged with them once and
 * not with every message, which would copy all services of the process each time.
 */
const sharing = <R>(services: Context.Context<R>) => {
  let last: readonly [own: Context.Context<never>, merged: Context.Context<R>] | undefined
  const merged = (own: Context.Context<never>): Context.Context<R> => {
    if (last?.[0] !== own) last = [own, Context.merge(own, services)]
    return last[1]
  }
  return <A, E>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E> => Effect.updateContext(self, merged)
}

const make = Effect.fnUntraced(function* (options: ActorOptions) {
  const context = yield* Effect.context<ActorServices>()
  const plugs = yield* Plugs
  const shared: Shared = {
    within: sharing(plugs.services === undefined ? context : Context.merge(plugs.services, context)),
    observing: new Gate(options.observingAtOnce),
    acting: new Gate(options.actingAtOnce),
    metrics: yield* Metrics,
    checkpoints: yield* Checkpoints,
    plugs,
    rhythm: new Rhythm(),
    crashes: new Crashes(yield* Health)
  }
  const targetsOf = (object: PolicyObject) =>
    Result.isFailure(object.decoded)
      ? Effect.succeed([])
      : Effect.map(resolveTargets(object.decoded.success), ({ claimed }) => claimed).pipe(
          Effect.provideContext(context)
        )
  return { make: (post: ActorPost) => Effect.sync(() => new PolicyActor(shared, post)), targetsOf }
})

export const layerWith = (options: ActorOptions): Layer.Layer<Actors, never, ActorServices> =>
  Layer.effect(
    Actors,
    Effect.suspend(() => make(options))
  )

export const layer = layerWith(ACTOR_OPTIONS)
