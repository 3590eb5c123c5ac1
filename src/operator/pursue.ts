/** One target of one policy through one tick: what was found, decided, written and learnt, as records. */
import * as Effect from "effect/Effect"
import type { DecisionRecord } from "#schemas/Decision"
import type { Memory } from "#schemas/Memory"
import type { Observation } from "#schemas/Observation"
import type { Policy } from "#schemas/Policy"
import type { Millis } from "#schemas/Reading"
import { decide } from "#domain/decide"
import { adopt, carryOver, restored } from "#domain/memory"
import { settle } from "#domain/settle"
import { annotated, traced } from "#services/traced"
import { act, type Plan } from "#operator/act"
import type { BoundPolicy } from "#operator/bind"
import { type ForeignChange, nameOf } from "#operator/Facts"
import { Leader } from "#operator/Leader"
import { asStep } from "#operator/learn"
import { changed, type PursueInput, type Pursuit, recordOf } from "#operator/Pursuit"
import { recover } from "#operator/recover"

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
    unread,
    mayBeLate: pursuit.inherited === "late"
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
