/**
 * One target of one policy through one tick: what was found, decided, written and learnt, as records. What it holds
 * between ticks is the memory of the target, and a write whose fate is not known yet.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Tracer from "effect/Tracer"
import type { Decision, DecisionRecord, Outcome } from "#schemas/Decision"
import type { Memory } from "#schemas/Memory"
import type { Observation } from "#schemas/Observation"
import type { Policy, Target } from "#schemas/Policy"
import type { Millis } from "#schemas/Reading"
import type { Status } from "#schemas/Status"
import { decide } from "#domain/decide"
import { adopt, carryOver, initialMemory, restored } from "#domain/memory"
import { notAhead } from "#domain/setBack"
import { settle } from "#domain/settle"
import { type Kubernetes, KubernetesError } from "#services/Kubernetes"
import { FIELD_MANAGER } from "#services/kubernetesCalls"
import type { KubernetesDiscovery } from "#services/KubernetesDiscovery"
import { getScale, readReplicasOwner, replicasOf } from "#services/kubernetesScale"
import { annotated, traced } from "#services/traced"
import { act, type Plan, type Sent } from "#operator/act"
import { LEASE_MILLIS } from "#operator/actWindow"
import type { BoundPolicy } from "#operator/bind"
import type { Recalled } from "#operator/checkpoint"
import { type ForeignChange, nameOf } from "#operator/Facts"
import { Leader } from "#operator/Leader"
import { Ledger } from "#operator/Ledger"
import { asStep } from "#operator/learn"
import type { PolicyObject } from "#operator/Mailbox"
import { commitmentsFor, commitmentsOf, withCommitments } from "#operator/status"

export class Pursuit {
  readonly target: Target
  memory: Memory
  /** The policy that the memory was last carried over to. */
  policy: Policy
  record: DecisionRecord | undefined = undefined
  sent: Sent | undefined = undefined
  notBefore: Millis = 0
  /** What the last leader reported, until it has been compared with what is there. Late: it may still have written since. */
  inherited: Status | "late" | "compared" | undefined
  readonly begunAt: Millis

  constructor(target: Target, policy: Policy, memory: Memory, { at, object }: Pick<Beginning, "at" | "object">) {
    this.target = target
    this.policy = policy
    this.memory = memory
    this.inherited = object.status
    this.begunAt = at
  }
}

export interface Beginning {
  readonly object: PolicyObject
  readonly policy: Policy
  readonly target: Target
  readonly at: Millis
  readonly recall: (uid: string, target: Target) => Recalled | undefined
}

/** What the last leader left in its checkpoints and in status, or nothing. */
export const begin = (beginning: Beginning): Pursuit => {
  const { at, object, policy, recall, target } = beginning
  const recalled = recall(object.ref.uid, target)
  const fresh = recalled === undefined || at - recalled.at > 2 * policy.intervalMillis
  const found = carryOver(recalled?.memory ?? initialMemory(policy, at), policy).memory
  const memory = withCommitments(found, commitmentsFor(object.status, target))
  return new Pursuit(target, policy, fresh ? restored(memory) : memory, beginning)
}

/** After crash upon crash: the commitments stay, everything else is begun anew. */
export const forget = (pursuit: Pursuit, policy: Policy, at: Millis): void => {
  const commitments = commitmentsOf(pursuit.target, pursuit.memory)
  pursuit.memory = restored(withCommitments(initialMemory(policy, at), commitments))
}

export interface PursueInput {
  readonly bound: BoundPolicy
  readonly object: PolicyObject
  readonly pursuit: Pursuit
  readonly observation: Observation
  /** A newer object waits. */
  readonly superseded: () => boolean
}

export interface Pursued {
  readonly records: ReadonlyArray<DecisionRecord>
  readonly foreign: ForeignChange | undefined
}

export const pursue = Effect.fnUntraced(function* (input: PursueInput) {
  const { bound, pursuit } = input
  const { policy } = bound
  const { observation, recovered, unread } = yield* recover(input)
  if (pursuit.policy !== policy) {
    pursuit.policy = policy
    pursuit.memory = carryOver(pursuit.memory, policy).memory
  }
  const remembered = isUnseen(pursuit, policy, observation.at) ? restored(pursuit.memory) : pursuit.memory
  const plan = yield* decideSpan(bound, remembered, observation).pipe(asStep(policy, "Decision"))
  const leader = yield* Leader
  const acted = yield* act({
    policy,
    plan,
    replan: (replicas, resourceVersion) => planned(bound, remembered, changed(observation, replicas, resourceVersion)),
    mayAct: leader.mayAct,
    outdated: input.superseded,
    notBefore: pursuit.notBefore,
    sent: pursuit.sent,
    unread
  }).pipe(asStep(policy, "ActionExecutor"))
  pursuit.sent = acted.sent
  pursuit.notBefore = acted.notBefore
  const { outcome } = acted
  if (outcome._tag === "Refused" && outcome.reason === "Outdated") return { records: recovered, foreign: undefined }
  const { before, decision, memory } = acted.plan
  const record = yield* recordOf(input, acted.plan, before, outcome)
  pursuit.record = record
  // Whose replicas these are is not known, so they are nobody's yet.
  if (unread !== undefined) return { records: [record], foreign: undefined }
  pursuit.memory = settle({ policy, memory, observation: acted.plan.observation, decision, outcome })
  const foreign =
    before.foreignWrites.length > remembered.foreignWrites.length || last(before) !== last(remembered)
      ? { target: pursuit.target, from: remembered.lastSeen, to: acted.plan.observation.state.specReplicas }
      : undefined
  const result: Pursued = { records: [...recovered, record], foreign }
  return result
})

/** A target that was gone or could not be read for so long has not been calm meanwhile: nobody has looked. */
const UNSEEN_MILLIS = 60_000

const isUnseen = ({ record }: Pursuit, { intervalMillis }: Policy, at: Millis): boolean =>
  record !== undefined && at - record.observation.at > Math.max(UNSEEN_MILLIS, 2 * intervalMillis)

const last = ({ foreignWrites }: Memory): Millis | undefined => foreignWrites.at(-1)

const changed = (observation: Observation, replicas: number, resourceVersion: string): Observation => ({
  ...observation,
  state: { ...observation.state, specReplicas: replicas, resourceVersion }
})

const planned = (bound: BoundPolicy, memory: Memory, observation: Observation): Plan => {
  const before = adopt(memory, observation)
  const { policy } = bound
  return { observation, before, ...decide({ policy, engines: bound.engines, observation, memory: before }) }
}

/** The same as a span that says why. */
const decideSpan = traced("decide")(function* (bound: BoundPolicy, memory: Memory, observation: Observation) {
  const plan = planned(bound, memory, observation)
  const { desired, engine, limitedBy, proposals, reason, recommended } = plan.decision
  yield* annotated(() => ({
    target: nameOf(observation.target),
    current: observation.state.specReplicas,
    desired,
    engine,
    reason,
    limitedBy: limitedBy.join(","),
    ...(recommended === undefined ? {} : { recommended }),
    ...Object.fromEntries(
      proposals.map(({ engine: by, replicas, signal }) => [
        `proposal.${by}${signal === undefined ? "" : `.${signal}`}`,
        replicas ?? "none"
      ])
    )
  }))
  return plan
})

interface Recovery {
  /** Newer than it was where the replicas have changed meanwhile. */
  readonly observation: Observation
  readonly recovered: ReadonlyArray<DecisionRecord>
  readonly unread: KubernetesError | undefined
}

/**
 * Once, when the policy comes to this operator: replicas that neither status nor anybody else accounts for and that
 * were last written in our name are a write whose record died with its operator. When that was, nobody knows: the API
 * server keeps no time of a write through /scale. So it counts from now, which delays what follows and hastens nothing.
 */
const recover = Effect.fnUntraced(function* (
  input: PursueInput
): Effect.fn.Return<Recovery, never, Kubernetes | KubernetesDiscovery | Ledger> {
  const { object, pursuit } = input
  const { inherited } = pursuit
  const nothingLost: Recovery = { observation: input.observation, recovered: [], unread: undefined }
  if (inherited === "compared" || pursuit.sent !== undefined) return nothingLost
  const { at, state } = input.observation
  const memory = notAhead(pursuit.memory, at)
  const known =
    inherited === "late" ? [memory.lastSeen] : [memory.lastWritten, reportedReplicas(inherited, pursuit.target)]
  const from = known.find((replicas) => replicas !== undefined)
  const unheard = from === undefined && object.inherited !== true // nobody before us has had to do with it
  const compared = () => {
    const isLate = object.inherited === true && state.conflict === undefined && at - pursuit.begunAt < LEASE_MILLIS
    pursuit.inherited = isLate ? "late" : "compared"
    return nothingLost
  }
  if (unheard || known.includes(state.specReplicas) || state.conflict !== undefined) return compared()
  const owned = yield* Effect.result(ownedNow(input.observation))
  if (owned._tag === "Failure") {
    if (PASSING.has(owned.failure.reason._tag)) return { ...nothingLost, unread: owned.failure }
    yield* Effect.logWarning("Who wrote the replicas before this operator led cannot be read.", owned.failure)
    return compared()
  }
  compared()
  const { observation, ours } = owned.success
  const to = observation.state.specReplicas
  if (!ours || known.includes(to)) return { ...nothingLost, observation }
  const told = inherited === "late" ? undefined : yield* toldBefore(input, to)
  if (told !== undefined) {
    pursuit.memory = settle({ ...told, policy: input.bound.policy, memory })
    return { ...nothingLost, observation }
  }
  const outcome = { _tag: "Recovered", from: from ?? to, to, by: FIELD_MANAGER } satisfies Outcome
  const decision: Decision = {
    proposals: [],
    steps: [],
    desired: to,
    action: to > outcome.from ? "scale_up" : to < outcome.from ? "scale_down" : "no_action",
    limitedBy: [],
    engine: "recovered",
    reason: `${nameOf(pursuit.target)} was scaled to ${to} by the operator before this one, which ended before it could say so.`,
    confidence: 0
  }
  pursuit.memory = settle({ policy: input.bound.policy, memory, observation, decision, outcome })
  const plan: Plan = { observation, before: memory, memory, decision }
  return { observation, recovered: [yield* recordOf(input, plan, memory, outcome)], unread: undefined }
})

/** Whose the replicas are, and which they are by now: between the watch and this somebody may have written. */
const ownedNow = Effect.fnUntraced(function* (observation: Observation) {
  const { state, target } = observation
  const { ours, resourceVersion } = yield* readReplicasOwner(target)
  if (resourceVersion === state.resourceVersion) return { observation, ours }
  const scale = yield* getScale(target)
  if (scale.metadata.resourceVersion === resourceVersion) {
    return { observation: changed(observation, replicasOf(scale), resourceVersion), ours }
  }
  const detail = "it was changed while it was looked at whose its replicas are."
  return yield* new KubernetesError({ request: `GET ${nameOf(target)}`, reason: { _tag: "Conflict" }, detail })
})

/**
 * Our own record of it, from before we lost the lease and won it back: the write needs no second one, and counts from
 * when it was made. Status was not told of it, or it would be no question now.
 */
const toldBefore = Effect.fnUntraced(function* ({ object, pursuit }: PursueInput, to: number) {
  const ledger = yield* Ledger
  const { name, kind } = pursuit.target
  const newest = (yield* ledger.records(object.ref.uid)).find(
    ({ observation: { target }, outcome }) =>
      target.name === name && target.kind === kind && (outcome._tag === "Scaled" || outcome._tag === "Recovered")
  )
  const { outcome } = newest ?? {}
  if (newest === undefined || (outcome?._tag !== "Scaled" && outcome?._tag !== "Recovered")) return undefined
  const isNewest = newest.observation.at >= (pursuit.memory.lastWriteAt ?? Number.NEGATIVE_INFINITY)
  return isNewest && outcome.to === to ? newest : undefined
})

/** What the next tick may find healed. */
const PASSING: ReadonlySet<string> = new Set([
  "Unreachable",
  "Throttled",
  "ServerError",
  "Unknown",
  "Malformed",
  "Conflict"
])

const reportedReplicas = (status: Status | undefined, target: Target): number | undefined =>
  status?.targets === undefined
    ? status?.currentReplicas
    : status.targets.find(({ kind, name }) => kind === target.kind && name === target.name)?.currentReplicas

const recordOf = Effect.fnUntraced(function* (
  { object, pursuit }: PursueInput,
  { decision, observation }: Plan,
  memory: Memory,
  outcome: Outcome
) {
  const span = yield* Effect.serviceOption(Tracer.ParentSpan)
  const { ref } = object
  const record: DecisionRecord = {
    version: 1,
    id: `${ref.uid}.${pursuit.target.name}.${observation.at}${outcome._tag === "Recovered" ? ".recovered" : ""}`,
    policy: ref,
    ...(span._tag === "Some" && span.value.sampled ? { traceId: span.value.traceId } : {}),
    observation,
    memory,
    decision,
    outcome,
    finishedAt: yield* Clock.currentTimeMillis
  }
  return record
})
