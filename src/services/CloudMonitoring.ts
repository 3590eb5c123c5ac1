/**
 * The port to Google Cloud Monitoring: the newest point of one time series. Equal questions within half a second are
 * one request, and a token that is no longer taken is replaced once before anybody hears of it.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Hash from "effect/Hash"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { readPage } from "#services/cloudMonitoringAnswer"
import type { MonitoringPoint, MonitoringSeries } from "#services/cloudMonitoringAnswer"
import { ANSWER_BYTES_MAX, Egress } from "#services/Egress"
import { GoogleTokens } from "#services/GoogleTokens"
import type { GoogleCredentials } from "#services/GoogleTokens"
import { keptAnswers } from "#services/keptAnswers"
import { Settings } from "#services/Settings"
import { QUESTIONS_MAX, SHARED_MILLIS } from "#services/sharedAnswers"
import { SourceError } from "#services/SourceError"

export interface MonitoringQuestion {
  readonly project: string
  readonly metricType: string
  readonly resourceType: string
  /** All of them, each equal. */
  readonly resourceLabels: Readonly<Record<string, string>>
  /** The text of a service account's key; undefined: whatever the operator itself may use. */
  readonly credentials: Redacted.Redacted<string> | undefined
  /** Instead of Google's own address. Never asked with the operator's own identity. */
  readonly endpoint: string | undefined
  /** How far to look back. */
  readonly withinMillis: number
  /** Only the newest point of whatever is there, in the smallest answer there can be. */
  readonly glance?: boolean
}

export class CloudMonitoring extends Context.Service<
  CloudMonitoring,
  {
    /** Undefined: a well-formed answer without a point. */
    readonly newest: (question: MonitoringQuestion) => Effect.Effect<MonitoringPoint | undefined, SourceError>
  }
>()("nimbusguard/services/CloudMonitoring") {}

const PAGES_MAX = 8
const POINTS_PER_PAGE = 500

/** A question by value: its parts as text, and the credentials where nothing prints them. */
class Key implements Equal.Equal {
  readonly question: MonitoringQuestion
  readonly #text: string

  constructor(question: MonitoringQuestion) {
    const { credentials: _, ...rest } = question
    this.question = question
    this.#text = JSON.stringify(rest)
  }

  [Equal.symbol](that: Equal.Equal): boolean {
    return (
      that instanceof Key &&
      this.#text === that.#text &&
      Equal.equals(this.question.credentials, that.question.credentials)
    )
  }

  [Hash.symbol](): number {
    return Hash.string(this.#text)
  }
}

const quoted = (text: string) => `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`

const filterOf = ({ metricType, resourceLabels, resourceType }: MonitoringQuestion): string =>
  [
    `metric.type = ${quoted(metricType)}`,
    `resource.type = ${quoted(resourceType)}`,
    ...Object.entries(resourceLabels).map(([name, value]) => `resource.labels.${name} = ${quoted(value)}`)
  ].join(" AND ")

const timeText = (millis: number) => new Date(millis).toISOString()

const pageUrl = (base: string, question: MonitoringQuestion, now: number, pageToken: string | undefined): string => {
  if (!URL.canParse(base)) return base
  const url = new URL(base)
  url.pathname = `${url.pathname.replace(/\/+$/u, "")}/v3/projects/${encodeURIComponent(question.project)}/timeSeries`
  const parameters = {
    filter: filterOf(question),
    "interval.startTime": timeText(now - question.withinMillis),
    "interval.endTime": timeText(now),
    view: "FULL",
    pageSize: String(question.glance === true ? 1 : POINTS_PER_PAGE),
    ...(pageToken === undefined ? {} : { pageToken })
  }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url.href
}

const isAsked = ({ metricType, resourceLabels, resourceType }: MonitoringQuestion, series: MonitoringSeries) =>
  series.metricType === metricType &&
  series.resourceType === resourceType &&
  Object.entries(resourceLabels).every(([name, value]) => series.resourceLabels[name] === value)

const newestOf = (series: ReadonlyArray<MonitoringSeries>): MonitoringPoint | undefined =>
  series
    .flatMap(({ points }) => points)
    .reduce<MonitoringPoint | undefined>(
      (newest, point) => (newest === undefined || point.at > newest.at ? point : newest),
      undefined
    )

export interface MonitoringSettings {
  /** The operator's own choice, so that loopback is allowed there. */
  readonly url: string
}

const make = Effect.fn("CloudMonitoring.make")(function* ({ url }: MonitoringSettings) {
  const egress = yield* Egress
  const tokens = yield* GoogleTokens

  /** An endpoint of a tenant's choice never sees a token that was not made from that tenant's own key. */
  const credentialsOf = ({ credentials, endpoint }: MonitoringQuestion): GoogleCredentials | undefined =>
    credentials ?? (endpoint === undefined ? "WorkloadIdentity" : undefined)

  const exchange = Effect.fnUntraced(function* (question: MonitoringQuestion, now: number, pageToken?: string) {
    const { endpoint } = question
    const credentials = credentialsOf(question)
    const address = pageUrl(endpoint ?? url, question, now, pageToken)
    const once = Effect.gen(function* () {
      const token = credentials === undefined ? "" : Redacted.value(yield* tokens.token(credentials))
      const headers: Readonly<Record<string, string>> = token === "" ? {} : { authorization: `Bearer ${token}` }
      const answer = yield* egress
        .request({ method: "GET", url: address, headers, trusted: endpoint === undefined })
        .pipe(Effect.mapError((error) => error.sourceError))
      return { answer, token }
    })
    const first = yield* once
    if (first.answer.status !== 401 || credentials === undefined) return first
    // Tokens are revoked before they expire, when a key is deleted or a role taken away.
    yield* tokens.forget(credentials)
    return yield* once
  })

  const read = Effect.fn("CloudMonitoring.read")(function* (question: MonitoringQuestion) {
    yield* Effect.annotateCurrentSpan({ project: question.project, filter: filterOf(question) })
    const now = yield* Clock.currentTimeMillis
    const series: Array<MonitoringSeries> = []
    let held = 0
    let pageToken: string | undefined
    for (let pages = 1; ; pages++) {
      const { answer, token } = yield* exchange(question, now, pageToken)
      const page = yield* readPage(answer, token)
      const other = page.series.find((one) => !isAsked(question, one))
      if (other !== undefined) {
        return yield* new SourceError({
          why: "Malformed",
          detail: `${answer.url} answered for another resource than the one that was asked for. Check that the endpoint is Cloud Monitoring.`
        })
      }
      series.push(...page.series)
      held += answer.body.length
      if (page.nextPageToken === undefined || question.glance === true) break
      if (pages === PAGES_MAX || held > ANSWER_BYTES_MAX) {
        return yield* new SourceError({
          why: "TooLarge",
          detail: `${answer.url} answers with more than ${PAGES_MAX} pages where one series was asked for. Shorten maxSampleAge.`
        })
      }
      pageToken = page.nextPageToken
    }
    const identities = new Set(series.map(({ identity }) => identity))
    if (identities.size > 1 && question.glance !== true) {
      return yield* new SourceError({
        why: "TooManySeries",
        detail: `Cloud Monitoring has ${identities.size} series where one was asked for. Use the source prometheus with a query that aggregates them.`
      })
    }
    return newestOf(series)
  })

  const kept = yield* keptAnswers({
    capacity: QUESTIONS_MAX,
    timeToLive: () => SHARED_MILLIS,
    lookup: (key: Key) => read(key.question)
  })

  return CloudMonitoring.of({ newest: (question) => kept.get(new Key(question)) })
})

export const layerWith = (settings: MonitoringSettings): Layer.Layer<CloudMonitoring, never, Egress | GoogleTokens> =>
  Layer.effect(CloudMonitoring, make(settings))

export const layer: Layer.Layer<CloudMonitoring, never, Egress | GoogleTokens | Settings> = Layer.effect(
  CloudMonitoring,
  Effect.flatMap(Settings, ({ googleMonitoringUrl }) => make({ url: googleMonitoringUrl }))
)
