/** From the samples of a range to one number, as Prometheus does it: the reset of a counter is no fall, and a rate reaches to the ends of its range. */

/** The samples of one series in one range, oldest first; the arrays are the evaluator's and are used again. */
export interface Window {
  readonly times: Float64Array
  readonly values: Float64Array
  readonly count: number
  readonly fromMillis: number
  readonly toMillis: number
}

export type OverTime = (window: Window, parameter: number) => number | undefined

/** A series is taken to begin half a step before its first sample, where that is not close to the range's own begin. */
const NEAR = 1.1

const extrapolated =
  (isCounter: boolean, isRate: boolean): OverTime =>
  ({ count, fromMillis, times, toMillis, values }) => {
    const [first = 0, firstAt = 0] = [values[0], times[0]]
    const [last = 0, lastAt = 0] = [values[count - 1], times[count - 1]]
    if (count < 2) return undefined
    let gained = last - first
    for (let index = 1; isCounter && index < count; index++) {
      const before = values[index - 1] ?? 0
      if ((values[index] ?? 0) < before) gained += before
    }
    let toStart = (firstAt - fromMillis) / 1000
    const toEnd = (toMillis - lastAt) / 1000
    const sampled = (lastAt - firstAt) / 1000
    const apart = sampled / (count - 1)
    // A counter was never below zero, so it cannot have grown for longer than since then.
    if (isCounter && gained > 0 && first >= 0) toStart = Math.min(toStart, sampled * (first / gained))
    const near = apart * NEAR
    const whole = sampled + (toStart < near ? toStart : apart / 2) + (toEnd < near ? toEnd : apart / 2)
    const change = gained * (whole / sampled)
    return isRate ? change / ((toMillis - fromMillis) / 1000) : change
  }

const irate: OverTime = ({ count, times, values }) => {
  if (count < 2) return undefined
  const [before = 0, last = 0] = [values[count - 2], values[count - 1]]
  const seconds = ((times[count - 1] ?? 0) - (times[count - 2] ?? 0)) / 1000
  return (last < before ? last : last - before) / seconds
}

const sum = ({ count, values }: Window): number => {
  let total = 0
  for (let index = 0; index < count; index++) total += values[index] ?? 0
  return total
}

const furthest =
  (isFurther: (value: number, than: number) => boolean): OverTime =>
  ({ count, values }) => {
    let found = values[0] ?? 0
    for (let index = 1; index < count; index++) {
      const value = values[index] ?? 0
      if (isFurther(value, found) || Number.isNaN(found)) found = value
    }
    return found
  }

const stddev: OverTime = (window) => {
  const mean = sum(window) / window.count
  let squares = 0
  for (let index = 0; index < window.count; index++) squares += ((window.values[index] ?? 0) - mean) ** 2
  return Math.sqrt(squares / window.count)
}

/** Between the two values that are nearest. */
export const quantileOf = (share: number, values: Float64Array): number => {
  if (values.length === 0 || Number.isNaN(share)) return Number.NaN
  if (share < 0) return -Infinity
  if (share > 1) return Infinity
  const sorted = values.toSorted()
  const rank = share * (sorted.length - 1)
  const below = Math.floor(rank)
  const weight = rank - below
  return (sorted[below] ?? 0) * (1 - weight) + (sorted[Math.min(sorted.length - 1, below + 1)] ?? 0) * weight
}

export const OVER_TIME: Readonly<Record<string, OverTime>> = {
  rate: extrapolated(true, true),
  increase: extrapolated(true, false),
  delta: extrapolated(false, false),
  irate,
  avg_over_time: (window) => sum(window) / window.count,
  sum_over_time: sum,
  count_over_time: ({ count }) => count,
  min_over_time: furthest((value, than) => value < than),
  max_over_time: furthest((value, than) => value > than),
  last_over_time: ({ count, values }) => values[count - 1],
  stddev_over_time: stddev,
  quantile_over_time: ({ count, values }, share) => quantileOf(share, values.slice(0, count))
}

export interface Bucket {
  readonly upper: number
  readonly count: number
}

/** Where in its bucket the asked one stands, if all of a bucket stand evenly apart. */
export const quantileOfBuckets = (share: number, given: ReadonlyArray<Bucket>): number => {
  if (Number.isNaN(share)) return Number.NaN
  if (share < 0) return -Infinity
  if (share > 1) return Infinity
  const buckets = cumulative(given)
  const last = buckets.at(-1)
  if (last === undefined || last.upper !== Infinity || buckets.length < 2 || last.count === 0) return Number.NaN
  const rank = share * last.count
  const found = buckets.slice(0, -1).findIndex(({ count }) => count >= rank)
  if (found === -1) return buckets.at(-2)?.upper ?? Number.NaN
  const { count, upper } = buckets[found] ?? last
  if (found === 0 && upper <= 0) return upper
  const before = buckets[found - 1] ?? { upper: 0, count: 0 }
  return before.upper + (upper - before.upper) * ((rank - before.count) / (count - before.count))
}

/** In order, each bound once, and never falling: rates of buckets that were scraped apart may. */
const cumulative = (given: ReadonlyArray<Bucket>): ReadonlyArray<Bucket> => {
  const buckets: Array<Bucket> = []
  let most = -Infinity
  for (const { count, upper } of given.toSorted((a, b) => a.upper - b.upper)) {
    const same = buckets.at(-1)?.upper === upper ? buckets.pop() : undefined
    const whole = count + (same?.count ?? 0)
    most = Math.max(most, whole)
    buckets.push({ upper, count: most })
  }
  return buckets
}
