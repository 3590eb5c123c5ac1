/** One target of a policy: what is held of it between ticks, and the record that a tick makes of it. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Tracer from "effect/Tracer"
import type { DecisionRecord, Outcome } from "#schemas/Decision"
import type { Memory } from "#schemas/Memory"
import type { Observation } from "#schemas/Observation"
import type { Policy, Target } from "#schemas/Policy"
import type { Millis } from "#schemas/Reading"
import type { Status } from "#schemas/Status"
import { carryOver, initialMemory, restored } from "#domain/memory"
import type { Plan, Sent } from "#operator/act"
import type { BoundPolicy } from "#operator/bind"
import type { Recalled } from "#operator/checkpoint"
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
  /** Whether somebody led before. */
  readonly isHeir: boolean
  /** By the clock that nobody sets. */
  lateUntil: Millis | undefined

  constructor(target: Target, policy: Policy, memory: Memory, { inherited, status }: PolicyObject) {
    this.target = target
    this.policy = policy
    this.memory = memory
    this.inherited = status
    this.isHeir = inherited === true
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
  return new Pursuit(target, policy, fresh ? restored(memory) : memory, object)
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

export const changed = (observation: Observation, replicas: number, resourceVersion: string): Observation => ({
  ...observation,
  state: { ...observation.state, specReplicas: replicas, resourceVersion }
})

export const recordOf = Effect.fnUntraced(function* (
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
