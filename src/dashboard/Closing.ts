/** That a listener is about to end, told before it waits for its connections: an open page's stream would else hold it up. */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

export class Closing extends Context.Service<Closing, Deferred.Deferred<void>>()("nimbusguard/dashboard/Closing") {
  static readonly layer = Layer.effect(Closing, Deferred.make<void>())

  /** Built after whatever it is to end before. */
  static readonly layerTell = Layer.effectDiscard(
    Closing.use((closing) => Effect.addFinalizer(() => Deferred.succeed(closing, undefined)))
  )
}
