/** The value of a PromQL query. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { certWithKey, exactlyOneOf, httpAuthFields, httpUrl, tlsFields } from "#schemas/Endpoint"
import { measured, missing } from "#schemas/Reading"
import type { Millis, Missing, Reading, Stale } from "#schemas/Reading"
import { Prometheus } from "#services/Prometheus"
import type { PrometheusAnswer, PrometheusSeries } from "#services/prometheusAnswer"
import { requestHeaders } from "#services/requestHeaders"
import type { Secrets } from "#services/Secrets"
import { tlsMaterial } from "#services/tlsMaterial"
import { traced } from "#services/traced"
import { unusable } from "#sources/Source"
import type { SampleInput, Source } from "#sources/Source"

const either = exactlyOneOf("query", "preset")

export const PrometheusOptions = Schema.Struct({
  serverUrl: Schema.optionalKey(
    httpUrl(
      "Address of Prometheus, or of what speaks its API (Thanos, Mimir, VictoriaMetrics), without /api/v1. Absent: the operator's own (PROMETHEUS_URL)."
    )
  ),
  query: Schema.optionalKey(
    Schema.String.annotate({
      description: "PromQL that yields one number: a scalar, or a vector of one series."
    }).check(Schema.isMinLength(1), Schema.isMaxLength(8192))
  ),
  preset: Schema.optionalKey(
    Schema.Literals(["istio", "nginx-ingress", "otel-http"]).annotate({
      description:
        "Instead of a query: the query that is usual with this exporter. Reserved: this version refuses to guess it."
    })
  ),
  ...httpAuthFields,
  ...tlsFields,
  reduce: Schema.optionalKey(
    Schema.Literals(["max", "min", "sum", "avg", "first"]).annotate({
      description:
        "What to make of several series; `first` is the first in the order of their labels. Absent: several series are an error."
    })
  ),
  worksAtZero: Schema.optionalKey(
    Schema.Boolean.annotate({
      description:
        "True: the query tells the truth with no pod running (a queue, a gateway), so minReplicas may be 0. False when absent."
    })
  )
})
  .annotate({
    description: "The value of a PromQL query.",
    "x-kubernetes-validations": [either.rule, certWithKey.rule]
  })
  .check(either.check, certWithKey.check)
export type PrometheusOptions = typeof PrometheusOptions.Type

type Reduce = NonNullable<PrometheusOptions["reduce"]>

interface Sample {
  readonly value: number
  readonly at: Millis
}

/** As Prometheus prints them; JavaScript alone would also take "", "0x10" and " 1 ". */
const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/u
const NOT_FINITE: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Inf: Infinity,
  "+Inf": Infinity,
  "-Inf": -Infinity
}

const parse = ({ at, value }: PrometheusSeries): Sample | Missing => {
  const special = Object.hasOwn(NOT_FINITE, value) ? NOT_FINITE[value] : undefined
  if (special === undefined && !DECIMAL.test(value)) {
    return missing("Malformed", "The query's value is not written as a number. Check that serverUrl names Prometheus.")
  }
  const number = special ?? Number(value)
  if (special === undefined && !Number.isFinite(number)) {
    return missing("Overflow", "The query's value is too large to be true. Correct the query.")
  }
  // -0 is no negative load.
  return unusable(number, "The query's value") ?? { value: number + 0, at }
}

const labelText = ({ labels }: PrometheusSeries) =>
  JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)))

const REDUCTIONS: Readonly<Record<Reduce, (values: ReadonlyArray<number>) => number>> = {
  max: (values) => values.reduce((a, b) => Math.max(a, b)),
  min: (values) => values.reduce((a, b) => Math.min(a, b)),
  sum: (values) => values.reduce((a, b) => a + b),
  avg: (values) => values.reduce((a, b) => a + b) / values.length,
  first: ([first = Number.NaN]) => first
}

/** One sample of many, or none at all when any of those that count is no number. */
const reduceSeries = (series: PrometheusAnswer["series"], reduce: Reduce | undefined): Sample | Missing => {
  if (series.length > 1 && reduce === undefined) {
    return missing(
      "TooManySeries",
      `The query yields ${series.length} series where one number is needed. Aggregate them with sum(), max() or avg(), or set reduce.`
    )
  }
  const counted =
    reduce === "first" ? series.toSorted((a, b) => (labelText(a) < labelText(b) ? -1 : 1)).slice(0, 1) : series
  const samples: Array<Sample> = []
  for (const one of counted) {
    const sample = parse(one)
    if ("_tag" in sample) return sample
    samples.push(sample)
  }
  const value = REDUCTIONS[reduce ?? "first"](samples.map((sample) => sample.value))
  const at = samples.reduce((oldest, sample) => Math.min(oldest, sample.at), Infinity)
  return unusable(value, "The series together") ?? { value, at }
}

const stale = ({ at, value }: Sample, now: Millis, ageMillis: number, atMost: number): Stale => ({
  _tag: "Stale",
  value,
  at: Math.min(at, now),
  ageMillis,
  detail: `The newest sample is older than maxSampleAge (${atMost / 1000} s). Check the scrape of its target.`
})

/** What a sample's age may be, where the policy says so. */
const limitOf = ({ maxSampleAgeMillis }: SampleInput<PrometheusOptions>) =>
  maxSampleAgeMillis === undefined || maxSampleAgeMillis <= 0 ? undefined : maxSampleAgeMillis

/** When the oldest of these samples was taken; `timestamp()` answers in seconds. */
const oldestOf = (series: PrometheusAnswer["series"]): Millis =>
  series.reduce((oldest, { value }) => Math.min(oldest, DECIMAL.test(value) ? Number(value) * 1000 : oldest), Infinity)

const sampleOnce = traced("prometheus.sample")(function* (input: SampleInput<PrometheusOptions>) {
  const { at, namespace, onEmpty, options } = input
  const { preset, query, reduce, serverUrl } = options
  if (query === undefined) {
    return missing(
      "NotBuilt",
      `The preset ${preset ?? ""} is not in this version yet. Write the query itself into query.`
    ) as Reading
  }
  const prometheus = yield* Prometheus
  const headers = yield* requestHeaders(namespace, options)
  const tls = yield* tlsMaterial(namespace, options)
  const limit = limitOf(input)
  const ask = (promql: string, lookbackMillis: number | undefined) =>
    prometheus.query({
      serverUrl,
      promql,
      headers,
      ...(tls === undefined ? {} : { tls }),
      ...(lookbackMillis === undefined ? {} : { lookbackMillis })
    })
  const { kind, series } = yield* ask(query, limit)
  if (series.length === 0) {
    // Nothing that young. What is older is worth showing, and must not pass for an empty queue.
    const older = limit === undefined ? undefined : (yield* ask(query, undefined)).series
    if (limit !== undefined && older !== undefined && older.length > 0) {
      const sample = reduceSeries(older, reduce)
      return "_tag" in sample ? sample : stale({ ...sample, at: at - limit }, at, limit, limit)
    }
    return onEmpty === "Zero"
      ? measured(0, at)
      : missing(
          "Empty",
          "The query is answered, by no series at all. Check names and labels, append `or vector(0)`, or set onEmpty: Zero."
        )
  }
  const evaluated = reduceSeries(series, reduce)
  if ("_tag" in evaluated) return evaluated
  // An answer is always as of now, whatever its sample's age; and servers older than 2.43 know no lookback.
  const taken =
    limit === undefined || kind === "scalar" ? Infinity : oldestOf((yield* ask(`timestamp(${query}\n)`, limit)).series)
  const sample = { ...evaluated, at: Math.min(evaluated.at, taken) }
  const ageMillis = Math.round(at - sample.at)
  return limit !== undefined && ageMillis > limit
    ? stale(sample, at, ageMillis, limit)
    : measured(sample.value, Math.min(evaluated.at, at))
})

const sample = (input: SampleInput<PrometheusOptions>) =>
  sampleOnce(input).pipe(Effect.catchTag("SourceError", (error) => Effect.succeed<Reading>(error.missing)))

export const prometheus: Source<PrometheusOptions, Prometheus | Secrets> = {
  name: "prometheus",
  description: "The value of a PromQL query.",
  options: PrometheusOptions,
  example: {
    serverUrl: "http://prometheus-server.monitoring.svc.cluster.local",
    query: 'sum(rate(http_requests_total{app="my-app"}[1m]))'
  },
  built: true,
  worksAtZero: false,
  sample
}
