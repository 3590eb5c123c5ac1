/** The HTTP API of Prometheus over a store of the world: what the operator asks, and what Grafana and people look at. */
import type { Json } from "#cluster/api/json"
import { type Answer, type Course, LOOKBACK_MILLIS, PromQl } from "#cluster/world/promql/PromQl"
import { QueryRefused } from "#cluster/world/promql/syntax"
import { durationMillis } from "#cluster/world/promql/tokens"
import { type Labels, NAME, type SeriesStore } from "#cluster/world/SeriesStore"
import type { PageAnswer, PageRequest, Site } from "#cluster/world/Site"
import { parseTime } from "#services/kubernetesTime"

/** As Prometheus 2: one answer never holds more steps. */
const STEPS_MAX = 11_000

/** Go's shortest form, which JavaScript shares but for one digit in the exponent. */
export const numberText = (value: number): string => {
  if (Number.isNaN(value)) return "NaN"
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf"
  return String(value).replace(/e([+-])(\d)$/u, "e$10$2")
}

const success = (data: Json): PageAnswer => ({ status: 200, json: { status: "success", data } })

const STATUSES = { bad_data: 400, execution: 422, not_found: 404 } as const

const failure = (errorType: keyof typeof STATUSES, error: string): PageAnswer => ({
  status: STATUSES[errorType],
  json: { status: "error", errorType, error }
})

const badParameter = (name: string, error: string) =>
  new QueryRefused("bad_data", `invalid parameter ${JSON.stringify(name)}: ${error}`)

const DURATION = /^(?:\d+(?:ms|[smhdwy]))+$/u

/** Seconds since 1970, or RFC 3339. */
const timeOf = (name: string, text: string): number => {
  const seconds = text.trim() === "" ? Number.NaN : Number(text)
  const millis = Number.isFinite(seconds) ? Math.round(seconds * 1000) : parseTime(text)
  if (millis === undefined) throw badParameter(name, `cannot parse ${JSON.stringify(text)} to a valid timestamp`)
  return millis
}

const lengthOf = (name: string, text: string): number => {
  const millis = DURATION.test(text) ? durationMillis(text) : text.trim() === "" ? Number.NaN : Number(text) * 1000
  if (!Number.isFinite(millis)) throw badParameter(name, `cannot parse ${JSON.stringify(text)} to a valid duration`)
  return millis
}

const sample = (atMillis: number, value: number): Json => [atMillis / 1000, numberText(value)]

const metric = (labels: Labels): Json => ({ ...labels })

const matrix = (courses: ReadonlyArray<Course>): Json => ({
  resultType: "matrix",
  result: courses.map(({ labels, points }) => ({
    metric: metric(labels),
    values: points.map(([atMillis, value]) => sample(atMillis, value))
  }))
})

const written = (answer: Answer, atMillis: number): Json => {
  switch (answer.type) {
    case "scalar":
      return { resultType: "scalar", result: sample(atMillis, answer.value) }
    case "vector":
      return {
        resultType: "vector",
        result: answer.points.map(({ labels, value }) => ({ metric: metric(labels), value: sample(atMillis, value) }))
      }
    case "matrix":
      return matrix(answer.courses)
  }
}

export interface PrometheusOptions {
  readonly store: SeriesStore
  readonly nowMillis: () => number
}

export const prometheusPages = ({ nowMillis, store }: PrometheusOptions): Site => {
  const promql = new PromQl(store)

  const lookback = (parameters: URLSearchParams): number => {
    const given = parameters.get("lookback_delta")
    return given === null ? LOOKBACK_MILLIS : lengthOf("lookback_delta", given)
  }

  const asked = (parameters: URLSearchParams): string => parameters.get("query") ?? ""

  const query = (parameters: URLSearchParams): PageAnswer => {
    const time = parameters.get("time")
    const atMillis = time === null ? nowMillis() : timeOf("time", time)
    return success(written(promql.instant(asked(parameters), atMillis, lookback(parameters)), atMillis))
  }

  const range = (parameters: URLSearchParams): PageAnswer => {
    const [from, to] = ["start", "end"].map((name) => timeOf(name, parameters.get(name) ?? ""))
    const step = lengthOf("step", parameters.get("step") ?? "")
    if (from === undefined || to === undefined || to < from) {
      throw badParameter("end", "end timestamp must not be before start time")
    }
    if (step <= 0) {
      throw badParameter(
        "step",
        "zero or negative query resolution step widths are not accepted. Try a positive integer"
      )
    }
    if ((to - from) / step > STEPS_MAX) {
      const sentence =
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)"
      throw new QueryRefused("bad_data", sentence)
    }
    return success(matrix(promql.range(asked(parameters), from, to, step, lookback(parameters))))
  }

  const chosen = (parameters: URLSearchParams): ReadonlyArray<Labels> => {
    const selectors = parameters.getAll("match[]")
    return promql.series(selectors.length === 0 ? [`{${NAME}!=""}`] : selectors)
  }

  const values = (label: string, parameters: URLSearchParams): PageAnswer => {
    if (label === NAME && !parameters.has("match[]")) return success([...store.names])
    const found = new Set(chosen(parameters).flatMap((labels) => labels[label] ?? []))
    return success([...found].toSorted())
  }

  const page = ({ parameters, path }: PageRequest): PageAnswer => {
    const label = /\/api\/v1\/label\/([^/]+)\/values$/u.exec(path)?.[1]
    if (label !== undefined) return values(decodeURIComponent(label), parameters)
    switch (/(?:\/api\/v1)?\/[^/]+(?:\/buildinfo)?$/u.exec(path)?.[0]) {
      case "/api/v1/query":
        return query(parameters)
      case "/api/v1/query_range":
        return range(parameters)
      case "/api/v1/series":
        return success(chosen(parameters).map(metric))
      case "/api/v1/labels":
        return success([...new Set(chosen(parameters).flatMap((labels) => Object.keys(labels)))].toSorted())
      case "/api/v1/metadata":
        return success({})
      case "/api/v1/status/buildinfo":
        // What it can do is what that version does; Grafana asks to know.
        return success({ version: "2.42.0", application: "nimbusguard embedded cluster" })
      case "/healthy":
      case "/ready":
        return success("ready")
      default:
        return failure(
          "not_found",
          `${path} is not served by the embedded cluster's Prometheus: ask /api/v1/query, query_range, series, labels or label/NAME/values`
        )
    }
  }

  return (request) => {
    try {
      return page(request)
    } catch (error) {
      if (!(error instanceof QueryRefused)) throw error
      const isOfTheQuery =
        error.errorType === "bad_data" && !/^(?:invalid parameter|exceeded|invalid expr)/u.test(error.message)
      const sentence = isOfTheQuery ? `invalid parameter "query": ${error.message}` : error.message
      return failure(error.errorType, sentence)
    }
  }
}
