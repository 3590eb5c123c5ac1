/**
 * What a signal of a policy would measure in a workload that is simulated. Most signals say it by their role or their
 * source; of the others the query and the target tell it, and then it is an assumption that the user must see.
 */
import type { Role, Signal } from "#schemas/Policy"
import { measured, missing, type Reading } from "#schemas/Reading"
import { unusable } from "#sources/Source"

/** As the decider protocol sends them. */
export type Metrics = Readonly<Record<string, unknown>>

export interface Measure {
  readonly field: string
  readonly factor: number
  /** Divided by the pods that were ready. */
  readonly perPod: boolean
  /** Absent: nobody could doubt it. */
  readonly assumption?: string
}

/** Which of the protocol's numbers each role is, and by what factor: utilizations are percentages here. */
const BY_ROLE: Readonly<Record<Role, readonly [string, number]>> = {
  demand: ["rps", 1],
  served: ["servedRps", 1],
  utilization: ["cpuUtilisation", 100],
  concurrency: ["concurrency", 1],
  backlog: ["queueLength", 1],
  age: ["p95LatencyMs", 1 / 1000],
  latency: ["p95LatencyMs", 1],
  errorRate: ["errorRate", 1],
  badFraction: ["badFraction", 1]
}

const QUEUES: ReadonlySet<string> = new Set(["redis", "nats", "pubsub", "kafka"])

/** In this order, since "http_request_duration" is about time and not about requests. */
const WORDS: ReadonlyArray<readonly [RegExp, Role]> = [
  [/error|fail|5\.\.|status.*5/iu, "errorRate"],
  [/latency|duration.*bucket|quantile|response_time/iu, "latency"],
  [/cpu/iu, "utilization"],
  [/queue|backlog|lag|pending|waiting|depth/iu, "backlog"],
  [/inflight|in_flight|concurren|connections|active/iu, "concurrency"]
]

const textOf = ({ name, options }: Signal): string => `${name} ${JSON.stringify(options) ?? ""}`

/** A mean over pods is the same for one and for all. */
const EXTENSIVE: ReadonlySet<Role> = new Set(["demand", "served", "concurrency", "backlog"])

const SAYS: Readonly<Record<Role, string>> = {
  demand: "requests per second",
  served: "answers per second",
  utilization: "the use of the CPU",
  concurrency: "requests at once",
  backlog: "what waits",
  age: "for how many seconds the oldest message waits",
  latency: "the 95th percentile of the latency",
  errorRate: "the share of requests that fail",
  badFraction: "the share of requests outside the objective"
}

const GIBIBYTE = 2 ** 30

/** CPU and memory pod by pod: percent of what is requested, else cores and bytes of pods of one core and one GiB. */
const resourceMeasure = ({ options, target }: Signal): Measure => {
  const isMemory = (JSON.stringify(options) ?? "").includes('"memory"')
  const isPercent = target === undefined || target.type === "Utilization"
  const field = isMemory ? "memUtilisation" : "cpuUtilisation"
  if (isPercent) return { field, factor: 100, perPod: false }
  const assumption = isMemory ? "memory of pods that request 1 GiB" : "cores of pods that request 1 core"
  return { field, factor: isMemory ? GIBIBYTE : 1, perPod: false, assumption }
}

/** A percentage is compared with more than 1, milliseconds with more than any service takes seconds. */
const factorOf = (role: Role, threshold: number): number => {
  if (role === "utilization" || role === "errorRate") return threshold > 1.5 ? 100 : 1
  return role === "latency" && threshold <= 20 ? 1 / 1000 : 1
}

const guessed = (signal: Signal): Measure => {
  const role = QUEUES.has(signal.source)
    ? "backlog"
    : (WORDS.find(([words]) => words.test(textOf(signal)))?.[1] ?? "demand")
  const [field, usual] = BY_ROLE[role]
  const threshold = (signal.target?.milli ?? 0) / 1000
  const factor = role === "utilization" ? factorOf(role, threshold) : usual * factorOf(role, threshold)
  const perPod = signal.target?.type === "Value" && EXTENSIVE.has(role)
  return { field, factor, perPod, assumption: perPod ? `${SAYS[role]} of one pod` : SAYS[role] }
}

export const measureOf = (signal: Signal): Measure => {
  const { role, source, target } = signal
  if (source === "resource") return resourceMeasure(signal)
  if (role === undefined) return guessed(signal)
  const [field, factor] = BY_ROLE[role]
  if (role === "age") return { field, factor, perPod: false, assumption: SAYS.age }
  // A target of the type Value is held by each pod's own share; one that is about the whole is an AverageValue.
  const perPod = target?.type === "Value" && EXTENSIVE.has(role)
  return { field, factor, perPod, ...(perPod ? { assumption: `${SAYS[role]} of one pod` } : {}) }
}

const LOST = missing("NotGiven", "The scrape was lost.")

const isJson = (value: unknown): value is Metrics =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Older than any history: a mistake. */
const AGE_MAX_SECONDS = 8.64e12

/** What a signal reads from metrics that may not have arrived. */
export const readingOf = (measure: Measure, metrics: unknown, at: number): Reading => {
  if (!isJson(metrics)) return LOST
  const value = metrics[measure.field]
  if (typeof value !== "number") return LOST
  const ready = metrics["readyAvg"]
  const pods = measure.perPod && typeof ready === "number" ? ready : 1
  if (pods <= 0) return missing("NoPods", "No pod was ready.")
  const age = metrics["ageSeconds"]
  const ageMillis = typeof age === "number" && age > 0 && age <= AGE_MAX_SECONDS ? Math.round(age * 1000) : 0
  const read = (value * measure.factor) / pods
  return unusable(read, `The value of ${measure.field}`) ?? measured(read, at - ageMillis)
}
