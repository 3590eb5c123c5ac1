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
import { settle } from "#domain/settle"
import type { Kubernetes, KubernetesError } from "#services/Kubernetes"
import { FIELD_MANAGER } from "#services/kubernetesCalls"
import type { KubernetesDiscovery } from "#services/KubernetesDiscovery"
import { readReplicasOwner } from "#services/kubernetesScale"
import { traced } from "#services/traced"
import { act, type Plan, type Sent } from "#operator/act"
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
  /** What the last leader reported, until it has been compared with what is there. */
  inherited: Status | "compared" | undefined

  constructor(target: Target, policy: Policy, memory: Memory, inherited: Status | undefined) {
    this.target = target
    this.policy = policy
    this.memory = memory
    this.inherited = inherited
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
export const begin = ({ at, object, policy, recall, target }: Beginning): Pursuit => {
  const recalled = recall(object.ref.uid, target)
  const fresh = recalled === undefined || at - recalled.at > 2 * policy.intervalMillis
  const found = carryOver(recalled?.memory ?? initialMemory(policy, at), policy).memory
  const memory = withCommitments(found, commitmentsFor(object.status, target))
  return new Pursuit(target, policy, fresh ? restored(memory) : memory, object.status)
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
  const { bound, observation, pursuit } = input
  const { policy } = bound
  const { recovered, unread } = yield* recover(input)
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
  yield* Effect.annotateCurrentSpan({
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
  })
  return plan
})

interface Recovery {
  readonly recovered: ReadonlyArray<DecisionRecord>
  readonly unread: KubernetesError | undefined
}

const NOTHING_LOST: Recovery = { recovered: [], unread: undefined }

/**
 * Once, when the policy comes to this operator: replicas that neither status nor anybody else accounts for and that
 * were last written in our name are a write whose record died with its operator. When that was, nobody knows: the API
 * server keeps no time of a write through /scale. So it counts from now, which delays what follows and hastens nothing.
 */
const recover = Effect.fnUntraced(function* (
  input: PursueInput
): Effect.fn.Return<Recovery, never, Kubernetes | KubernetesDiscovery | Ledger> {
  const { object, observation, pursuit } = input
  const { inherited } = pursuit
  if (inherited === "compared") return NOTHING_LOST
  const to = observation.state.specReplicas
  const known = [pursuit.memory.lastWritten, reportedReplicas(inherited, pursuit.target)]
  const from = known.find((replicas) => replicas !== undefined)
  const unheard = from === undefined && object.inherited !== true // nobody before us has had to do with it
  if (unheard || known.includes(to) || observation.state.conflict !== undefined) {
    pursuit.inherited = "compared"
    return NOTHING_LOST
  }
  const owner = yield* Effect.result(readReplicasOwner(pursuit.target))
  if (owner._tag === "Failure" && PASSING.has(owner.failure.reason._tag)) {
    return { recovered: [], unread: owner.failure }
  }
  pursuit.inherited = "compared"
  if (owner._tag === "Failure") {
    yield* Effect.logWarning("Who wrote the replicas before this operator led cannot be read.", owner.failure)
    return NOTHING_LOST
  }
  if (!owner.success.ours) return NOTHING_LOST
  const told = yield* toldBefore(input, to)
  if (told !== undefined) {
    pursuit.memory = settle({ ...told, policy: input.bound.policy, memory: pursuit.memory })
    return NOTHING_LOST
  }
  const outcome = { _tag: "Recovered", from: from ?? to, to, by: FIELD_MANAGER } satisfies Outcome
  const before = pursuit.memory
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
  pursuit.memory = settle({ policy: input.bound.policy, memory: before, observation, decision, outcome })
  const plan: Plan = { observation, before, memory: before, decision }
  return { recovered: [yield* recordOf(input, plan, before, outcome)], unread: undefined }
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
const PASSING: ReadonlySet<string> = new Set(["Unreachable", "Throttled", "ServerError", "Unknown", "Malformed"])

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
