/** The course over hours that no ring holds: from the Prometheus that scrapes this operator, by the metrics of its own. */
import * as Effect from "effect/Effect"
import type { PolicyRef, Target } from "#schemas/Policy"
import { Prometheus } from "#services/Prometheus"
import type { PrometheusCourse } from "#services/prometheusAnswer"
import { targetText } from "./fleet.ts"
import type * as shapes from "./shapes.ts"

const POINTS = 360
const STEP_MIN_MILLIS = 15_000

const quoted = (text: string): string => JSON.stringify(text)

const selector = (labels: Readonly<Record<string, string>>): string =>
  `{${Object.entries(labels)
    .map(([name, value]) => `${name}=${quoted(value)}`)
    .join(",")}}`

/** Several operators may have been scraped, one after the other. */
const onGrid = (courses: ReadonlyArray<PrometheusCourse>, at: ReadonlyArray<number>): ReadonlyArray<number | null> => {
  const values = new Map(
    courses.flatMap(({ points }) => points.map((point) => [point.at, Number(point.value)] as const))
  )
  return at.map((moment) => {
    const value = values.get(moment)
    return value === undefined || !Number.isFinite(value) ? null : value
  })
}

export interface LongAsked {
  readonly ref: PolicyRef
  readonly target: Target
  readonly targets: ReadonlyArray<string>
  readonly hours: number
  readonly now: number
}

export const longHistory = Effect.fn("dashboard.longHistory")(function* (asked: LongAsked) {
  const { hours, now, ref, target, targets } = asked
  const { range } = yield* Prometheus
  const span = hours * 3_600_000
  const stepMillis = Math.max(STEP_MIN_MILLIS, Math.ceil(span / POINTS / 1000) * 1000)
  const to = Math.floor(now / stepMillis) * stepMillis
  const count = Math.floor(span / stepMillis)
  const at = Array.from({ length: count + 1 }, (_, index) => to - (count - index) * stepMillis)
  const ask = (metric: string, labels: Readonly<Record<string, string>>) =>
    range({
      serverUrl: undefined,
      promql: `max(${metric}${selector(labels)})`,
      from: at[0] ?? to,
      to,
      stepMillis
    }).pipe(Effect.map((courses) => onGrid(courses, at)))
  const own = { kind: ref.kind, namespace: ref.namespace, policy: ref.name, target: targetText(target) }
  const [current, desired, recommended] = yield* Effect.all(
    [
      ask("nimbusguard_current_replicas", { namespace: target.namespace, deployment: target.name }),
      ask("nimbusguard_policy_desired_replicas", own),
      ask("nimbusguard_policy_recommended_replicas", own)
    ],
    { concurrency: "unbounded" }
  )
  const none = at.map(() => null)
  return {
    source: "prometheus",
    target: targetText(target),
    targets,
    at,
    current,
    ready: none,
    desired,
    recommended,
    min: none,
    max: none,
    signals: [],
    marks: []
  } satisfies shapes.History
})
