// The embedded cluster's PromQL beside a real Prometheus that has the same samples: every form that is supported, at
// moments between, on and after the scrapes. Values may differ by a part in 10^9, as sums do that are added in another order.
import { globSync, readFileSync } from "node:fs"
import { afterAll, assert, beforeAll, it } from "vitest"
import { ApiServer } from "#cluster/api/ApiServer"
import type { Json, JsonObject } from "#cluster/api/json"
import { prometheusPages } from "#cluster/world/prometheusPages"
import { HOLE, SeriesStore } from "#cluster/world/SeriesStore"
import { pageRequest, type Site } from "#cluster/world/Site"
import { World } from "#cluster/world/World"
import { FALLBACK_QUERIES } from "#services/ResourceMetrics"
import { PrometheusServer } from "#test/controlplane/PrometheusServer"
import { remoteWrite, type WrittenSeries } from "#test/controlplane/remoteWrite"
import { describeWith } from "#test/controlplane/suite"
import { make as makePrng } from "#simulation/Prng"

const TOLERANCE = 1e-9
/** Whole seconds, an hour ago: Prometheus takes nothing much older than its newest sample. */
const START = Math.floor(Date.now() / 1000) * 1000 - 3_600_000

/** Scrapes that are not quite regular and once a long time apart; counters that begin anew; series that come and go. */
const randomStore = (seed: number): SeriesStore => {
  const prng = makePrng(seed, "samples")
  const store = new SeriesStore({ scrapesMax: 1000 })
  const pods = ["a", "b", "c"].map((pod) => ({ pod, count: prng.below(100), buckets: [0, 0, 0, 0] }))
  let atMillis = START
  for (let scrape = 0; scrape < 240; scrape++) {
    atMillis += scrape === 120 ? 400_000 : prng.chance(0.5) ? 5000 : 4000 + prng.below(2000)
    store.begin(atMillis)
    for (const one of pods) {
      const labels = { pod: one.pod, app: one.pod === "c" ? "other" : "web" }
      if (prng.chance(0.01)) [one.count, one.buckets] = [0, [0, 0, 0, 0]]
      one.count += prng.below(50)
      one.buckets = one.buckets.map((bucket, index) => bucket + prng.below(10) + index * 5)
      // One of them is away for some minutes.
      if (one.pod === "b" && scrape > 60 && scrape < 100) continue
      store.measure(store.series("t_requests_total", labels), one.count)
      store.measure(store.series("t_other_total", labels), one.count * 3 + 0.1)
      store.measure(store.series("t_level", labels), Math.round(prng.between(-5, 50) * 1000) / 1000)
      store.measure(store.series("t_zero", labels), one.pod === "a" ? 0 : 1)
      let sum = 0
      for (const [index, le] of ["0.1", "0.5", "2.5", "+Inf"].entries()) {
        sum += one.buckets[index] ?? 0
        store.measure(store.series("t_seconds_bucket", { ...labels, le }), sum)
      }
    }
    if (scrape > 20 && scrape < 200 && prng.chance(0.7)) store.measure(store.series("t_rare", { kind: "x" }), scrape)
    if (scrape === 5) store.measure(store.series("t_nan", {}), Number.NaN)
  }
  return store
}

/** The world itself for some minutes, with pods that are put there by hand. */
const worldStore = (): SeriesStore => {
  let now = START
  const server = new ApiServer(() => now)
  const world = new World(server, {
    ...{ seed: 1, startMillis: START, nowMillis: () => now },
    workloads: [
      { name: "my-app", traffic: { pattern: "spike:every=600", rate: 60 } },
      { name: "web", traffic: { pattern: "ramp", rate: 90 } },
      {
        name: "orders",
        queue: { system: "pubsub", project: "p", subscription: "s" },
        traffic: { pattern: "onoff", rate: 9 }
      }
    ]
  })
  world.follow()
  const put = (owner: string, index: number): void => {
    const pod: JsonObject = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: `${owner}-${index}`,
        namespace: "default",
        labels: { app: owner },
        ownerReferences: [{ apiVersion: "apps/v1", kind: "StatefulSet", name: owner, uid: owner, controller: true }]
      },
      spec: { nodeName: "node-a", containers: [{ name: owner, image: "none" }] },
      status: {
        phase: "Running",
        conditions: [{ type: "Ready", status: "True" }],
        containerStatuses: [{ name: owner, state: { running: { startedAt: "2023-11-14T22:13:20Z" } } }]
      }
    }
    server.store.put("pods", pod, { manager: "kubelet", subresource: "" })
  }
  for (let minute = 0; minute < 15; minute++) {
    for (const owner of ["my-app", "web", "orders"]) if (minute < 5) put(owner, minute)
    const leaving = server.find("Pod", "default", "web-4")
    if (minute === 10 && leaving !== undefined)
      server.store.remove("pods", leaving, { manager: "kubelet", subresource: "" })
    now += 60_000
    world.catchUp()
  }
  return world.store
}

/** All that a store has; a series that is not at a scrape, and was at the one before, is told to have gone. */
const written = (store: SeriesStore): ReadonlyArray<WrittenSeries> =>
  store.names.flatMap((name) =>
    store.named(name).map((series) => {
      const samples: Array<readonly [number, number | undefined]> = []
      let wasThere = false
      for (let scrape = store.oldest; scrape <= store.newest; scrape++) {
        const value = series.at(scrape)
        const isThere = value !== HOLE
        if (isThere || wasThere) samples.push([store.timeOf(scrape), isThere ? value : undefined])
        wasThere = isThere
      }
      return { labels: series.labels, samples }
    })
  )

const IN_MANIFESTS = globSync("manifests/examples/**/*.yaml").flatMap((path) =>
  [...readFileSync(path, "utf8").matchAll(/^\s*(?:- )?query: (.*)$/gmu)].map(([, text = ""]) =>
    text.trim().replace(/^(['"])(.*)\1$/u, "$2")
  )
)

const OF_THE_WORLD = [
  ...IN_MANIFESTS,
  ...(["cpu", "memory"] as const).map((resource) => FALLBACK_QUERIES[resource]("default")),
  'sum(rate(container_network_receive_bytes_total{namespace="default",pod=~"web-.*"}[1m]))',
  "sum(rate(http_requests_total[15s]))",
  "sum(rate(http_request_duration_seconds_count[15s]))",
  '1 - sum(rate(http_request_duration_seconds_bucket{le="0.5"}[15s])) / sum(rate(http_requests_total[15s]))',
  "sum(rate(queue_messages_published_total[15s]))",
  "sum(rate(queue_messages_processed_total[15s]))",
  "histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket[1m])))",
  "histogram_quantile(0.99, sum by (le, pod) (rate(http_request_duration_seconds_bucket[1m])))",
  'sum(rate(http_requests_total{code=~"5.."}[1m])) / sum(rate(http_requests_total[1m]))',
  "max_over_time(queue_messages_waiting[5m])"
]

const RANGE_FUNCTIONS = [
  "rate increase irate delta avg_over_time min_over_time max_over_time sum_over_time count_over_time last_over_time",
  "stddev_over_time"
].flatMap((names) => names.split(" "))

const FORMS = [
  ...RANGE_FUNCTIONS.flatMap((name) =>
    ["t_requests_total[1m]", "t_level[5m]", "t_rare[2m]", "t_requests_total[17s] offset 33s", "t_level[1s]"].map(
      (of) => `${name}(${of})`
    )
  ),
  ...["0.5", "0.9", "0", "1", "-1", "2", "NaN"].map((share) => `quantile_over_time(${share}, t_level[3m])`),
  ...["0", "0.5", "0.95", "1", "-0.1", "1.1"].flatMap((share) => [
    `histogram_quantile(${share}, rate(t_seconds_bucket[2m]))`,
    `histogram_quantile(${share}, sum by (le) (t_seconds_bucket))`,
    `histogram_quantile(${share}, t_seconds_bucket{le!="+Inf"})`
  ]),
  ...["sum", "avg", "min", "max", "count"].flatMap((op) =>
    ["", " by (app)", " by (app, pod)", " without (pod)", " by ()", " by (nosuch)"].map((by) => `${op}${by} (t_level)`)
  ),
  ...["+", "-", "*", "/", "%", "^"].flatMap((op) => [
    `t_level ${op} 3`,
    `3 ${op} t_level`,
    `t_level ${op} t_requests_total`,
    `7 ${op} 3`,
    `t_level ${op} t_zero`
  ]),
  ...["==", "!=", ">", "<", ">=", "<="].flatMap((op) => [
    `t_level ${op} 20`,
    `20 ${op} t_level`,
    `t_level ${op} bool 20`,
    `t_level ${op} t_zero`,
    `t_level ${op} bool t_zero`,
    `1 ${op} bool 2`,
    `t_level ${op} on (pod) t_zero`,
    `t_level ${op} ignoring (app) t_zero`
  ]),
  ...["and", "or", "unless"].flatMap((op) => [
    `t_level ${op} t_rare`,
    `t_level ${op} t_level > 20`,
    `t_level ${op} on (app) t_zero{pod="a"}`,
    `t_level ${op} ignoring (pod) t_zero{pod="c"}`,
    `nosuch ${op} vector(1)`
  ]),
  ...[
    '{app="web"}',
    '{app!="web"}',
    '{app=~"w.*|x"}',
    '{app!~"w.*"}',
    '{nosuch=""}',
    '{app=~".+",pod!~"a|b"}',
    '{app=~"(?i)WEB"}'
  ].map((matchers) => `t_level${matchers}`),
  '{__name__=~"t_.*_total",pod="a"}',
  '{__name__="t_level"}',
  "t_rare",
  "t_rare offset 1m",
  "t_rare offset -1m",
  "t_nan",
  "t_level[20s]",
  "t_level / on (pod) t_requests_total",
  "t_level * ignoring (app) t_requests_total",
  "sum(rate(t_requests_total[1m])) by (app) / sum(rate(t_other_total[1m])) by (app)",
  "1 - sum(t_zero) / count(t_zero)",
  "-t_level ^ 2",
  "2 ^ 3 ^ 2 % 7 - -1",
  "1 + 2 * 3 == bool 7",
  "clamp(t_level, 0, 10)",
  "clamp(t_level, 10, 0)",
  "clamp_min(t_level, 10)",
  "clamp_max(t_level, 10)",
  "abs(t_level)",
  "ceil(t_level)",
  "floor(t_level)",
  "vector(3)",
  "scalar(t_rare)",
  "scalar(t_level)",
  "time()",
  "time() - timestamp(t_level)",
  "timestamp(t_level + 0)",
  "timestamp(t_rare)",
  "absent(t_level)",
  'absent(nosuch{a="b",c=~"d",e="f"})',
  "absent(sum(nosuch))",
  "absent(t_rare)",
  "sum(nosuch) or vector(0)",
  "Inf",
  "-NaN",
  "1 / 0",
  "1e3 + .5 + 0x1f",
  "sum(t_level) without (pod)",
  "(((t_level)))",
  'sum by (app) (t_level offset 2m) > 10 and on (app) t_zero{pod="a"} < bool 5'
]

/** Wrong to both, by the same status and type of error, and these in the same words. */
const REFUSED = [
  "sum(",
  "",
  "t_level{",
  "t_level{a=1}",
  "t_level[5]",
  "rate(t_level)",
  "sum(t_level[5m])",
  "t_level[5m] + 1",
  "1 > 2",
  "t_level + bool t_zero",
  "1 and t_level",
  "nosuch(t_level)",
  "clamp(t_level, 1)",
  '{app=~".*"}',
  't_level{app=~"["}',
  "t_level t_zero",
  "t_level + on (app) t_zero",
  't_level{pod=~"a|b"} + on (app) t_zero{pod="a"}',
  'rate({__name__=~"t_requests_total|t_other_total"}[1m])',
  '{__name__=~"t_requests_total|t_other_total"} * 2'
]
const IN_THE_SAME_WORDS = new Set([
  "rate(t_level)",
  "sum(t_level[5m])",
  "1 > 2",
  "nosuch(t_level)",
  "t_level + bool t_zero",
  "1 and t_level",
  "clamp(t_level, 1)"
])

interface Body {
  readonly status: string
  readonly errorType?: string
  readonly error?: string
  readonly data?: { readonly resultType: string; readonly result: Json }
}

interface Outcome {
  readonly status: number
  readonly body: Body
}

describeWith(["prometheus"], "PromQL beside a real Prometheus", () => {
  let server: PrometheusServer
  const stores = { random: randomStore(1), other: randomStore(2), world: worldStore() }

  const sites: Readonly<Record<string, Site>> = {
    random: prometheusPages({ store: stores.random, nowMillis: () => START }),
    world: prometheusPages({ store: stores.world, nowMillis: () => START })
  }

  beforeAll(async () => {
    server = await PrometheusServer.start({ targets: [] })
    await remoteWrite(server.url, [...written(stores.random), ...written(stores.world)])
  })

  afterAll(async () => {
    await server?.stop()
  })

  const real = async (path: string, query: Readonly<Record<string, string>>): Promise<Outcome> => {
    const answer = await fetch(`${server.url}${path}?${new URLSearchParams(query).toString()}`)
    return { status: answer.status, body: (await answer.json()) as Body }
  }

  const ours = (site: string, path: string, query: Readonly<Record<string, string>>): Outcome => {
    const url = `http://prometheus${path}?${new URLSearchParams(query).toString()}`
    const answer = sites[site]?.(pageRequest("GET", url))
    return { status: answer?.status ?? 0, body: JSON.parse(JSON.stringify(answer?.json)) as Body }
  }

  /** "labels@time value", in order, and what has no place in a text apart. */
  const samples = ({ data }: Body): ReadonlyArray<readonly [string, string]> => {
    if (data === undefined) return []
    if (data.resultType === "scalar") {
      const [at, value] = data.result as readonly [number, string]
      return [[`scalar@${at}`, value]]
    }
    return (
      data.result as unknown as ReadonlyArray<{
        readonly metric: Readonly<Record<string, string>>
        readonly value?: readonly [number, string]
        readonly values?: ReadonlyArray<readonly [number, string]>
      }>
    )
      .flatMap(({ metric, value, values = value === undefined ? [] : [value] }) => {
        const labels = JSON.stringify(Object.entries(metric).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        return values.map(([at, text]) => [`${labels}@${at}`, text] as const)
      })
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
  }

  const sameNumber = (a: string, b: string): boolean => {
    if (a === b) return true
    const [left, right] = [Number(a), Number(b)]
    return Math.abs(left - right) <= TOLERANCE * Math.max(1, Math.abs(left), Math.abs(right))
  }

  const compare = (what: string, mine: Outcome, theirs: Outcome): number => {
    const where = () => `${what}\nours: ${JSON.stringify(mine)}\nreal: ${JSON.stringify(theirs)}`
    assert.deepStrictEqual([mine.status, mine.body.errorType], [theirs.status, theirs.body.errorType], where())
    assert.strictEqual(mine.body.data?.resultType, theirs.body.data?.resultType, where())
    const [left, right] = [samples(mine.body), samples(theirs.body)]
    assert.deepStrictEqual(
      left.map(([key]) => key),
      right.map(([key]) => key),
      where()
    )
    for (const [index, [key, value]] of left.entries()) {
      const other = right[index]?.[1] ?? ""
      assert.isTrue(sameNumber(value, other), `${what}: ${key} is ${value} here and ${other} there`)
    }
    return left.length
  }

  const moments = (store: SeriesStore): ReadonlyArray<number> => {
    const last = store.timeOf(store.newest)
    const at = (scrape: number) => store.timeOf(scrape)
    return [
      at(3),
      at(30),
      at(30) + 1,
      at(63) - 1,
      at(80),
      at(110),
      at(119) + 200_000,
      at(125),
      at(150),
      last,
      last + 60_000,
      last + 299_999,
      last + 300_000,
      last + 300_001
    ]
  }

  it.each(FORMS)("answers %s alike at every moment", async (query) => {
    let compared = 0
    for (const atMillis of moments(stores.random)) {
      const parameters = { query, time: String(atMillis / 1000) }
      const path = "/api/v1/query"
      compared += compare(
        `${query} at ${atMillis - START}`,
        ours("random", path, parameters),
        await real(path, parameters)
      )
    }
    const mayBeEmpty =
      /nosuch|and t_rare|^absent\(t_level|, 10, 0\)$|clamp\(t_level, 10|t_nan|== (?:on|ignoring|t_zero)|== 20$|^20 ==|\[1s\]/u
    assert.isTrue(compared > 0 || mayBeEmpty.test(query), `${query} was never answered by anything`)
  })

  it.each(FORMS.filter((query) => !/^t_level\[/u.test(query)))("draws %s alike over time", async (query) => {
    const range = { start: String(START / 1000), end: String(START / 1000 + 1700), step: "13" }
    const path = "/api/v1/query_range"
    compare(query, ours("random", path, { query, ...range }), await real(path, { query, ...range }))
  })

  it.each(OF_THE_WORLD)("answers %s alike of the world", async (query) => {
    let compared = 0
    for (const minute of [2, 5.5, 9, 11, 14.99]) {
      const parameters = { query, time: String(START / 1000 + minute * 60) }
      const path = "/api/v1/query"
      compared += compare(`${query} at ${minute} min`, ours("world", path, parameters), await real(path, parameters))
    }
    assert.isAbove(compared, 0)
    const range = { start: String(START / 1000), end: String(START / 1000 + 900), step: "15s" }
    const path = "/api/v1/query_range"
    compare(query, ours("world", path, { query, ...range }), await real(path, { query, ...range }))
  })

  it.each(REFUSED)("refuses %s alike", async (query) => {
    const parameters = { query, time: String(stores.random.timeOf(150) / 1000) }
    const [mine, theirs] = [ours("random", "/api/v1/query", parameters), await real("/api/v1/query", parameters)]
    assert.isAtLeast(theirs.status, 400)
    compare(query, mine, theirs)
    if (IN_THE_SAME_WORDS.has(query)) assert.strictEqual(mine.body.error, theirs.body.error)
  })

  it("reads the examples' own queries out of the manifests", () => {
    assert.isAtLeast(IN_MANIFESTS.length, 3)
  })
})
