/** The language model, where there is a key. Most installations have none, so what speaks to it is loaded only then. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Settings } from "#services/Settings"

/** Egress and Metrics are given. */
export const layerLanguageModel = Layer.unwrap(
  Effect.gen(function* () {
    const { openaiApiKey } = yield* Settings
    if (openaiApiKey === undefined) return Layer.empty
    const live = yield* Effect.promise(() => import("./OpenAiLive.ts"))
    return live.layer
  })
)
