/**
 * The status subresource out of the facts: what is written, whether it says anything new, and the commitments that
 * travel in it so that a crash does not forget a cooldown.
 */
import type { DecisionRecord } from "#schemas/Decision"
import type { Memory } from "#schemas/Memory"
import type { Target } from "#schemas/Policy"
import type { Commitments, Condition, DecisionSummary, Phase, SignalStatus, Status } from "#schemas/Status"
import { formatMilli } from "#domain/quantity"
import { parseTime, secondTime } from "#services/kubernetesTime"
import { type Facts, formatMillis, nameOf } from "#operator/Facts"
import type { Totals } from "#operator/Tally"

export const DECISIONS_SHOWN = 10
const RESCALES_SHOWN = 200

export interface StatusInput {
  readonly facts: Facts
  readonly phase: Phase
  readonly conditions: ReadonlyArray<Condition>
  /** Newest first, of all targets. */
  readonly decisions: ReadonlyArray<DecisionSummary>
  readonly totals: Totals
}

export const statusOf = ({ conditions, decisions, facts, phase, totals }: StatusInput): Status => {
  const several = facts.policy?.targets._tag === "Labels"
  const [first] = facts.targets
  const record = first?.record
  const commitments = facts.targets.flatMap(({ memory, target }) => commitmentsOf(target, memory) ?? [])
  return {
    phase,
    observedGeneration: facts.ref.generation,
    ...(record === undefined ? {} : replicasOf(record)),
    ...targetOf(facts),
    ...lastScaling(first?.memory),
    ...(record === undefined ? {} : { lastDecision: lastDecisionOf(record) }),
    metrics: {
      totalDecisions: totals.total,
      successfulDecisions: totals.successful,
      successRate: totals.total === 0 ? 1 : Math.round((totals.successful / totals.total) * 1000) / 1000,
      ...(totals.averageReward === undefined ? {} : { averageReward: Math.round(totals.averageReward * 1000) / 1000 })
    },
    ...(record === undefined ? {} : { signals: signalsOf(facts, record) }),
    decisions,
    ...(several
      ? {
          targets: facts.targets.map((each) => ({
            name: each.target.name,
            kind: each.target.kind,
            ...(each.record === undefined ? {} : replicasOf(each.record)),
            ...lastScaling(each.memory),
            ...(each.record === undefined ? {} : { reason: clip(each.record.decision.reason) })
          }))
        }
      : {}),
    ...(commitments.length === 0 ? {} : { commitments }),
    conditions
  }
}

/** Equal for two statuses between which nothing happened: values, times and sentences are left out. */
export const meaningOf = (status: Status): string =>
  JSON.stringify([
    status.phase,
    status.observedGeneration,
    status.targetReplicas,
    status.lastDecision?.action,
    status.targets?.map((each) => [each.kind, each.name, each.targetReplicas]),
    status.commitments?.map(({ lastWriteTime, lastWritten, target }) => [target, lastWriteTime, lastWritten]),
    status.conditions?.map(({ reason, status: value, type }) => [type, value, reason])
  ])

const SENTENCE_MAX = 512
const clip = (text: string): string => (text.length > SENTENCE_MAX ? `${text.slice(0, SENTENCE_MAX - 1)}…` : text)

/** Shown even while it is not there: it is what somebody looks for then. */
const targetOf = ({ policy, targets: [first] }: Facts): { readonly target?: string } => {
  const target = first?.target ?? (policy?.targets._tag === "Ref" ? policy.targets.target : undefined)
  return target === undefined ? {} : { target: nameOf(target) }
}

/** Replicas as they are after the tick, not as it found them. */
const replicasOf = ({ decision, observation, outcome }: DecisionRecord) => ({
  currentReplicas: outcome._tag === "Scaled" ? outcome.to : observation.state.specReplicas,
  targetReplicas: decision.desired,
  ...(decision.recommended === undefined ? {} : { recommendedReplicas: decision.recommended })
})

const lastScaling = (memory: Memory | undefined) =>
  memory?.lastWriteAt === undefined ? {} : { lastScalingTime: secondTime(memory.lastWriteAt) }

const lastDecisionOf = ({ decision }: DecisionRecord) => ({
  action: decision.action,
  confidence: decision.confidence,
  reasoning: clip(decision.reason),
  engine: decision.engine,
  limitedBy: decision.limitedBy
})

export const summaryOf = (record: DecisionRecord, several: boolean): DecisionSummary => {
  const { decision, observation, outcome } = record
  return {
    at: secondTime(observation.at),
    ...(several ? { target: nameOf(observation.target) } : {}),
    from: outcome._tag === "Recovered" ? outcome.from : observation.state.specReplicas,
    ...(decision.recommended === undefined ? {} : { recommended: decision.recommended }),
    to: decision.desired,
    outcome: outcome._tag,
    reason: clip(decision.reason),
    ...(decision.limitedBy.length === 0 ? {} : { limitedBy: decision.limitedBy }),
    ...(record.traceId === undefined ? {} : { traceId: record.traceId })
  }
}

const asQuantity = (value: number): string => {
  const milli = Math.round(value * 1000)
  return Number.isSafeInteger(milli) ? formatMilli(milli) : String(value)
}

const signalsOf = (facts: Facts, record: DecisionRecord): ReadonlyArray<SignalStatus> =>
  record.observation.readings.map(({ reading, signal }) => {
    const target = facts.policy?.signals.find(({ name }) => name === signal)?.target
    const proposal = record.decision.proposals.find((each) => each.signal === signal)?.replicas
    return {
      name: signal,
      ...(reading._tag === "Missing" ? {} : { value: asQuantity(reading.value), at: secondTime(reading.at) }),
      ...(target === undefined
        ? {}
        : { target: target.type === "Utilization" ? `${target.milli}%` : formatMilli(target.milli) }),
      ...(proposal === undefined ? {} : { proposal }),
      ...(reading._tag === "Measured" ? {} : { error: clip(reading.detail) })
    }
  })

export const commitmentsOf = (target: Target, memory: Memory): Commitments | undefined => {
  if (memory.lastWriteAt === undefined && memory.ups.length + memory.downs.length === 0) return undefined
  const rescales = [...memory.ups, ...memory.downs].sort((left, right) => left.at - right.at).slice(-RESCALES_SHOWN)
  return {
    target: nameOf(target),
    ...(memory.lastUpAt === undefined ? {} : { lastUpTime: formatMillis(memory.lastUpAt) }),
    ...(memory.lastWriteAt === undefined ? {} : { lastWriteTime: formatMillis(memory.lastWriteAt) }),
    ...(memory.lastWritten === undefined ? {} : { lastWritten: memory.lastWritten }),
    ...(rescales.length === 0 ? {} : { rescales: rescales.map(({ at, change }) => ({ at: formatMillis(at), change })) })
  }
}

/** The other direction: what the last leader did after the memory was written down is added to it. */
export const withCommitments = (memory: Memory, commitments: Commitments | undefined): Memory => {
  if (commitments === undefined) return memory
  const known = memory.lastWriteAt ?? Number.NEGATIVE_INFINITY
  const lastWriteAt = parseTime(commitments.lastWriteTime)
  if (lastWriteAt === undefined || lastWriteAt <= known) return memory
  const lastUpAt = parseTime(commitments.lastUpTime)
  const rescales = (commitments.rescales ?? []).flatMap(({ at: text, change }) => {
    const at = parseTime(text)
    return at === undefined || at <= known ? [] : [{ at, change }]
  })
  return {
    ...memory,
    ups: [...memory.ups, ...rescales.filter(({ change }) => change > 0)],
    downs: [...memory.downs, ...rescales.filter(({ change }) => change < 0)],
    lastWriteAt,
    ...(lastUpAt === undefined ? {} : { lastUpAt }),
    // Seen last, too: what differs from it now was changed by somebody else.
    ...(commitments.lastWritten === undefined
      ? {}
      : { lastWritten: commitments.lastWritten, lastSeen: commitments.lastWritten })
  }
}

export const commitmentsFor = (status: Status | undefined, target: Target): Commitments | undefined =>
  status?.commitments?.find((each) => each.target === nameOf(target))
