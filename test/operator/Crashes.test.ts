import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { assert, describe, it } from "@effect/vitest"
import { Crashes } from "#operator/Crashes"
import { Health } from "#operator/Health"
import { Metrics } from "#services/Metrics"

const crash = (message: string) => ({ at: 0, message, count: 1 })

describe("crashes", () => {
  it.effect("make the decision engine ill until the last actor is well again", () =>
    Effect.gen(function* () {
      const health = yield* Health
      const crashes = new Crashes(health)
      const engine = Effect.map(health.report, ({ components }) => components["decision_engine"])
      yield* crashes.note("a", crash("boom"))
      yield* crashes.note("b", crash("bang"))
      assert.deepInclude(yield* engine, { healthy: false, detail: "2 policies' actors crashed: boom" })
      yield* crashes.note("a", undefined)
      assert.deepInclude(yield* engine, { healthy: false, detail: "1 policies' actors crashed: bang" })
      yield* crashes.note("b", undefined)
      assert.deepInclude(yield* engine, { healthy: true })
    }).pipe(Effect.provide(Health.layer.pipe(Layer.provide(Metrics.layerNone))))
  )
})
