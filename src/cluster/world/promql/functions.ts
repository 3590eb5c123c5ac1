/** What PromQL computes from series of one moment: functions, aggregations and quantiles of histograms. */
import { identityOf, only, type Points, unnamed, without } from "#cluster/world/promql/binary"
import { type Bucket, quantileOfBuckets } from "#cluster/world/promql/overTime"
import {
  type Aggregate,
  type AggregateOp,
  type Call,
  type Expression,
  QueryRefused
} from "#cluster/world/promql/syntax"
import { type Labels, NAME } from "#cluster/world/SeriesStore"

export const numberOf = (value: number | Points): number => (typeof value === "number" ? value : Number.NaN)
export const pointsOf = (value: number | Points): Points => (typeof value === "number" ? [] : value)

/** All functions but those of a range. */
export const called = (
  { name, parts }: Call,
  values: ReadonlyArray<number | Points>,
  atMillis: number
): number | Points => {
  const [first = 0, second = 0, third = 0] = values
  switch (name) {
    case "time":
      return atMillis / 1000
    case "vector":
      return [{ labels: {}, value: numberOf(first) }]
    case "scalar":
      return pointsOf(first).length === 1 ? (pointsOf(first)[0]?.value ?? Number.NaN) : Number.NaN
    case "absent":
      return pointsOf(first).length > 0 ? [] : [{ labels: absentLabels(parts[0]), value: 1 }]
    case "timestamp":
      return distinct(
        pointsOf(first).map(({ labels, sampledMillis = atMillis }) => ({
          labels: unnamed(labels),
          value: sampledMillis / 1000
        }))
      )
    case "histogram_quantile":
      return quantiles(numberOf(first), pointsOf(second))
    case "clamp": {
      const [least, most] = [numberOf(second), numberOf(third)]
      return least > most ? [] : mapped(pointsOf(first), (value) => Math.max(least, Math.min(most, value)))
    }
    case "clamp_min":
      return mapped(pointsOf(first), (value) => Math.max(numberOf(second), value))
    case "clamp_max":
      return mapped(pointsOf(first), (value) => Math.min(numberOf(second), value))
    case "abs":
      return mapped(pointsOf(first), Math.abs)
    case "ceil":
      return mapped(pointsOf(first), Math.ceil)
    case "floor":
      return mapped(pointsOf(first), Math.floor)
    default:
      throw new QueryRefused("execution", `${name} is read here and not carried out`)
  }
}

const FOLDS: Readonly<Record<AggregateOp, (sum: number, value: number, count: number) => number>> = {
  sum: (sum, value) => sum + value,
  avg: (mean, value, count) =>
    Number.isFinite(value) && Number.isFinite(mean) ? mean + (value - mean) / count : mean + value,
  min: (least, value) => (value < least || Number.isNaN(least) ? value : least),
  max: (most, value) => (value > most || Number.isNaN(most) ? value : most),
  count: (_, __, count) => count
}

export const mapped = (points: Points, change: (value: number) => number): Points =>
  distinct(points.map(({ labels, value }) => ({ labels: unnamed(labels), value: change(value) })))

/** Names may have been all that told two series apart. */
export const distinct = (points: Points): Points => {
  if (points.length > 1 && new Set(points.map(({ labels }) => identityOf(labels))).size < points.length) {
    throw new QueryRefused("execution", "vector cannot contain metrics with the same labelset")
  }
  return points
}

export const aggregated = ({ grouping, op }: Aggregate, points: Points): Points => {
  const groups = new Map<string, { readonly labels: Labels; count: number; value: number }>()
  const dropped = new Set([NAME, ...grouping.labels])
  const fold = FOLDS[op]
  for (const { labels, value } of points) {
    const kept = grouping.without ? without(labels, dropped) : undefined
    const key = kept === undefined ? grouping.labels.map((name) => labels[name] ?? "").join("\u0000") : identityOf(kept)
    const group = groups.get(key)
    if (group === undefined) {
      groups.set(key, { labels: kept ?? only(labels, grouping.labels), count: 1, value: op === "count" ? 1 : value })
    } else {
      group.count++
      group.value = fold(group.value, value, group.count)
    }
  }
  return [...groups.values()].map(({ labels, value }) => ({ labels, value }))
}

const BUCKET: ReadonlySet<string> = new Set([NAME, "le"])

const quantiles = (share: number, points: Points): Points => {
  const histograms = new Map<string, { readonly labels: Labels; readonly buckets: Array<Bucket> }>()
  for (const { labels, value } of points) {
    const le = labels["le"]
    const upper = le === "+Inf" ? Infinity : Number(le)
    if (le === undefined || Number.isNaN(upper)) continue
    const rest = without(labels, BUCKET)
    const identity = identityOf(rest)
    const histogram = histograms.get(identity) ?? { labels: rest, buckets: [] }
    histograms.set(identity, histogram)
    histogram.buckets.push({ upper, count: value })
  }
  return [...histograms.values()].map(({ buckets, labels }) => ({ labels, value: quantileOfBuckets(share, buckets) }))
}

/** What a selector says that its series must have been. */
const absentLabels = (expression: Expression | undefined): Labels => {
  if (expression?.tag !== "Selector") return {}
  const equal = expression.matchers.filter(({ op, label }) => op === "=" && label !== NAME)
  const once = equal.filter(({ label }) => expression.matchers.filter((one) => one.label === label).length === 1)
  return Object.fromEntries(once.map(({ label, value }) => [label, value]))
}
