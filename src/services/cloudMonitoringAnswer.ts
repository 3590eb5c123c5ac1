/** The answer of Cloud Monitoring to projects.timeSeries.list, and its refusals, as its REST API writes them. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Millis } from "#schemas/Reading"
import { statusError } from "#services/Egress"
import type { EgressAnswer } from "#services/Egress"
import { jsonBody, parseJson } from "#services/jsonBody"
import { parseTime } from "#services/kubernetesTime"
import { SourceError } from "#services/SourceError"

const Labels = Schema.optionalKey(Schema.Record(Schema.String, Schema.String))

/** As protocol buffers are written in JSON: 64-bit integers are text, and so is what JSON has no number for. */
const Value = Schema.Union([
  Schema.Struct({ int64Value: Schema.String.check(Schema.isPattern(/^-?\d+$/u)) }),
  Schema.Struct({ doubleValue: Schema.Union([Schema.Finite, Schema.Literals(["NaN", "Infinity", "-Infinity"])]) })
])

const TimeSeries = Schema.Struct({
  metric: Schema.Struct({ type: Schema.String, labels: Labels }),
  resource: Schema.Struct({ type: Schema.String, labels: Labels }),
  points: Schema.optionalKey(
    Schema.Array(Schema.Struct({ interval: Schema.Struct({ endTime: Schema.String }), value: Value }))
  )
})
type TimeSeries = typeof TimeSeries.Type

const Status = Schema.Struct({ code: Schema.optionalKey(Schema.Int), message: Schema.optionalKey(Schema.String) })

const Page = Schema.Struct({
  timeSeries: Schema.optionalKey(Schema.Array(TimeSeries)),
  nextPageToken: Schema.optionalKey(Schema.String),
  executionErrors: Schema.optionalKey(Schema.Array(Status)),
  unreachable: Schema.optionalKey(Schema.Array(Schema.String)),
  unit: Schema.optionalKey(Schema.String)
})
const FIELDS = new Set(Object.keys(Page.fields))

/** An object without anything is what no series looks like, so that an answer of another API must not pass for it. */
const isForeign = (body: string): boolean =>
  Object.keys(Result.getOrElse(parseJson(body), () => ({})) as object).some((name) => !FIELDS.has(name))

const Refusal = Schema.Struct({
  error: Schema.Struct({
    code: Schema.Int,
    message: Schema.optionalKey(Schema.String),
    status: Schema.optionalKey(Schema.String.check(Schema.isPattern(/^[A-Z_]{1,64}$/u)))
  })
})

export interface MonitoringPoint {
  readonly value: number
  readonly at: Millis
}

/** One time series, or what is known of it from one page. */
export interface MonitoringSeries {
  /** Equal for the parts of one series. */
  readonly identity: string
  readonly metricType: string
  readonly resourceType: string
  readonly resourceLabels: Readonly<Record<string, string>>
  readonly points: ReadonlyArray<MonitoringPoint>
}

export interface MonitoringPage {
  readonly series: ReadonlyArray<MonitoringSeries>
  readonly nextPageToken: string | undefined
}

const plain = (text: string) => text.replace(/[\p{Cc}\p{Cf}\s]+/gu, " ").slice(0, 200)

/** Who has to do something about it, where Egress' own words would name options that this source has not. */
const REMEDIES: Readonly<Record<number, string>> = {
  400: "Correct projectId and subscriptionId.",
  401: "Give credentialsSecret the JSON key of a service account that exists.",
  403: "Grant the role Monitoring Viewer on the project to the service account, and enable the Cloud Monitoring API there.",
  404: "Check projectId; the metric is known some minutes after the project's first subscription."
}

/** `sent` may come back in a server's words; then they are not repeated. */
const refusalOf = (answer: EgressAnswer, sent: string): SourceError => {
  const refusal = Schema.decodeUnknownResult(Refusal)(Result.getOrUndefined(parseJson(answer.body)))
  const said = Result.isSuccess(refusal) ? refusal.success.error : undefined
  const message = said?.message ?? ""
  const quoted = message === "" || (sent !== "" && message.includes(sent)) ? undefined : plain(message)
  const general = statusError(answer, quoted)
  const remedy = REMEDIES[answer.status]
  const isTold = answer.status !== 400 || said?.status === "INVALID_ARGUMENT"
  if (remedy === undefined || !isTold) return general.sourceError
  const why = answer.status === 400 ? "BadOptions" : general.reason._tag
  return new SourceError({ why, detail: `${general.url} ${general.detail.replace(/\.$/u, "")}. ${remedy}` })
}

const numberOf = (value: typeof Value.Type): number =>
  "int64Value" in value ? Number(value.int64Value) : Number(value.doubleValue)

const sorted = (labels: Readonly<Record<string, string>> = {}) =>
  Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1))

const seriesOf = ({ metric, points = [], resource }: TimeSeries): MonitoringSeries | undefined => {
  const parsed = points.map(({ interval, value }) => ({ value: numberOf(value), at: parseTime(interval.endTime) }))
  const known = parsed.flatMap(({ at, value }) => (at === undefined ? [] : [{ value, at }]))
  if (known.length < parsed.length) return undefined
  return {
    identity: JSON.stringify([metric.type, sorted(metric.labels), resource.type, sorted(resource.labels)]),
    metricType: metric.type,
    resourceType: resource.type,
    resourceLabels: resource.labels ?? {},
    points: known
  }
}

const incomplete = (url: string, what: string) =>
  new SourceError({
    why: "Unreachable",
    detail: `${url} says that its answer may be incomplete: ${plain(what)}. It is asked again at a later tick; look at Google Cloud's status page if this lasts.`
  })

export const readPage = Effect.fnUntraced(function* (answer: EgressAnswer, sent: string) {
  if (answer.status < 200 || answer.status > 299) return yield* refusalOf(answer, sent)
  const expected = "Cloud Monitoring's list of time series"
  const malformed = (what: string) =>
    new SourceError({
      why: "Malformed",
      detail: `${answer.url} answered with ${what} instead of ${expected}. Check that the endpoint is Cloud Monitoring.`
    })
  const page = yield* jsonBody(Page, answer, expected)
  if (page.timeSeries === undefined && isForeign(answer.body)) return yield* malformed("other JSON")
  const [error] = page.executionErrors ?? []
  if (error !== undefined) return yield* incomplete(answer.url, error.message ?? `code ${error.code ?? "unknown"}`)
  const [region] = page.unreachable ?? []
  if (region !== undefined) return yield* incomplete(answer.url, `${region} was not reached`)
  const series: Array<MonitoringSeries> = []
  for (const one of page.timeSeries ?? []) {
    const parsed = seriesOf(one)
    if (parsed === undefined) return yield* malformed("a point that has no time")
    series.push(parsed)
  }
  const next = page.nextPageToken ?? ""
  return { series, nextPageToken: next === "" ? undefined : next } satisfies MonitoringPage
})
