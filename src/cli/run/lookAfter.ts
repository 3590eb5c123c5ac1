/**
 * Looks now and then at the servers that the operator's own settings name, so that their health is known before a
 * policy needs them, and also where no policy does.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { Health } from "#operator/Health"
import { printableUrl, repeatsHeader } from "#services/Egress"
import { modelStatus } from "#services/modelStatus"
import { Prometheus } from "#services/Prometheus"
import { Settings } from "#services/Settings"

const PROMETHEUS_EVERY = "30 seconds"
/** Listing a model costs nothing, but it is somebody else's server. */
const OPENAI_EVERY = "5 minutes"

const lookAtPrometheus = Effect.gen(function* () {
  const health = yield* Health
  const { query } = yield* Prometheus
  yield* query({ serverUrl: undefined, promql: "1" }).pipe(
    Effect.andThen(health.set("prometheus", true, "Answering.")),
    Effect.catch(({ detail }) => health.set("prometheus", false, detail))
  )
})

const lookAtOpenAi = (key: Redacted.Redacted<string>) =>
  Effect.gen(function* () {
    const health = yield* Health
    const { openaiBaseUrl, openaiModel } = yield* Settings
    const headers = { authorization: `Bearer ${Redacted.value(key)}` }
    yield* modelStatus({ baseUrl: openaiBaseUrl, model: openaiModel, headers }).pipe(
      Effect.flatMap((status) =>
        status === 200
          ? health.set("openai", true, "Answering.")
          : health.set(
              "openai",
              false,
              `${printableUrl(openaiBaseUrl)} answers with HTTP ${status} when asked for ${openaiModel}.`
            )
      ),
      Effect.catch(({ message, reason }) =>
        // A redirect is in the server's own words.
        health.set(
          "openai",
          false,
          repeatsHeader(message, headers) ? `${printableUrl(openaiBaseUrl)} cannot be asked (${reason._tag}).` : message
        )
      )
    )
  })

export const layerLookAfter = Layer.effectDiscard(
  Effect.gen(function* () {
    const { openaiApiKey, prometheusUrl } = yield* Settings
    if (prometheusUrl !== undefined) {
      yield* lookAtPrometheus.pipe(Effect.andThen(Effect.sleep(PROMETHEUS_EVERY)), Effect.forever, Effect.forkScoped)
    }
    if (openaiApiKey !== undefined) {
      yield* lookAtOpenAi(openaiApiKey).pipe(
        Effect.andThen(Effect.sleep(OPENAI_EVERY)),
        Effect.forever,
        Effect.forkScoped
      )
    }
  })
)
