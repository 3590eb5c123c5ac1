/**
 * What one decision may look at: the target from the shared watches, every signal in parallel, each with a deadline
 * of its own. A source that hangs costs its own signal, and whatever goes wrong is a Missing and never a number.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import type { Advice, Observation, SignalReading, TargetState } from "#schemas/Observation"
import type { Policy, Refusal, Target } from "#schemas/Policy"
import { missing, type Reading } from "#schemas/Reading"
import type { PodState } from "#schemas/kubernetes/Pod"
import type { KubernetesError } from "#services/Kubernetes"
import { Metrics } from "#services/Metrics"
import { annotated, traced } from "#services/traced"
import type { BoundPolicy, BoundSignal } from "#operator/bind"
import { nameOf, type TargetTrouble } from "#operator/Facts"
import { Health } from "#operator/Health"
import { asStep } from "#operator/learn"
import type { Ownership } from "#operator/Ownership"
import { Workloads } from "#operator/Workloads"
import { unusable } from "#sources/Source"

const DEADLINE_MAX_MILLIS = 10_000
const SEED_MAX = 2 ** 31 - 1

/** What the policy wants to scale. */
export interface Found {
  /** Named or selected, there or not. */
  readonly claimed: ReadonlyArray<Target>
  readonly refusals: ReadonlyArray<Refusal>
  readonly trouble: TargetTrouble | undefined
}

export const resolveTargets = Effect.fnUntraced(function* ({
  targets
}: Policy): Effect.fn.Return<Found, never, Workloads> {
  if (targets._tag === "Ref") return { claimed: [targets.target], refusals: [], trouble: undefined }
  const workloads = yield* Workloads
  const { labels, limit, namespace } = targets
  const read = yield* Effect.result(workloads.matching(namespace, labels))
  if (read._tag === "Failure") return { claimed: [], refusals: [], trouble: troubleOf(read.failure) }
  const matching = read.success
  const selector = Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(", ")
  if (matching.length > limit) {
    const message = `${matching.length} Deployments in namespace ${namespace} have the labels ${selector}, and a policy may select ${limit}. Select fewer, or write more policies.`
    return {
      claimed: [],
      refusals: [{ reason: "TooManyTargets", path: "spec.target_labels", message }],
      trouble: undefined
    }
  }
  if (matching.length > 0) return { claimed: matching, refusals: [], trouble: undefined }
  const message = `No Deployment in namespace ${namespace} has the labels ${selector}. Label one, or correct spec.target_labels.`
  return { claimed: [], refusals: [], trouble: { reason: "TargetNotFound", message, lasting: true } }
})

const notThere = (target: Target): TargetTrouble => ({
  reason: "TargetNotFound",
  message: `${nameOf(target)} is not in namespace ${target.namespace}. Create it, or correct the policy's target.`,
  lasting: true
})

const troubleOf = (error: KubernetesError): TargetTrouble => {
  switch (error.reason._tag) {
    case "NotFound":
      return { reason: "TargetNotFound", message: error.detail, lasting: true }
    case "Invalid":
      return { reason: "InvalidTarget", message: error.detail, lasting: true }
    case "Forbidden":
    case "Unauthorized":
      return { reason: error.reason._tag, message: `${error.message} Grant it to the operator's role.`, lasting: true }
    default:
      return { reason: "TargetUnreadable", message: `${error.message} The next tick tries again.`, lasting: false }
  }
}

export interface ObserveInput {
  readonly bound: BoundPolicy
  readonly target: Target
  readonly ownership: Ownership
  readonly advice?: Advice | undefined
}

/** An observation, or why there can be none. */
export const observe = (input: ObserveInput) => gather(input).pipe(asStep(input.bound.policy, "StateObserver"))

const gather = traced("observe")(function* (input: ObserveInput) {
  const { bound, target } = input
  const { actuation } = bound.policy
  const workloads = yield* Workloads
  yield* annotated(() => ({ target: nameOf(target) }))
  const steeredHpa = actuation._tag === "HPAFloor" ? actuation.name : undefined
  const state = workloads.state(target, { steeredHpa }).pipe(
    Effect.map(Option.match({ onNone: () => Result.fail(notThere(target)), onSome: Result.succeed })),
    Effect.catch((error) => Effect.succeed(Result.fail(troubleOf(error))))
  )
  const before = yield* state
  if (Result.isFailure(before)) return Result.fail(before.failure)
  const pods = yield* Effect.orElseSucceed(workloads.pods(target), (): ReadonlyArray<PodState> => [])
  const readings = yield* Effect.forEach(bound.signals, (signal) => sample(signal, bound.policy, target, pods), {
    // A fiber of its own only where there is another one to run beside.
    concurrency: bound.signals.length > 1 ? "unbounded" : 1
  })
  // What is there is read last: readings may have taken up to their deadline.
  const now = yield* state
  if (Result.isFailure(now)) return Result.fail(now.failure)
  const observation: Observation = {
    at: yield* Clock.currentTimeMillis,
    target,
    state: withConflict(now.success, input),
    readings,
    ...(input.advice === undefined ? {} : { advice: input.advice }),
    seed: yield* Random.nextIntBetween(0, SEED_MAX)
  }
  yield* annotated(() => ({
    replicas: now.success.specReplicas,
    ...Object.fromEntries(readings.map(({ reading, signal }) => [`signal.${signal}`, shown(reading)]))
  }))
  return Result.succeed(observation)
})

const sample = traced("signal")(function* (
  { sample: ask, signal }: BoundSignal,
  policy: Policy,
  target: Target,
  pods: ReadonlyArray<PodState>
) {
  const metrics = yield* Metrics
  const health = yield* Health
  const at = yield* Clock.currentTimeMillis
  const deadline = Math.min(policy.intervalMillis, DEADLINE_MAX_MILLIS)
  const [took, read] = yield* ask({ namespace: policy.ref.namespace, target, pods, at }).pipe(
    Effect.timeoutOrElse({
      duration: deadline,
      orElse: () =>
        Effect.succeed(
          missing("Timeout", `The source ${signal.source} did not answer within ${deadline} ms. Look at its address.`)
        )
    }),
    Effect.timed
  )
  const reading = sane(signal.name, read)
  const result = reading._tag === "Measured" ? "measured" : reading._tag === "Stale" ? "stale" : "missing"
  yield* metrics.sampled(signal.source, Duration.toSeconds(took), result)
  yield* health.sampled(signal.source, reading)
  yield* annotated(() => ({ signal: signal.name, source: signal.source, reading: shown(reading) }))
  const answer: SignalReading = { signal: signal.name, reading }
  return answer
})

/** The last line of defence: a source that lets such a number through is wrong, and nothing is scaled by it. */
const sane = (name: string, reading: Reading): Reading =>
  reading._tag === "Measured" ? (unusable(reading.value, `The value of ${name}`) ?? reading) : reading

const shown = (reading: Reading): string => {
  switch (reading._tag) {
    case "Measured":
      return String(reading.value)
    case "Stale":
      return `${reading.value} (stale)`
    case "Missing":
      return `missing: ${reading.why}`
  }
}

/** An older policy on the same target goes before another autoscaler: it is ours to explain. */
const withConflict = (state: TargetState, { bound, ownership, target }: ObserveInput): TargetState => {
  const owner = ownership.ownerOf(target)
  if (owner === undefined || owner.uid === bound.policy.ref.uid) return state
  const message = `${owner.kind} ${owner.namespace}/${owner.name} is older and scales ${nameOf(target)}. Delete one of the two.`
  return { ...state, conflict: { reason: "AlreadyManaged", message } }
}
