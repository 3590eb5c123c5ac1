/** A policy to begin with, made of the one that was tried: the same target and questions, told what they mean, and Recommend. */
import { toYaml, GENERATED_BY } from "#manifests/yaml"
import type { Policy, Signal } from "#schemas/Policy"
import { formatMilli } from "#schemas/quantity"
import { measureOf } from "../measures.ts"
import { queryOf } from "./history.ts"

const ROLES: Readonly<Record<string, string>> = {
  rps: "demand",
  servedRps: "served",
  cpuUtilisation: "utilization",
  concurrency: "concurrency",
  queueLength: "backlog",
  p95LatencyMs: "latency",
  errorRate: "errorRate",
  badFraction: "badFraction"
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

const SECRETS: ReadonlySet<string> = new Set(["headers", "basicAuth"])

/** Inline credentials are not repeated: whoever copies this names a Secret. */
const withoutSecrets = (options: unknown): unknown =>
  isRecord(options) ? Object.fromEntries(Object.entries(options).filter(([name]) => !SECRETS.has(name))) : options

/** The name that a manifest may have; metrics[0] may not. */
const nameOf = (name: string): string =>
  name
    .replaceAll(/[^-a-zA-Z0-9]+/gu, "-")
    .replaceAll(/^-+|-+$/gu, "")
    .toLowerCase()

const signalOf = (signal: Signal): object => {
  const { factor, field, perPod } = measureOf(signal)
  const role = ROLES[field]
  // What is measured of one pod is no demand of all of them, and seconds are no latency, which is in milliseconds.
  const isTold = role !== undefined && !perPod && (role !== "latency" || factor === 1)
  const target = signal.target
  const milli = target?.milli ?? 0
  return {
    name: nameOf(signal.name),
    ...(isTold ? { role } : {}),
    [signal.source]: withoutSecrets(signal.options),
    ...(target === undefined
      ? {}
      : { target: { type: target.type, value: target.type === "Utilization" ? String(milli) : formatMilli(milli) } })
  }
}

const CPU = { name: "cpu", resource: { resource: "cpu" }, target: { type: "Utilization", value: "70" } }

export interface Suggestion {
  readonly minReplicas: number
  readonly maxReplicas: number
  readonly objectives: object
}

/** As YAML; whether an API server would take it is for the caller to ask. */
export const suggested = (policy: Policy, { maxReplicas, minReplicas, objectives }: Suggestion): string => {
  const { ref, signals, targets } = policy
  const target = targets._tag === "Ref" ? targets.target : { apiVersion: "apps/v1", kind: "Deployment", name: ref.name }
  const kept = signals.filter((signal) => signal.source !== "prometheus" || queryOf(signal) !== undefined)
  const hasCpu = kept.some((signal) => measureOf(signal).field === "cpuUtilisation")
  return toYaml([
    {
      apiVersion: "nimbusguard.io/v1",
      kind: "ScalingPolicy",
      metadata: { name: ref.name, namespace: ref.namespace },
      spec: {
        mode: "Recommend",
        target: { apiVersion: target.apiVersion, kind: target.kind, name: target.name },
        scaling: { minReplicas, maxReplicas },
        signals: [...kept.map(signalOf), ...(hasCpu ? [] : [CPU])],
        objectives
      }
    }
  ]).slice(GENERATED_BY.length)
}
