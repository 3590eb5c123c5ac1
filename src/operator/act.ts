/**
 * A decision becomes replicas, through /scale and nothing else. Each attempt reads first, writes under the version
 * that it read, and only while this operator may act; a lost answer is settled by reading back before anything else
 * is written. So no decision is ever written twice, and none on a state that it was not made for.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Decision, Outcome } from "#schemas/Decision"
import type { Memory } from "#schemas/Memory"
import type { Observation } from "#schemas/Observation"
import type { Policy } from "#schemas/Policy"
import type { Millis } from "#schemas/Reading"
import type { KubernetesError } from "#services/Kubernetes"
import { FIELD_MANAGER } from "#services/kubernetesCalls"
import { getScale, patchScale, readReplicasOwner, replicasOf, SCALE_COMMIT_MILLIS } from "#services/kubernetesScale"
import { annotated, traced } from "#services/traced"
import { nameOf } from "#operator/Facts"

/** A decision with what it was made of. */
export interface Plan {
  readonly observation: Observation
  /** As it was before the decision, foreign writes already adopted. */
  readonly before: Memory
  readonly memory: Memory
  readonly decision: Decision
}

/** A write whose answer was lost: it may have happened, or may still. */
export interface Sent {
  readonly from: number
  readonly to: number
  readonly resourceVersion: string
  readonly at: Millis
}

export interface ActInput {
  readonly policy: Policy
  readonly plan: Plan
  /** Decides anew because somebody else has changed the replicas since the observation. */
  readonly replan: (replicas: number, resourceVersion: string) => Plan
  readonly mayAct: Effect.Effect<boolean>
  /** True once the policy was changed or retired: a plan of the old one must not be written any more. */
  readonly outdated: () => boolean
  /** The API server asked to be left alone until then. */
  readonly notBefore: Millis
  readonly sent: Sent | undefined
  /** Why it cannot be told yet what the leader before this one wrote: until then nothing is written over it. */
  readonly unread: KubernetesError | undefined
  /** The leader before this one may still write: whose other replicas are is then found out before they are believed. */
  readonly mayBeLate: boolean
}

export interface Acted {
  readonly plan: Plan
  readonly outcome: Outcome
  readonly sent: Sent | undefined
  readonly notBefore: Millis
}

/** One try and three more on a newer state. */
const ATTEMPTS = 4
/** How long a lost write is given to show, and how often it is looked for. */
const SETTLE_PAUSE_MILLIS = 500
const SETTLE_READS = 3
/** A write that does not show after this will not any more, however slowly it got to the API server. */
const SENT_MAX_MILLIS = SCALE_COMMIT_MILLIS + 2_000

export const act = traced("act")(function* (input: ActInput) {
  const acted = yield* attempt(input)
  const { outcome, plan } = acted
  yield* annotated(() => ({
    target: nameOf(plan.observation.target),
    desired: plan.decision.desired,
    outcome: outcome._tag,
    ...("message" in outcome ? { message: outcome.message } : {})
  }))
  return acted
})

const attempt = Effect.fnUntraced(function* (input: ActInput) {
  const { policy } = input
  const target = input.plan.observation.target
  let { notBefore, plan, sent } = input
  /** Whatever else is true: while a write may still come, that is what has to be known. */
  const done = (outcome: Outcome): Acted => ({
    plan,
    outcome: sent === undefined ? outcome : lost(sent),
    sent,
    notBefore
  })

  const failed = Effect.fnUntraced(function* (error: KubernetesError) {
    if (error.reason._tag === "Throttled") {
      notBefore = (yield* Clock.currentTimeMillis) + error.reason.retryAfterMillis
    }
    return done({ _tag: "Refused", reason: error.reason._tag, message: remedyFor(error, plan) })
  })

  for (let count = 1; count <= ATTEMPTS; count++) {
    if (input.outdated()) return done(OUTDATED)
    const withheld = whyWithheld(policy, plan)
    if (withheld !== undefined && sent === undefined) return done(withheld)
    const settled = plan.decision.desired === plan.observation.state.specReplicas
    if (settled && sent === undefined) return done({ _tag: "Unchanged" })
    if ((yield* Clock.currentTimeMillis) < notBefore) {
      const message = "The API server asked to be left alone for a while; the decision is made again then."
      return done({ _tag: "Refused", reason: "Throttled", message })
    }
    if (input.unread !== undefined) return yield* failed(input.unread)

    const read = yield* Effect.result(getScale(target))
    if (read._tag === "Failure") return yield* failed(read.failure)
    const { resourceVersion } = read.success.metadata
    const replicas = replicasOf(read.success)

    if (sent !== undefined) {
      const found = yield* Effect.result(settle(input.plan, sent, replicas, resourceVersion))
      if (found._tag === "Failure") return yield* failed(found.failure)
      if (found.success === "happened") {
        const { from, to } = sent
        const own = input.sent === undefined
        sent = undefined
        return done(
          own ? { _tag: "Scaled", from, to, resourceVersion } : { _tag: "Recovered", from, to, by: FIELD_MANAGER }
        )
      }
      if (found.success === "never") sent = undefined
      if (withheld !== undefined) return done(withheld)
    }

    const { state } = plan.observation
    if (replicas !== state.specReplicas) {
      if (input.mayBeLate) return done(WHOSE)
      plan = input.replan(replicas, resourceVersion)
    }
    const after = whyWithheld(policy, plan)
    if (after !== undefined) return done(after)
    const { desired } = plan.decision
    if (desired === replicas) return done({ _tag: "Unchanged" })
    if (input.outdated()) return done(OUTDATED)
    if (!(yield* input.mayAct)) return done(NOT_LEADER)

    const at = yield* Clock.currentTimeMillis
    const written = yield* Effect.result(patchScale(target, desired, resourceVersion))
    if (written._tag === "Success") {
      sent = undefined
      const to = replicasOf(written.success)
      return done({ _tag: "Scaled", from: replicas, to, resourceVersion: written.success.metadata.resourceVersion })
    }
    switch (written.failure.reason._tag) {
      case "Conflict":
        break
      case "Unknown":
      case "ServerError":
      case "Malformed":
        sent = { from: replicas, to: desired, resourceVersion, at }
        break
      default:
        return yield* failed(written.failure)
    }
  }
  const message = `${nameOf(target)} was changed by somebody else at every attempt; the next tick tries again.`
  return done({ _tag: "Refused", reason: "Conflict", message })
})

/**
 * What became of a write whose answer was lost. The API server keeps who wrote spec.replicas last: the wanted
 * number in our name means that it happened. A newer version without it means that it never will, because its
 * precondition is gone. The same version means that it may still come, for as long as the API server works on a
 * write: sending it again can succeed only once.
 */
const settle = Effect.fn("act.settle")(function* (plan: Plan, sent: Sent, replicas: number, resourceVersion: string) {
  const { target } = plan.observation
  let now = { replicas, resourceVersion }
  for (let read = 1; now.resourceVersion === sent.resourceVersion && read <= SETTLE_READS; read++) {
    yield* Effect.sleep(SETTLE_PAUSE_MILLIS)
    const scale = yield* getScale(target)
    now = { replicas: replicasOf(scale), resourceVersion: scale.metadata.resourceVersion }
  }
  if (now.resourceVersion === sent.resourceVersion) {
    return (yield* Clock.currentTimeMillis) - sent.at > SENT_MAX_MILLIS ? ("never" as const) : ("open" as const)
  }
  if (now.replicas !== sent.to) return "never" as const
  return (yield* readReplicasOwner(target)).ours ? ("happened" as const) : ("never" as const)
})

const lost = ({ from, to }: Sent): Outcome => ({
  _tag: "Unknown",
  message: `The answer to the change from ${from} to ${to} replicas was lost, and reading back did not tell. It is settled before anything else is written.`
})

const OUTDATED: Outcome = {
  _tag: "Refused",
  reason: "Outdated",
  message: "The policy changed while it was decided upon; it is decided anew."
}

const NOT_LEADER: Outcome = {
  _tag: "Withheld",
  why: "NotLeader",
  message: "This operator's lease is about to end or has ended; the next leader decides again."
}

const WHOSE: Outcome = {
  _tag: "Refused",
  reason: "Conflict",
  message: "The replicas changed just after this operator took over; the next tick finds out who changed them."
}

/** Why the decision is only published. Independent of what it says, so that conditions do not flicker. */
export const whyWithheld = (policy: Policy, { before, decision, observation }: Plan): Outcome | undefined => {
  const withheld = (why: Extract<Outcome, { _tag: "Withheld" }>["why"], message: string): Outcome => ({
    _tag: "Withheld",
    why,
    message
  })
  const wanted = `It would be ${decision.desired} replicas.`
  const { conflict } = observation.state
  if (conflict !== undefined) return withheld("Conflict", conflict.message)
  if (policy.mode === "Paused") return withheld("Paused", "Paused by spec.mode. Set it to Active to go on.")
  if (policy.mode === "Recommend") {
    return withheld("Recommend", `spec.mode is Recommend: computed and not written. ${wanted}`)
  }
  if (policy.actuation._tag === "HPAFloor") {
    const message = "spec.actuation HPAFloor is not built in this version: computed and not written. Use Scale."
    return withheld("Recommend", `${message} ${wanted}`)
  }
  if ((before.frozenUntil ?? 0) > observation.at) {
    const message = "Somebody else keeps changing the replicas, so the policy waits. Let only one of you scale it."
    return withheld("Frozen", message)
  }
  return undefined
}

/** The API server's words and what a person can do about them. */
const remedyFor = (error: KubernetesError, { observation: { target } }: Plan): string => {
  const name = `${nameOf(target)} in namespace ${target.namespace}`
  switch (error.reason._tag) {
    case "Forbidden":
      return `The operator may not scale ${name}: ${error.detail} Grant get and patch on its scale subresource.`
    case "Unauthorized":
      return `The API server does not accept the operator's credentials: ${error.detail} Look at its ServiceAccount.`
    case "NotFound":
      return `${name} is not there: ${error.detail} Create it, or correct the policy's target.`
    case "Invalid":
      return `The API server does not accept the change of ${name}: ${error.detail} Look at the target's kind and at admission policies.`
    case "Throttled":
      return `The API server is busy: ${error.detail} The operator waits as long as it was asked to.`
    case "Unreachable":
      return `The API server cannot be reached: ${error.detail} Nothing was written; the next tick tries again.`
    default:
      return `${name} was not changed: ${error.detail} The next tick tries again.`
  }
}
