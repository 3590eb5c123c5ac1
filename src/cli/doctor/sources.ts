/**
 * Every source of one policy, asked once as the operator would ask it: the same options, the same deadline, the same
 * guards. A reading is shown with its age and how long it took; what is none says itself what to do.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { Finding } from "#cli/doctor/Finding"
import { Workloads } from "#operator/Workloads"
import type { Policy, Signal, Target } from "#schemas/Policy"
import type { PodState } from "#schemas/kubernetes/Pod"
import { missing, type Reading } from "#schemas/Reading"
import { Kubernetes, KubernetesError } from "#services/Kubernetes"
import { KubernetesDiscovery } from "#services/KubernetesDiscovery"
import { bindSource } from "#sources/index"

/** As in a tick of the operator. */
const DEADLINE_MAX_MILLIS = 10_000
/** Listing the pods of a cluster once. */
const SYNC_MILLIS = 10_000

export interface Asked {
  readonly signal: string
  readonly source: string
  readonly latencyMillis: number
  readonly at: number
  readonly reading: Reading
}

/** Stands in where no cluster can be found: what does not need one is asked all the same. */
export const layerNoKubernetes = (why: string): Layer.Layer<Kubernetes> =>
  Layer.succeed(Kubernetes, {
    request: ({ method, path }) =>
      Effect.fail(new KubernetesError({ reason: { _tag: "Unreachable" }, request: `${method} ${path}`, detail: why })),
    watch: () => Stream.never
  })

const targetOf = ({ ref, targets }: Policy): Target =>
  targets._tag === "Ref"
    ? targets.target
    : { apiVersion: "apps/v1", kind: "Deployment", namespace: ref.namespace, name: ref.name }

/** From the watches that the operator has, so that they are the same pods; nobody else is asked for any. */
const podsOf = Effect.fn("doctor.podsOf")(function* (target: Target) {
  return yield* Effect.gen(function* () {
    const workloads = yield* Workloads
    yield* Effect.timeoutOption(workloads.synced, SYNC_MILLIS)
    return yield* workloads.pods(target)
  }).pipe(
    Effect.provide(Workloads.layer({ namespaces: [target.namespace] }).pipe(Layer.provide(KubernetesDiscovery.layer))),
    Effect.orElseSucceed((): ReadonlyArray<PodState> => [])
  )
})

const ask = Effect.fn("doctor.ask")(function* (
  signal: Signal,
  policy: Policy,
  target: Target,
  pods: ReadonlyArray<PodState>
) {
  const at = yield* Clock.currentTimeMillis
  const deadline = Math.min(policy.intervalMillis, DEADLINE_MAX_MILLIS)
  const bound = bindSource(signal)
  const sampled = Result.isFailure(bound)
    ? Effect.succeed<Reading>(missing("BadOptions", bound.failure.message))
    : bound.success.sample({ namespace: policy.ref.namespace, target, pods, at })
  const [took, reading] = yield* sampled.pipe(
    Effect.timeoutOrElse({
      duration: deadline,
      orElse: () =>
        Effect.succeed<Reading>(
          missing("Timeout", `There was no answer within ${deadline} ms. Look at the address of ${signal.source}.`)
        )
    }),
    Effect.timed
  )
  const latencyMillis = Math.round(Duration.toMillis(took))
  return { signal: signal.name, source: signal.source, latencyMillis, at: at + latencyMillis, reading } satisfies Asked
})

/** Of these a number or its absence depends on who is running. */
const NEEDS_PODS: ReadonlySet<string> = new Set(["resource", "kafka"])

export const askSources = Effect.fn("doctor.askSources")(function* (policy: Policy, hasCluster: boolean) {
  const target = targetOf(policy)
  const needsPods = hasCluster && policy.signals.some(({ source }) => NEEDS_PODS.has(source))
  const pods = needsPods ? yield* podsOf(target) : []
  return yield* Effect.forEach(policy.signals, (signal) => ask(signal, policy, target, pods), {
    concurrency: "unbounded"
  })
})

/** What a person reads, and for programs the reading itself. */
export interface SourceFinding extends Finding, Asked {}

const ageText = (millis: number): string => `${Math.max(0, Math.round(millis / 1000))} s old`

export const findingOf = (asked: Asked): SourceFinding => {
  const { at, latencyMillis, reading, signal, source } = asked
  const name = `${signal} (${source})`
  const took = `asked in ${latencyMillis} ms`
  switch (reading._tag) {
    case "Measured": {
      const share = reading.coverage < 1 ? `, of ${Math.round(reading.coverage * 100)} % of the pods` : ""
      const message = `${reading.value}, ${ageText(at - reading.at)}${share}, ${took}`
      // One number was asked for, whatever it was made of.
      const { pods: _, ...short } = reading
      return { ...asked, name, status: "ok", message, reading: short }
    }
    case "Stale":
      return {
        ...asked,
        name,
        status: "failed",
        message: `${reading.value}, but ${ageText(reading.ageMillis)}, ${took}`,
        remedy: reading.detail
      }
    case "Missing":
      return { ...asked, name, status: "failed", message: `no value: ${reading.why}, ${took}`, remedy: reading.detail }
  }
}
