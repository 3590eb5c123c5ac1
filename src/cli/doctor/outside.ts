/** The servers that the operator's own settings name: whether they answer as what they are taken for. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { failed, ok, skipped, warning } from "#cli/doctor/Finding"
import { Egress, printableUrl } from "#services/Egress"
import { modelStatus } from "#services/modelStatus"
import { queryUrl, withQuery } from "#services/Prometheus"
import { Settings } from "#services/Settings"

export const checkPrometheus = Effect.fn("doctor.prometheus")(function* () {
  const name = "Prometheus"
  const { prometheusUrl } = yield* Settings
  const { request } = yield* Egress
  if (prometheusUrl === undefined) {
    return skipped(name, "PROMETHEUS_URL is not set; policies can name a server of their own")
  }
  const named = printableUrl(prometheusUrl)
  const Answer = Schema.fromJsonString(Schema.Struct({ status: Schema.Literal("success") }))
  return yield* request({ method: "GET", url: withQuery(queryUrl(prometheusUrl), { query: "1" }), trusted: true }).pipe(
    Effect.flatMap(({ status, body }) =>
      status === 200
        ? Effect.as(Schema.decodeUnknownEffect(Answer)(body), ok(name, `${named} answers queries`))
        : Effect.succeed(
            failed(name, `${named} answers with HTTP ${status}`, "check PROMETHEUS_URL, path prefix included")
          )
    ),
    Effect.catch((error) =>
      Effect.succeed(
        error._tag === "EgressError"
          ? failed(name, error.message, "check PROMETHEUS_URL")
          : failed(name, `${named} is something else than Prometheus`, "check PROMETHEUS_URL, path prefix included")
      )
    )
  )
})

export const checkOpenAi = Effect.fn("doctor.openai")(function* () {
  const name = "OpenAI"
  const { openaiApiKey, openaiBaseUrl, openaiModel } = yield* Settings
  if (openaiApiKey === undefined)
    return skipped(name, "OPENAI_API_KEY is not set; nothing needs it unless a policy asks")
  const named = printableUrl(openaiBaseUrl)
  const authorization = `Bearer ${Redacted.value(openaiApiKey)}`
  return yield* modelStatus({ baseUrl: openaiBaseUrl, model: openaiModel, headers: { authorization } }).pipe(
    Effect.map((status) => {
      if (status === 200) return ok(name, `${named} takes the key and has ${openaiModel}`)
      if (status === 401 || status === 403) {
        return warning(name, `${named} refuses the key (HTTP ${status})`, "set OPENAI_API_KEY to a valid key")
      }
      return status === 404
        ? warning(name, `${named} has no model ${openaiModel}`, "set OPENAI_MODEL to one that the key may use")
        : warning(name, `${named} answers with HTTP ${status}`, "check OPENAI_BASE_URL")
    }),
    Effect.catch((error) =>
      Effect.succeed(warning(name, error.message, "check OPENAI_BASE_URL, HTTPS_PROXY and NO_PROXY"))
    )
  )
})
