/**
 * What the leader before this one wrote and could not say any more. Status, the ledger and who wrote the replicas last
 * tell it from what a person wrote.
 */
import * as Effect from "effect/Effect"
import type { Decision, DecisionRecord, Outcome } from "#schemas/Decision"
import type { Observation } from "#schemas/Observation"
import type { Target } from "#schemas/Policy"
import type { Status } from "#schemas/Status"
import { notAhead } from "#domain/setBack"
import { settle } from "#domain/settle"
import { type Kubernetes, KubernetesError } from "#services/Kubernetes"
import { FIELD_MANAGER } from "#services/kubernetesCalls"
import type { KubernetesDiscovery } from "#services/KubernetesDiscovery"
import { getScale, readReplicasOwner, replicasOf } from "#services/kubernetesScale"
import { steadyMillis } from "#services/steadyMillis"
import type { Plan } from "#operator/act"
import { LEASE_MILLIS } from "#operator/actWindow"
import { nameOf } from "#operator/Facts"
import { Ledger } from "#operator/Ledger"
import { changed, type PursueInput, recordOf } from "#operator/Pursuit"

interface Recovery {
  /** Newer than it was where the replicas have changed meanwhile. */
  readonly observation: Observation
  readonly recovered: ReadonlyArray<DecisionRecord>
  readonly unread: KubernetesError | undefined
}

/**
 * While the policy is new to this operator: replicas that neither status nor anybody else accounts for and that were last
 * written in our name are a write whose record died with its operator. When that was, nobody knows: the API server keeps
 * no time of a write through /scale. So it counts from now, which delays what follows and hastens nothing.
 */
export const recover = Effect.fnUntraced(function* (
  input: PursueInput
): Effect.fn.Return<Recovery, never, Kubernetes | KubernetesDiscovery | Ledger> {
  const { pursuit } = input
  const { inherited, isHeir } = pursuit
  const nothingLost: Recovery = { observation: input.observation, recovered: [], unread: undefined }
  if (inherited === "compared" || pursuit.sent !== undefined) return nothingLost
  const { at, state } = input.observation
  const now = yield* steadyMillis
  const lateUntil = (pursuit.lateUntil ??= now + LEASE_MILLIS)
  const memory = notAhead(pursuit.memory, at)
  // Status is newer than a checkpoint, whose clock may have been ahead.
  const before =
    inherited === "late"
      ? memory.lastSeen
      : inherited === undefined
        ? memory.lastWritten
        : reportedReplicas(inherited, pursuit.target)
  const unheard = before === undefined && !isHeir // nobody before us has had to do with it
  const compared = () => {
    pursuit.inherited = isHeir && state.conflict === undefined && now < lateUntil ? "late" : "compared"
    return nothingLost
  }
  if (unheard || before === state.specReplicas || state.conflict !== undefined) return compared()
  const owned = yield* Effect.result(ownedNow(input.observation))
  if (owned._tag === "Failure") {
    if (PASSING.has(owned.failure.reason._tag)) return { ...nothingLost, unread: owned.failure }
    yield* Effect.logWarning("Who wrote the replicas before this operator led cannot be read.", owned.failure)
    return compared()
  }
  compared()
  const { observation, ours } = owned.success
  const to = observation.state.specReplicas
  if (!ours || before === to) return { ...nothingLost, observation }
  const told = inherited === "late" ? undefined : yield* toldBefore(input, to)
  if (told !== undefined) {
    pursuit.memory = settle({ ...told, policy: input.bound.policy, memory })
    return { ...nothingLost, observation }
  }
  const outcome = { _tag: "Recovered", from: before ?? to, to, by: FIELD_MANAGER } satisfies Outcome
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
