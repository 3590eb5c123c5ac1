/**
 * Queries on what is in a store, at one moment or at many, with the numbers that Prometheus 2 gives for the same
 * samples: an integration test asks both. Queries are read once, and series chosen once as long as they are there.
 */
import { identityOf, numbers, type Point, type Points, vectors, withScalar } from "#cluster/world/promql/binary"
import { aggregated, called, distinct, mapped, numberOf, pointsOf } from "#cluster/world/promql/functions"
import { OVER_TIME, type Window } from "#cluster/world/promql/overTime"
import { parse } from "#cluster/world/promql/parse"
import {
  type Call,
  type Expression,
  type Matcher,
  QueryRefused,
  type Selector,
  typeOf
} from "#cluster/world/promql/syntax"
import { compiled } from "#cluster/world/promql/tokens"
import { HOLE, NAME, type Labels, type Series, type SeriesStore } from "#cluster/world/SeriesStore"

export type { Point, Points } from "#cluster/world/promql/binary"

export interface Course {
  readonly labels: Labels
  /** Milliseconds and value, oldest first. */
  readonly points: ReadonlyArray<readonly [atMillis: number, value: number]>
}

export type Answer =
  | { readonly type: "scalar"; readonly value: number }
  | { readonly type: "vector"; readonly points: Points }
  | { readonly type: "matrix"; readonly courses: ReadonlyArray<Course> }

/** How old a sample may be and still be the present one. */
export const LOOKBACK_MILLIS = 300_000
const QUERIES_KEPT_MAX = 2000

interface Moment {
  readonly atMillis: number
  readonly lookbackMillis: number
}

/** The series of one selector, of those that were there when it was last asked. */
interface Chosen {
  readonly fits: (labels: Labels) => boolean
  epoch: number
  seen: number
  series: Array<Series>
}

const test = ({ label, op, value }: Matcher): ((labels: Labels) => boolean) => {
  if (op === "=") return (labels) => (labels[label] ?? "") === value
  if (op === "!=") return (labels) => (labels[label] ?? "") !== value
  const pattern = compiled(value)
  const wanted = op === "=~"
  return (labels) => pattern?.test(labels[label] ?? "") === wanted
}

export class PromQl {
  readonly #store: SeriesStore
  readonly #queries = new Map<string, Expression>()
  readonly #chosen = new WeakMap<Selector, Chosen>()
  #times = new Float64Array(64)
  #values = new Float64Array(64)

  constructor(store: SeriesStore) {
    this.#store = store
  }

  /** Throws QueryRefused. */
  instant(query: string, atMillis: number, lookbackMillis = LOOKBACK_MILLIS): Answer {
    const expression = this.#read(query)
    const moment = { atMillis, lookbackMillis }
    if (expression.tag === "Selector" && expression.rangeMillis !== undefined) {
      return { type: "matrix", courses: this.#samples(expression, moment) }
    }
    const value = this.#evaluate(expression, moment)
    return typeof value === "number" ? { type: "scalar", value } : { type: "vector", points: distinct(value) }
  }

  range(
    query: string,
    fromMillis: number,
    toMillis: number,
    stepMillis: number,
    lookbackMillis = LOOKBACK_MILLIS
  ): ReadonlyArray<Course> {
    const expression = this.#read(query)
    if (typeOf(expression) === "matrix") {
      const sentence = 'invalid expression type "range vector" for range query, must be Scalar or instant Vector'
      throw new QueryRefused("bad_data", sentence)
    }
    const courses = new Map<string, { readonly labels: Labels; readonly points: Array<readonly [number, number]> }>()
    for (let atMillis = fromMillis; atMillis <= toMillis; atMillis += stepMillis) {
      const value = this.#evaluate(expression, { atMillis, lookbackMillis })
      const points = typeof value === "number" ? [{ labels: {}, value }] : distinct(value)
      for (const { labels, value } of points) {
        const identity = identityOf(labels)
        const course = courses.get(identity) ?? { labels, points: [] }
        courses.set(identity, course)
        course.points.push([atMillis, value])
      }
    }
    return [...courses].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, course]) => course)
  }

  /** The labels of all series that fit one of these selectors. */
  series(selectors: ReadonlyArray<string>): ReadonlyArray<Labels> {
    const all = selectors.flatMap((text) => {
      const expression = this.#read(text)
      if (expression.tag !== "Selector") throw new QueryRefused("bad_data", `${text} is no series selector`)
      return this.#select(expression)
    })
    return [...new Set(all)].map(({ labels }) => labels)
  }

  #read(query: string): Expression {
    const known = this.#queries.get(query)
    if (known !== undefined) return known
    const expression = parse(query)
    if (this.#queries.size >= QUERIES_KEPT_MAX) this.#queries.clear()
    this.#queries.set(query, expression)
    return expression
  }

  #select(selector: Selector): ReadonlyArray<Series> {
    const { matchers, name = matchers.find(({ label, op }) => label === NAME && op === "=")?.value } = selector
    if (name === undefined) {
      const tests = matchers.map(test)
      const fits = ({ labels }: Series) => tests.every((one) => one(labels))
      return this.#store.names.flatMap((each) => this.#store.named(each).filter(fits))
    }
    let chosen = this.#chosen.get(selector)
    if (chosen === undefined) {
      const tests = matchers.map(test)
      chosen = { fits: (labels) => tests.every((one) => one(labels)), epoch: -1, seen: 0, series: [] }
      this.#chosen.set(selector, chosen)
    }
    if (chosen.epoch !== this.#store.epoch) {
      chosen.epoch = this.#store.epoch
      chosen.seen = 0
      chosen.series = []
    }
    const all = this.#store.named(name)
    for (; chosen.seen < all.length; chosen.seen++) {
      const series = all[chosen.seen]
      if (series !== undefined && chosen.fits(series.labels)) chosen.series.push(series)
    }
    return chosen.series
  }

  #evaluate(expression: Expression, moment: Moment): number | Points {
    switch (expression.tag) {
      case "Number":
        return expression.value
      case "Negated": {
        const value = this.#evaluate(expression.of, moment)
        return typeof value === "number" ? -value : mapped(value, (one) => -one)
      }
      case "Selector":
        return this.#present(expression, moment)
      case "Aggregate":
        return aggregated(expression, pointsOf(this.#evaluate(expression.of, moment)))
      case "Binary": {
        const left = this.#evaluate(expression.left, moment)
        const right = this.#evaluate(expression.right, moment)
        if (typeof left === "number") {
          return typeof right === "number"
            ? numbers(expression, left, right)
            : withScalar(expression, right, left, "left")
        }
        return typeof right === "number"
          ? withScalar(expression, left, right, "right")
          : vectors(expression, left, right)
      }
      case "Call":
        return this.#call(expression, moment)
    }
  }

  #present(selector: Selector, { atMillis, lookbackMillis }: Moment): Points {
    const at = atMillis - selector.offsetMillis
    const scrape = this.#store.scrapeAt(at)
    if (scrape === undefined) return []
    const sampledMillis = this.#store.timeOf(scrape)
    if (sampledMillis < at - lookbackMillis) return []
    const points: Array<Point> = []
    for (const series of this.#select(selector)) {
      const value = series.at(scrape)
      if (value !== HOLE) points.push({ labels: series.labels, value, sampledMillis })
    }
    return points
  }

  /** Calls back with the samples of each series in the range, as long as it has any. */
  #windows(selector: Selector, { atMillis }: Moment, use: (series: Series, window: Window) => void): void {
    const toMillis = atMillis - selector.offsetMillis
    const fromMillis = toMillis - (selector.rangeMillis ?? 0)
    const to = this.#store.scrapeAt(toMillis)
    if (to === undefined) return
    let from = this.#store.scrapeAt(fromMillis) ?? this.#store.oldest
    if (this.#store.timeOf(from) < fromMillis) from++
    if (this.#times.length < to - from + 1) {
      this.#times = new Float64Array(2 * (to - from + 1))
      this.#values = new Float64Array(this.#times.length)
    }
    for (const series of this.#select(selector)) {
      let count = 0
      for (let scrape = from; scrape <= to; scrape++) {
        const value = series.at(scrape)
        if (value === HOLE) continue
        this.#times[count] = this.#store.timeOf(scrape)
        this.#values[count++] = value
      }
      if (count > 0) use(series, { times: this.#times, values: this.#values, count, fromMillis, toMillis })
    }
  }

  #samples(selector: Selector, moment: Moment): ReadonlyArray<Course> {
    const courses: Array<Course> = []
    this.#windows(selector, moment, ({ labels }, { count, times, values }) => {
      const points = Array.from({ length: count }, (_, index) => [times[index] ?? 0, values[index] ?? 0] as const)
      courses.push({ labels, points })
    })
    return courses
  }

  #call({ name, parts }: Call, moment: Moment): number | Points {
    const overTime = OVER_TIME[name]
    const ranged = parts.at(-1)
    if (overTime !== undefined && ranged?.tag === "Selector") {
      const [first] = parts
      const parameter = first === undefined || first === ranged ? 0 : numberOf(this.#evaluate(first, moment))
      const points: Array<Point> = []
      this.#windows(ranged, moment, (series, window) => {
        const value = overTime(window, parameter)
        const labels = name === "last_over_time" ? series.labels : series.bare
        if (value !== undefined) points.push({ labels, value })
      })
      return ranged.name === undefined ? distinct(points) : points
    }
    return called(
      { tag: "Call", name, parts },
      parts.map((part) => this.#evaluate(part, moment)),
      moment.atMillis
    )
  }
}
