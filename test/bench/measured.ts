/** What /proc says about a process, and how figures are printed: smallest, middle and largest of several. */
import { readdirSync, readFileSync } from "node:fs"

/** USER_HZ, the unit of /proc/PID/stat; 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100

/** User and system time of all its threads so far. */
export const cpuSecondsOf = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** The same to the nanosecond, for a process that has only just begun; of threads that have ended nothing is known. */
export const cpuMillisOfThreads = (pid: number): number =>
  readdirSync(`/proc/${pid}/task`).reduce(
    (sum, task) => sum + Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0]) / 1e6,
    0
  )

const statusOf = (pid: number, field: string): number => {
  const line = readFileSync(`/proc/${pid}/status`, "utf8")
    .split("\n")
    .find((each) => each.startsWith(`${field}:`))
  return Number(/\d+/u.exec(line ?? "")?.[0] ?? Number.NaN) / 1024
}

export const residentMiB = (pid: number): number => statusOf(pid, "VmRSS")
export const peakMiB = (pid: number): number => statusOf(pid, "VmHWM")

/** How long its main thread was able to run and was not let: other processes had the core. */
export const waitedSecondsOf = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, "utf8").split(" ")[1]) / 1e9

export interface Spread {
  readonly min: number
  readonly median: number
  readonly max: number
}

export const spreadOf = (values: ReadonlyArray<number>): Spread => {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.round((sorted.length - 1) * share)] ?? Number.NaN
  return { min: at(0), median: at(0.5), max: at(1) }
}

/** "185 / 190 / 214 ms" */
export const show = (values: ReadonlyArray<number>, digits: number, unit: string): string => {
  const { max, median, min } = spreadOf(values)
  return `${[min, median, max].map((value) => value.toFixed(digits)).join(" / ")} ${unit}`
}

export interface Sample {
  readonly name: string
  readonly labels: string
  readonly value: number
}

/** Prometheus' text format, as far as prom-client writes it. */
export const parseMetrics = (text: string): ReadonlyArray<Sample> =>
  text.split("\n").flatMap((line) => {
    const [, name, labels = "", value = ""] = /^([a-z_]\w*)(?:\{(.*)\})? (\S+)$/iu.exec(line) ?? []
    return name === undefined ? [] : [{ name, labels, value: Number(value) }]
  })

export const sumOf = (samples: ReadonlyArray<Sample>, name: string, labels = ""): number =>
  samples
    .filter((sample) => sample.name === name && sample.labels.includes(labels))
    .reduce((sum, { value }) => sum + value, 0)

export interface Bucket {
  readonly upTo: number
  readonly count: number
}

/** The cumulative buckets of a histogram, all its series together. */
export const bucketsOf = (samples: ReadonlyArray<Sample>, name: string): ReadonlyArray<Bucket> => {
  const counts = new Map<number, number>()
  for (const { labels, name: own, value } of samples) {
    if (own !== `${name}_bucket`) continue
    const upTo = Number(/le="([^"]+)"/u.exec(labels)?.[1]?.replace("+Inf", "Infinity"))
    counts.set(upTo, (counts.get(upTo) ?? 0) + value)
  }
  return [...counts].map(([upTo, count]) => ({ upTo, count })).toSorted((a, b) => a.upTo - b.upTo)
}

export const between = (before: ReadonlyArray<Bucket>, after: ReadonlyArray<Bucket>): ReadonlyArray<Bucket> =>
  after.map(({ count, upTo }) => ({ upTo, count: count - (before.find((bucket) => bucket.upTo === upTo)?.count ?? 0) }))

/** The upper bound of the bucket that holds the quantile: the truth is at most this. */
export const quantileAtMost = (buckets: ReadonlyArray<Bucket>, share: number): number => {
  const total = buckets.at(-1)?.count ?? 0
  return buckets.find(({ count }) => count >= total * share)?.upTo ?? Number.NaN
}
