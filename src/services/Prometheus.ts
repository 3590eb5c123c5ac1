/**
 * The port to Prometheus and everything that speaks its query API. Policies that ask the same question within a
 * second share one request, so that a fleet of policies on one dashboard's query costs Prometheus one.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import type { Millis } from "#schemas/Reading"
import { Egress, printableUrl } from "#services/Egress"
import type { AnswerKind, EgressRequest } from "#services/Egress"
import { readAnswer, readRange } from "#services/prometheusAnswer"
import type { PrometheusAnswer, PrometheusCourse } from "#services/prometheusAnswer"
import { Settings } from "#services/Settings"
import { sharedAnswers } from "#services/sharedAnswers"
import { SourceError } from "#services/SourceError"
import type { TlsMaterial } from "#services/tlsMaterial"
import { annotated, traced } from "#services/traced"

export interface PrometheusQuery {
  /** Undefined: the operator's own. */
  readonly serverUrl: string | undefined
  readonly promql: string
  readonly headers?: Readonly<Record<string, string>>
  readonly tls?: TlsMaterial
  /** Evaluated then instead of now. */
  readonly at?: Millis
  /** How old a sample may be and still count, instead of the server's default of five minutes. */
  readonly lookbackMillis?: number
  /** Absent: what one number takes. More is for questions that no tenant has written. */
  readonly answer?: AnswerKind
}

/** The same question at every step from one moment to another. */
export interface PrometheusRange extends Omit<PrometheusQuery, "at"> {
  readonly from: Millis
  readonly to: Millis
  readonly stepMillis: number
}

export class Prometheus extends Context.Service<
  Prometheus,
  {
    readonly query: (query: PrometheusQuery) => Effect.Effect<PrometheusAnswer, SourceError>
    /** How it went: for what looks back further than one number, and seldom, so that nobody shares it. */
    readonly range: (range: PrometheusRange) => Effect.Effect<ReadonlyArray<PrometheusCourse>, SourceError>
    /** Whether the operator has a Prometheus of its own. */
    readonly hasDefault: boolean
  }
>()("nimbusguard/services/Prometheus") {}

/** Larger answers are shared while they are on their way, and not kept. */
const SERIES_KEPT_MAX = 1000
const SERVERS_MAX = 256

/** A question as text, so that equal ones are one key of the cache. */
interface Question extends Pick<EgressRequest, "headers" | "tls" | "trusted" | "answer"> {
  readonly server: string
  readonly page: "query" | "query_range"
  readonly parameters: Readonly<Record<string, string>>
}

export const queryUrl = (server: string, page: Question["page"] = "query"): string => {
  if (!URL.canParse(server)) return server
  const url = new URL(server)
  url.pathname = `${url.pathname.replace(/\/+$/u, "")}/api/v1/${page}`
  return url.href
}

export const withQuery = (url: string, parameters: Readonly<Record<string, string>>): string => {
  if (!URL.canParse(url)) return url
  const whole = new URL(url)
  for (const [name, value] of Object.entries(parameters)) whole.searchParams.set(name, value)
  return whole.href
}

export interface PrometheusSettings {
  readonly defaultUrl: string | undefined
}

const make = Effect.fn("Prometheus.make")(function* (settings: PrometheusSettings) {
  const egress = yield* Egress
  const getOnly = yield* Ref.make<ReadonlySet<string>>(new Set())

  const exchange = Effect.fnUntraced(function* ({ page, parameters, server, ...common }: Question) {
    const url = queryUrl(server, page)
    const get = Effect.suspend(() => egress.request({ ...common, method: "GET", url: withQuery(url, parameters) }))
    if ((yield* Ref.get(getOnly)).has(server)) return yield* get
    const text = new URLSearchParams(parameters).toString()
    const body = { contentType: "application/x-www-form-urlencoded", text }
    const answer = yield* egress.request({ ...common, method: "POST", url, body })
    if (answer.status !== 405) return answer
    yield* Ref.update(getOnly, (known) => new Set([...known, server].slice(-SERVERS_MAX)))
    return yield* get
  })

  const ask = traced("Prometheus.ask")(function* (question: Question) {
    const server = () => printableUrl(question.server)
    yield* annotated(() => ({ server: server(), promql: question.parameters["query"] }))
    const answer = yield* exchange(question).pipe(
      Effect.mapError((error) => error.sourceError),
      Effect.flatMap((answer) => readAnswer(answer, question.headers))
    )
    if (answer.warnings.length > 0) {
      yield* Effect.annotateCurrentSpan("warnings", answer.warnings)
      yield* Effect.logDebug("Prometheus answered with warnings", { server: server(), warnings: answer.warnings })
    }
    return answer
  })

  const shared = yield* sharedAnswers(ask, { keeps: ({ series }) => series.length <= SERIES_KEPT_MAX })

  const questionOf = Effect.fnUntraced(function* (
    { answer, headers, lookbackMillis, promql, serverUrl, tls }: PrometheusQuery,
    page: Question["page"],
    parameters: Readonly<Record<string, string>>
  ) {
    const server = serverUrl ?? settings.defaultUrl
    if (server === undefined) {
      return yield* new SourceError({
        why: "BadOptions",
        detail:
          "The policy names no Prometheus and the operator has none of its own. Set serverUrl, or PROMETHEUS_URL on the operator."
      })
    }
    const question: Question = {
      server,
      page,
      trusted: serverUrl === undefined,
      ...(tls === undefined ? {} : { tls }),
      ...(answer === undefined ? {} : { answer }),
      headers: Object.fromEntries(Object.entries(headers ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1))),
      parameters: {
        query: promql,
        ...parameters,
        ...(lookbackMillis === undefined ? {} : { lookback_delta: String(lookbackMillis / 1000) })
      }
    }
    return question
  })

  return Prometheus.of({
    hasDefault: settings.defaultUrl !== undefined,
    query: Effect.fnUntraced(function* (query: PrometheusQuery) {
      const time: Readonly<Record<string, string>> = query.at === undefined ? {} : { time: String(query.at / 1000) }
      return yield* shared(yield* questionOf(query, "query", time))
    }),
    range: traced("Prometheus.range")(function* ({ from, stepMillis, to, ...query }: PrometheusRange) {
      const [start, end, step] = [from, to, stepMillis].map((millis) => String(millis / 1000))
      const span = { start, end, step } as Readonly<Record<string, string>>
      const question = yield* questionOf(query, "query_range", span)
      const answer = yield* exchange(question).pipe(Effect.mapError((error) => error.sourceError))
      return yield* readRange(answer, question.headers)
    })
  })
})

export const layerWith = (settings: PrometheusSettings): Layer.Layer<Prometheus, never, Egress> =>
  Layer.effect(Prometheus, make(settings))

export const layer: Layer.Layer<Prometheus, never, Egress | Settings> = Layer.effect(
  Prometheus,
  Effect.flatMap(Settings, ({ prometheusUrl }) => make({ defaultUrl: prometheusUrl }))
)
