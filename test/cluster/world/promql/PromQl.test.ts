/** What the language means, on a few series that a person can add up; the real Prometheus is asked in test/integration. */
import { assert, describe, it } from "@effect/vitest"
import { PromQl } from "#cluster/world/promql/PromQl"
import { QueryRefused } from "#cluster/world/promql/syntax"
import { SeriesStore } from "#cluster/world/SeriesStore"

const AT = 1_700_000_000_000
const EVERY = 5000
const SCRAPES = 61

/** Five minutes of two pods: counters that grow by 10 and 20 a scrape, and a histogram; the last scrape is at AT. */
const world = () => {
  const store = new SeriesStore({ scrapesMax: 200 })
  for (let scrape = 0; scrape < SCRAPES; scrape++) {
    store.begin(AT - (SCRAPES - 1 - scrape) * EVERY)
    for (const [pod, step] of [
      ["a", 10],
      ["b", 20]
    ] as const) {
      const labels = { app: "web", pod }
      // Pod a starts anew after half the time.
      const since = pod === "a" && scrape > 30 ? scrape - 31 : scrape
      store.measure(store.series("requests_total", labels), since * step)
      store.measure(store.series("level", labels), step + (scrape % 2))
      for (const [le, share] of [
        ["0.1", 0.5],
        ["1", 0.9],
        ["+Inf", 1]
      ] as const) {
        store.measure(store.series("seconds_bucket", { ...labels, le }), since * step * share)
      }
    }
    if (scrape < 50) store.measure(store.series("gone", {}), 1)
  }
  return { store, promql: new PromQl(store) }
}

const { promql } = world()

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]) => (a < b ? -1 : 1)

/** "label=value,... number" of each, in order. */
const answer = (query: string, atMillis = AT): unknown => {
  try {
    const result = promql.instant(query, atMillis)
    if (result.type === "scalar") return result.value
    if (result.type === "matrix") return result.courses.map(({ points }) => points.length)
    return Object.fromEntries(
      result.points
        .map(
          ({ labels, value }) =>
            [
              Object.entries(labels)
                .toSorted(byName)
                .map(([name, text]) => `${name === "__name__" ? "" : `${name}=`}${text}`)
                .join(","),
              Math.round(value * 1e6) / 1e6
            ] as const
        )
        .toSorted(byName)
    )
  } catch (error) {
    if (error instanceof QueryRefused) return `${error.errorType}: ${error.message}`
    throw error
  }
}

describe("PromQl", () => {
  it.each<[string, unknown]>([
    ["level", { "level,app=web,pod=a": 10, "level,app=web,pod=b": 20 }],
    ['level{pod="a"}', { "level,app=web,pod=a": 10 }],
    ['level{pod!="a"}', { "level,app=web,pod=b": 20 }],
    ['level{pod=~"[ax]"}', { "level,app=web,pod=a": 10 }],
    ['level{pod!~"a|x"}', { "level,app=web,pod=b": 20 }],
    ['level{nolabel=""}', { "level,app=web,pod=a": 10, "level,app=web,pod=b": 20 }],
    ['{__name__=~"le.el",pod="b"}', { "level,app=web,pod=b": 20 }],
    ["level offset 5s", { "level,app=web,pod=a": 11, "level,app=web,pod=b": 21 }],
    ["gone", {}],
    ["gone offset 1m", { gone: 1 }],
    ["rate(requests_total[1m])", { "app=web,pod=a": 2, "app=web,pod=b": 4 }],
    ["increase(requests_total[1m])", { "app=web,pod=a": 120, "app=web,pod=b": 240 }],
    // Over its new start a counter is not taken to fall.
    ['increase(requests_total{pod="a"}[3m])', { "app=web,pod=a": 350 }],
    ["irate(requests_total[1m])", { "app=web,pod=a": 2, "app=web,pod=b": 4 }],
    ["delta(level[10s])", { "app=web,pod=a": 0, "app=web,pod=b": 0 }],
    ["sum(rate(requests_total[1m]))", { "": 6 }],
    ["sum by (pod) (level)", { "pod=a": 10, "pod=b": 20 }],
    ["sum without (pod, app) (level)", { "": 30 }],
    ["avg(level)", { "": 15 }],
    ["min(level)", { "": 10 }],
    ["max(level)", { "": 20 }],
    ["count(level)", { "": 2 }],
    ["count by (app) (level > 10)", { "app=web": 1 }],
    ["avg_over_time(level[10s])", { "app=web,pod=a": 10.333333, "app=web,pod=b": 20.333333 }],
    ["max_over_time(level[10s])", { "app=web,pod=a": 11, "app=web,pod=b": 21 }],
    ["min_over_time(level[10s])", { "app=web,pod=a": 10, "app=web,pod=b": 20 }],
    ["sum_over_time(level[10s])", { "app=web,pod=a": 31, "app=web,pod=b": 61 }],
    ["count_over_time(level[1m])", { "app=web,pod=a": 13, "app=web,pod=b": 13 }],
    ["last_over_time(gone[2m])", { gone: 1 }],
    ["stddev_over_time(level[5s])", { "app=web,pod=a": 0.5, "app=web,pod=b": 0.5 }],
    ["quantile_over_time(0.5, level[5s])", { "app=web,pod=a": 10.5, "app=web,pod=b": 20.5 }],
    ["histogram_quantile(0.5, sum by (le) (rate(seconds_bucket[1m])))", { "": 0.1 }],
    ["histogram_quantile(0.7, sum by (le) (rate(seconds_bucket[1m])))", { "": 0.55 }],
    ["histogram_quantile(0.95, rate(seconds_bucket[1m]))", { "app=web,pod=a": 1, "app=web,pod=b": 1 }],
    ["level * 2 + 1", { "app=web,pod=a": 21, "app=web,pod=b": 41 }],
    ["1 - level / 100", { "app=web,pod=a": 0.9, "app=web,pod=b": 0.8 }],
    ["level / requests_total * 100", { "app=web,pod=a": 3.448276, "app=web,pod=b": 1.666667 }],
    ["level / on (pod) requests_total * 29", { "pod=a": 1, "pod=b": 0.483333 }],
    ["sum(level) / ignoring (app, pod) count(level)", { "": 15 }],
    ["level > 10", { "level,app=web,pod=b": 20 }],
    ["15 > level", { "level,app=web,pod=a": 10 }],
    ["level > bool 10", { "app=web,pod=a": 0, "app=web,pod=b": 1 }],
    ["level == requests_total", {}],
    ["requests_total > level", { "requests_total,app=web,pod=a": 290, "requests_total,app=web,pod=b": 1200 }],
    ['level and level{pod="a"}', { "level,app=web,pod=a": 10 }],
    ['level unless level{pod="a"}', { "level,app=web,pod=b": 20 }],
    ['level{pod="a"} or level', { "level,app=web,pod=a": 10, "level,app=web,pod=b": 20 }],
    ["nothing or vector(0)", { "": 0 }],
    ["scalar(sum(level)) * 2", 60],
    ["scalar(level)", Number.NaN],
    ["time()", AT / 1000],
    ["time() - timestamp(level{pod='a'})", { "app=web,pod=a": 0 }],
    ["absent(level)", {}],
    ['absent(nothing{a="b",c=~"d",e="f",e="g"})', { "a=b": 1 }],
    ["clamp(level, 12, 15)", { "app=web,pod=a": 12, "app=web,pod=b": 15 }],
    ["clamp_max(level, 15)", { "app=web,pod=a": 10, "app=web,pod=b": 15 }],
    ["clamp_min(level, 15)", { "app=web,pod=a": 15, "app=web,pod=b": 20 }],
    ["clamp(level, 2, 1)", {}],
    ["-level", { "app=web,pod=a": -10, "app=web,pod=b": -20 }],
    ["abs(-level)", { "app=web,pod=a": 10, "app=web,pod=b": 20 }],
    ["ceil(level / 3) - floor(level / 3)", { "app=web,pod=a": 1, "app=web,pod=b": 1 }],
    ["2 ^ 3 % 5", 3],
    ["1 == bool 1", 1],
    ["1 / 0", Infinity],
    ["level[10s]", [3, 3]],
    ["level + level{pod='a'} * on (app) level", "execution: found duplicate series"],
    ["level * on (app) level{pod='a'}", "execution: multiple matches for labels"],
    ['rate({pod="a",__name__!~".*bucket"}[1m])', "execution: vector cannot contain metrics with the same labelset"]
  ])("answers %s", (query, expected) => {
    const got = answer(query)
    if (typeof expected === "string") assert.include(got, expected)
    else assert.deepStrictEqual(got, expected)
  })

  it("sees a sample for five minutes, or for as long as it is asked to, and not a series that has gone", () => {
    assert.deepStrictEqual(answer("count(level)", AT + 300_000), { "": 2 })
    assert.deepStrictEqual(answer("count(level)", AT + 300_001), {})
    const result = promql.instant("count(level)", AT + 60_000, 30_000)
    assert.deepStrictEqual(result, { type: "vector", points: [] })
  })

  it("answers at every step of a range, with gaps where there was nothing", () => {
    const [sum] = promql.range("sum(rate(requests_total[1m]))", AT - 60_000, AT, 30_000)
    assert.deepStrictEqual(sum?.points, [
      [AT - 60_000, 6],
      [AT - 30_000, 6],
      [AT, 6]
    ])
    const courses = promql.range("gone", AT - 120_000, AT, 30_000)
    assert.deepStrictEqual(
      courses.map(({ points }) => points.map(([at]) => (at - AT) / 1000)),
      [[-120, -90, -60]]
    )
    assert.throws(() => promql.range("level[1m]", AT, AT, 1000), /range vector/u)
  })

  it("chooses series anew when some have come and others were forgotten", () => {
    const { promql: own, store } = world()
    const count = () => own.instant("count(level)", store.timeOf(store.newest))
    assert.deepStrictEqual(count(), { type: "vector", points: [{ labels: {}, value: 2 }] })
    store.measure(store.series("level", { pod: "c" }), 5)
    assert.deepStrictEqual(count(), { type: "vector", points: [{ labels: {}, value: 3 }] })
    for (let more = 1; more <= 400; more++) {
      store.begin(AT + more * EVERY)
      store.measure(store.series("level", { pod: "d" }), 1)
    }
    assert.deepStrictEqual(count(), { type: "vector", points: [{ labels: {}, value: 1 }] })
    assert.strictEqual(store.named("level").length, 1)
  })
})
