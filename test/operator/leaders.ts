/** A Leader for tests of something else: it may act while the test says so. */
import { Effect, Layer, SubscriptionRef } from "effect"
import { Leader, type Leadership } from "#operator/Leader"

export const leaderWhile = (mayAct: () => boolean): Layer.Layer<Leader> =>
  Layer.effect(
    Leader,
    Effect.map(
      SubscriptionRef.make<Leadership>({ leading: true, holder: "operator-a", known: true, trouble: undefined }),
      (state) => ({
        identity: "operator-a",
        state,
        whileLeading: (work) => work,
        mayAct: Effect.sync(mayAct)
      })
    )
  )
