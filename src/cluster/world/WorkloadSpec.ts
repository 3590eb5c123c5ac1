/** What runs in the embedded cluster, as data: a workload of pods, what comes over it, and where its numbers can be read. */
import * as Result from "effect/Result"
import { type Pattern, PATTERNS, type Traffic } from "#workload/patterns"
import { patternOf } from "#workload/patternText"
import { type Trace, trafficOf } from "#workload/trace"
import type { Seed } from "#workload/words"
import { PLANTS, WEB, type Workload } from "#workload/Workload"

export type TrafficSpec =
  /** `spike`, or `spike:height=6,every=900`; its usual level is `rate` a second. */
  | { readonly pattern: string; readonly rate: number }
  /** A recorded load, times `scale`. */
  | { readonly trace: Trace; readonly scale?: number }

/** Where a queue is: each in the terms of its own system. Servers are names of Services, with or without a namespace. */
export type QueueSpec =
  | {
      readonly system: "nats"
      readonly server: string
      readonly stream: string
      readonly consumer: string
      readonly subject: string
      /** Servers of the cluster, found as `SERVER-0.SERVER` and so on; only the stream's leader knows its numbers. Default: 1. */
      readonly members?: number
    }
  | {
      readonly system: "redis"
      readonly server: string
      readonly key: string
      readonly type: "list" | "set" | "zset" | "hash" | "stream"
      readonly db?: number
      /** Of a stream. */
      readonly group?: string
    }
  | {
      readonly system: "kafka"
      readonly server: string
      readonly topic: string
      readonly group: string
      readonly partitions: number
    }
  | { readonly system: "pubsub"; readonly project: string; readonly subscription: string }

/** Numbers of a workload that a page can tell. */
export type Told = "inFlight" | "waiting" | "requestsPerSecond" | "readyPods"

/** A number in JSON at any URL: `at` are the names that lead to it. */
export interface PageSpec {
  readonly url: string
  readonly at: ReadonlyArray<string>
  readonly tells: Told
}

/** What may be wrong with pods. */
export interface Trouble {
  /** A pod crashes after so long on average; absent: never. */
  readonly crashEverySeconds?: number
  /** As a container's status says it; default: Error. */
  readonly reason?: string
  /** A pod is done after so long, with exit code 0. */
  readonly finishAfterSeconds?: number
  /** Of the new pods, this share never becomes ready. */
  readonly neverReadyShare?: number
}

export interface WorkloadSpec {
  readonly name: string
  /** Default: default. */
  readonly namespace?: string
  readonly kind?: "Deployment" | "StatefulSet"
  /** At first; default: 1. */
  readonly replicas?: number
  /** Besides `app: NAME`. */
  readonly labels?: Readonly<Record<string, string>>
  /** What a pod requests, and what it uses when all its workers are busy. Default: 100m and 128Mi. */
  readonly requests?: { readonly cpu: string; readonly memory: string }
  /** A name of PLANTS, or what differs from a web service, or from a queue's worker where there is a queue. */
  readonly plant?: string | Partial<Workload>
  readonly traffic?: TrafficSpec
  readonly queue?: QueueSpec
  readonly pages?: ReadonlyArray<PageSpec>
  readonly trouble?: Trouble
}

export const NO_TRAFFIC: Traffic = () => 0

export const plantOf = ({ name, plant, queue }: WorkloadSpec): Workload => {
  const base = queue === undefined ? WEB : (PLANTS["queue"] ?? WEB)
  if (typeof plant !== "string") return { ...base, ...plant }
  const named = Object.hasOwn(PLANTS, plant) ? PLANTS[plant] : undefined
  if (named !== undefined) return named
  throw new RangeError(`${name}: there is no plant ${plant}: choose one of ${Object.keys(PLANTS).join(", ")}`)
}

/** Per second; throws where there is no such pattern. */
export const trafficFor = (spec: TrafficSpec | undefined, seed: Seed): Traffic => {
  if (spec === undefined) return NO_TRAFFIC
  if ("trace" in spec) {
    const [traffic, scale] = [trafficOf(spec.trace), spec.scale ?? 1]
    return (second) => traffic(second) * scale
  }
  const { traffic } = Result.getOrThrowWith(patternOf(spec.pattern, seed), (sentence) => new RangeError(sentence))
  return (second) => traffic(second) * spec.rate
}

/** How long a pattern takes for one round of what it is known for; others have no such thing. */
const ROUNDS: Readonly<Record<string, number>> = {
  ramp: 5400,
  growth: 5400,
  step: 3000,
  spike: 2700,
  flash: 5400,
  // The first hour has no job.
  hourly: 7200,
  diurnal: 86_400,
  week: 604_800,
  onoff: 1800,
  outage: 5400
}
const TIMES: ReadonlySet<string> = new Set("scale rise doubling every fade stay last day on off rest".split(" "))

/** A pattern that shows what it is within so many seconds: its times are shortened, unless the text itself names them. */
export const fittedPattern = (text: string, seconds: number): string => {
  const [name = "", given = ""] = text.split(/:(.*)/u)
  const pattern: Pattern | undefined = Object.hasOwn(PATTERNS, name) ? PATTERNS[name] : undefined
  const share = seconds / (ROUNDS[name] ?? seconds)
  if (pattern === undefined || share >= 1) return text
  const named = new Set(given.split(",").map((part) => part.split("=")[0]?.trim()))
  const shortened = Object.entries(pattern.knobs)
    .filter(([knob]) => TIMES.has(knob) && !named.has(knob))
    .map(([knob, { usual }]) => `${knob}=${Math.max(0.001, Math.round(usual * share * 1000) / 1000)}`)
  return `${name}:${[...shortened, ...(given === "" ? [] : [given])].join(",")}`
}
