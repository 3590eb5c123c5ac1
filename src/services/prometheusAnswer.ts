/** The answers to instant and range queries, as Prometheus and its relatives put it on the wire. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Millis } from "#schemas/Reading"
import { repeatsHeader, statusError } from "#services/Egress"
import type { EgressAnswer, EgressRequest } from "#services/Egress"
import { jsonBody, parseJson } from "#services/jsonBody"
import { SourceError } from "#services/SourceError"

/** Seconds since the epoch and the value as text: JSON knows neither NaN nor Inf. */
const Sample = Schema.Tuple([Schema.Finite, Schema.String])

const Warnings = { warnings: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.String))) }

const Success = Schema.Struct({
  status: Schema.Literal("success"),
  data: Schema.Union([
    Schema.Struct({ resultType: Schema.Literal("scalar"), result: Sample }),
    Schema.Struct({
      resultType: Schema.Literal("vector"),
      result: Schema.Array(
        Schema.Struct({
          metric: Schema.Record(Schema.String, Schema.String),
          value: Schema.optionalKey(Sample),
          /** A native histogram: not a number. */
          histogram: Schema.optionalKey(Schema.Unknown)
        })
      )
    }),
    Schema.Struct({ resultType: Schema.Literals(["matrix", "string"]), result: Schema.Unknown })
  ]),
  /** VictoriaMetrics' word for it; Thanos and Prometheus' remote reads warn. */
  isPartial: Schema.optionalKey(Schema.Unknown),
  ...Warnings
})

const Range = Schema.Struct({
  status: Schema.Literal("success"),
  data: Schema.Struct({
    resultType: Schema.Literal("matrix"),
    result: Schema.Array(
      Schema.Struct({ metric: Schema.Record(Schema.String, Schema.String), values: Schema.Array(Sample) })
    )
  }),
  ...Warnings
})

const Failure = Schema.Struct({ status: Schema.Literal("error"), errorType: Schema.String, error: Schema.String })

const Answer = Schema.Union([Success, Failure])

export interface PrometheusSeries {
  readonly labels: Readonly<Record<string, string>>
  /** As sent; `NaN` and `+Inf` are for the caller to refuse. */
  readonly value: string
  /** When the query was evaluated. */
  readonly at: Millis
}

export interface PrometheusAnswer {
  readonly kind: "scalar" | "vector"
  readonly series: ReadonlyArray<PrometheusSeries>
  readonly warnings: ReadonlyArray<string>
}

export interface PrometheusCourse {
  readonly labels: Readonly<Record<string, string>>
  /** Oldest first; a gap is a step that is not there. */
  readonly points: ReadonlyArray<Pick<PrometheusSeries, "at" | "value">>
}

/** What the server was sent, which must not come back in its words. */
type Sent = EgressRequest["headers"]

/** One line of plain words: it ends in a status field. */
const plain = (text: string, sent: Sent) =>
  repeatsHeader(text, sent) ? "its words repeat credentials" : text.replace(/[\p{Cc}\p{Cf}\s]+/gu, " ").slice(0, 200)

const refusal = (url: string, failure: typeof Failure.Type, sent: Sent): SourceError => {
  const said = `${url} refused the query (${plain(failure.errorType, sent)}): ${plain(failure.error, sent)}.`
  switch (failure.errorType) {
    case "bad_data":
    case "execution":
      return new SourceError({ why: "BadOptions", detail: `${said} Correct the query.` })
    case "timeout":
    case "canceled":
      return new SourceError({ why: "Timeout", detail: `${said} Make the query cheaper, or record it with a rule.` })
    case "unavailable":
      return new SourceError({ why: "Unreachable", detail: `${said} Wait until the server has started.` })
    default:
      return new SourceError({ why: "HttpStatus", detail: `${said} Look at the server's own log for the cause.` })
  }
}

/** Of how the query is written. Every other warning is of data that could not be fetched, and a sum of the rest is none. */
const OF_THE_QUERY = /^PromQL (?:info|warning):/u

const incomplete = (url: string, what: string) =>
  new SourceError({
    why: "Unreachable",
    detail: `${url} says that its answer may be incomplete (${what}). It is asked again at the next tick; if it stays so, look at the stores behind that server.`
  })

const toMillis = (seconds: number): Millis => Math.round(seconds * 1000)

const notInstant = (url: string, what: string) =>
  new SourceError({ why: "Malformed", detail: `${url} answered with ${what}, which is no number. ` + remedyOfKind })

const remedyOfKind =
  "Write a query that yields a scalar or an instant vector: wrap a range in rate() or avg_over_time(), a histogram in histogram_quantile()."

const refused = (answer: EgressAnswer, sent: Sent): SourceError | undefined => {
  if (answer.status >= 200 && answer.status <= 299) return undefined
  const failure = Schema.decodeUnknownResult(Failure)(Result.getOrUndefined(parseJson(answer.body)))
  return Result.isSuccess(failure) ? refusal(answer.url, failure.success, sent) : statusError(answer).sourceError
}

/** What a range query yields: every series over time. */
export const readRange = Effect.fnUntraced(function* (answer: EgressAnswer, sent?: Sent) {
  const failure = refused(answer, sent)
  if (failure !== undefined) return yield* failure
  const body = yield* jsonBody(Schema.Union([Range, Failure]), answer, "Prometheus' answer to a range query")
  if (body.status === "error") return yield* refusal(answer.url, body, sent)
  return body.data.result.map(({ metric, values }): PrometheusCourse => ({
    labels: metric,
    points: values.map(([seconds, value]) => ({ at: toMillis(seconds), value }))
  }))
})

export const readAnswer = Effect.fnUntraced(function* (answer: EgressAnswer, sent?: Sent) {
  const failure = refused(answer, sent)
  if (failure !== undefined) return yield* failure
  const body = yield* jsonBody(Answer, answer, "Prometheus' answer to a query")
  if (body.status === "error") return yield* refusal(answer.url, body, sent)
  const { data } = body
  const lost = (body.warnings ?? []).find((warning) => !OF_THE_QUERY.test(warning))
  if (lost !== undefined) return yield* incomplete(answer.url, plain(lost, sent))
  if (body.isPartial === true) return yield* incomplete(answer.url, "isPartial")
  const warnings = (body.warnings ?? []).slice(0, 10).map((warning) => plain(warning, sent))
  if (data.resultType === "scalar") {
    const [seconds, value] = data.result
    return { kind: "scalar", series: [{ labels: {}, value, at: toMillis(seconds) }], warnings } as PrometheusAnswer
  }
  if (data.resultType !== "vector") return yield* notInstant(answer.url, `a ${data.resultType}`)
  const series: Array<PrometheusSeries> = []
  for (const { metric, value } of data.result) {
    if (value === undefined) return yield* notInstant(answer.url, "a histogram")
    series.push({ labels: metric, value: value[1], at: toMillis(value[0]) })
  }
  return { kind: "vector", series, warnings } as PrometheusAnswer
})
