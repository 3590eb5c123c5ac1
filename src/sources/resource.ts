/** CPU and memory of the target's pods, pod by pod, as the HPA reads them. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { PodState } from "#schemas/kubernetes/Pod"
import { measured, missing } from "#schemas/Reading"
import type { PodSample, Reading, Stale } from "#schemas/Reading"
import { ResourceMetrics } from "#services/ResourceMetrics"
import type { NamespaceUsage, PodUsage } from "#services/ResourceMetrics"
import { traced } from "#services/traced"
import { unusable } from "#sources/Source"
import type { SampleInput, Source } from "#sources/Source"

export const ResourceOptions = Schema.Struct({
  resource: Schema.Literals(["cpu", "memory"]).annotate({ description: "What is measured." }),
  container: Schema.optionalKey(
    Schema.String.annotate({ description: "Only this container of each pod; absent: all of them." }).check(
      Schema.isMaxLength(63),
      Schema.isPattern(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/u)
    )
  )
}).annotate({
  description:
    "CPU or memory of the target's pods, from metrics.k8s.io where it is served, else from the operator's Prometheus."
})
export type ResourceOptions = typeof ResourceOptions.Type

/** A pod whose one container has no sample is not known in half: it counts as missing. */
const usageOf = (usage: PodUsage, { container, resource }: ResourceOptions): number | undefined => {
  const containers = container === undefined ? [...usage.containers.values()] : [usage.containers.get(container) ?? {}]
  let sum = 0
  for (const one of containers) {
    const milli = one[resource]
    if (milli === undefined) return undefined
    sum += milli
  }
  return containers.length === 0 ? undefined : sum
}

const requestOf = (pod: PodState, { container, resource }: ResourceOptions): number | undefined => {
  const named = container === undefined || Object.hasOwn(pod.requests, container)
  const requests = container === undefined ? Object.values(pod.requests) : [pod.requests[container] ?? {}]
  let sum = 0
  for (const request of requests) {
    const milli = request[resource]
    if (milli === undefined) return undefined
    sum += milli
  }
  return !named || requests.length === 0 ? undefined : sum
}

const podSample = (pod: PodState, usage: PodUsage | undefined, options: ResourceOptions): PodSample => {
  const requestMilli = requestOf(pod, options)
  const usageMilli = usage === undefined ? undefined : usageOf(usage, options)
  return {
    name: pod.name,
    phase: pod.phase,
    deleting: pod.deleting,
    ...(pod.ready === undefined ? {} : { ready: pod.ready }),
    ...(pod.readyChangedAt === undefined ? {} : { readyChangedAt: pod.readyChangedAt }),
    ...(pod.startedAt === undefined ? {} : { startedAt: pod.startedAt }),
    ...(requestMilli === undefined ? {} : { requestMilli }),
    ...(usage === undefined || usageMilli === undefined
      ? {}
      : { usageMilli, sampledAt: usage.sampledAt, windowMillis: usage.windowMillis })
  }
}

const ended = (pod: PodSample) => pod.deleting || pod.phase === "Failed" || pod.phase === "Succeeded"

const total = (pods: ReadonlyArray<PodSample>, field: "usageMilli" | "requestMilli") =>
  pods.reduce((sum, pod) => sum + (pod[field] ?? 0), 0)

const summarize = (input: SampleInput<ResourceOptions>, usages: NamespaceUsage): Reading => {
  const { at, maxSampleAgeMillis, options, targetType } = input
  const named = options.container === undefined ? options.resource : `${options.resource} of ${options.container}`
  const pods = input.pods.map((pod) => podSample(pod, usages.get(pod.name), options))
  const unmeasured = pods.find((pod) => pod.requestMilli === undefined)
  if (targetType === "Utilization" && unmeasured !== undefined) {
    return missing(
      "NoRequests",
      `The pod ${unmeasured.name} requests no ${named}, so its utilization is undefined. Set resources.requests on every container, or use a target of type AverageValue.`
    )
  }
  const tooOld = ({ sampledAt }: PodSample) =>
    maxSampleAgeMillis !== undefined && sampledAt !== undefined && at - sampledAt > maxSampleAgeMillis
  const living = pods.filter((pod) => !ended(pod))
  const sampled = living.filter((pod) => pod.usageMilli !== undefined)
  if (sampled.length === 0) {
    return missing(
      "NoSamples",
      `No pod of the target has a sample of ${named} yet. New pods get theirs within a minute; if it stays so, check metrics-server.`
    )
  }
  const fresh = sampled.filter((pod) => !tooOld(pod))
  const shown = fresh.length === 0 ? sampled : fresh
  const value =
    targetType === "Utilization"
      ? (100 * total(shown, "usageMilli")) / total(shown, "requestMilli")
      : total(shown, "usageMilli") / shown.length / 1000
  const bad = unusable(value, `The ${named}`)
  if (bad !== undefined) return bad
  const newest = shown.reduce((latest, { sampledAt = 0 }) => Math.max(latest, sampledAt), 0)
  if (fresh.length === 0) {
    return {
      _tag: "Stale",
      value,
      at: newest,
      ageMillis: at - newest,
      detail: `Every sample of ${named} is older than maxSampleAge. Check metrics-server.`
    } satisfies Stale
  }
  const withoutOld = pods.map((pod): PodSample => {
    if (!tooOld(pod)) return pod
    const { sampledAt: _, usageMilli: __, windowMillis: ___, ...rest } = pod
    return rest
  })
  const reading = measured(value, newest, fresh.length / living.length, withoutOld)
  return options.resource === "cpu" ? { ...reading, warmUp: true } : reading
}

const sample = traced("resource.sample")(function* (input: SampleInput<ResourceOptions>) {
  if (input.pods.length === 0) {
    return missing(
      "NoPods",
      "The target has no pods to measure. Scale it to at least one, or use a signal that works at zero."
    )
  }
  const metrics = yield* ResourceMetrics
  return yield* metrics.usage(input.target.namespace, input.options.resource).pipe(
    Effect.map((usages) => summarize(input, usages)),
    Effect.catchTag("SourceError", (error) => Effect.succeed<Reading>(error.missing))
  )
})

export const resource: Source<ResourceOptions, ResourceMetrics> = {
  name: "resource",
  description: "CPU or memory of the target's pods, as the HPA reads them.",
  options: ResourceOptions,
  example: { resource: "cpu" },
  built: true,
  worksAtZero: false,
  question: (_, namespace) => namespace,
  sample
}
