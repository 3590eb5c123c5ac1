/** One policy as a row of the fleet: what a person compares across thousands, and nothing that is not known. */
import type { Leadership } from "#dashboard/Operations"
import type { HealthReport } from "#operator/Health"
import type { Activity, PolicyView } from "#operator/Ledger"
import type { DecisionRecord } from "#schemas/Decision"
import type { Target } from "#schemas/Policy"
import type { Condition } from "#schemas/Status"
import type * as shapes from "./shapes.ts"

const TARGETS_SHOWN = 3
const SIGNALS_SHOWN = 3
/** As many as a sparkline has room for. */
const SPARK_TICKS = 32

export const targetText = ({ kind, name }: Target): string => `${kind}/${name}`

/** Conditions that are good news when they hold; the others are when they do not. */
const WELL_WHEN_TRUE: ReadonlySet<string> = new Set(["Ready", "MetricsAvailable", "ScalingActive", "SLOObserved"])

const isWrong = ({ status, type }: Condition): boolean =>
  status === "Unknown" ? false : WELL_WHEN_TRUE.has(type) ? status === "False" : status === "True"

const valueOf = (record: DecisionRecord, signal: string | undefined): number | null => {
  const found = record.observation.readings.find((each) => each.signal === signal)?.reading
  return found?._tag === "Measured" ? found.value : null
}

/** `records`: newest first. Of several targets the sparkline is the first one's. */
export const rowOf = (view: PolicyView, records: ReadonlyArray<DecisionRecord>): shapes.Row => {
  const { at, bounds, conditions, mode, phase, ref, status, targets } = view
  const { currentReplicas, lastDecision, lastScalingTime, recommendedReplicas, targetReplicas } = status
  const [first] = targets
  const course = records
    .filter(({ observation }) => first === undefined || targetText(observation.target) === targetText(first))
    .slice(0, SPARK_TICKS)
    .reverse()
  const signals = status.signals ?? []
  return {
    uid: ref.uid,
    kind: ref.kind,
    namespace: ref.namespace,
    name: ref.name,
    phase,
    mode,
    targets: targets.slice(0, TARGETS_SHOWN).map(targetText),
    targetCount: targets.length,
    ...(currentReplicas === undefined ? {} : { now: currentReplicas }),
    ...(targetReplicas === undefined ? {} : { wanted: targetReplicas }),
    ...(recommendedReplicas === undefined ? {} : { recommended: recommendedReplicas }),
    ...(bounds === undefined ? {} : { min: bounds.min, max: bounds.max }),
    signals: signals.slice(0, SIGNALS_SHOWN).map(({ error, name, target, value }) => ({
      name,
      ...(value === undefined ? {} : { value }),
      ...(target === undefined ? {} : { target }),
      perPod: view.policy?.signals.find((each) => each.name === name)?.target?.type === "AverageValue",
      ...(error === undefined ? {} : { error })
    })),
    signalCount: signals.length,
    ...(lastDecision === undefined ? {} : { action: lastDecision.action, reason: lastDecision.reasoning }),
    ...(lastDecision?.engine === undefined ? {} : { engine: lastDecision.engine }),
    ...(lastDecision?.limitedBy === undefined ? {} : { limitedBy: lastDecision.limitedBy }),
    ...(lastScalingTime === undefined ? {} : { scaledAt: lastScalingTime }),
    wrong: conditions.filter(isWrong).map(({ message, reason, type }) => ({ type, reason, message })),
    replicas: course.map(({ observation }) => observation.state.specReplicas),
    signal: course.map((record) => valueOf(record, signals[0]?.name)),
    at
  }
}

export const leadershipOf = ({ holder, leading }: Leadership): typeof shapes.Leadership.Type => ({
  leading,
  ...(holder === undefined ? {} : { holder })
})

export const componentsOf = ({ components }: HealthReport): ReadonlyArray<typeof shapes.Component.Type> =>
  Object.entries(components).map(([name, { detail, healthy }]) => ({
    name,
    ...(healthy === undefined ? {} : { healthy }),
    detail
  }))

export const activityOf = (activity: Activity): shapes.Activity => ({
  id: activity.id,
  at: activity.at,
  kind: activity.policy.kind,
  namespace: activity.target.namespace,
  policy: activity.policy.name,
  target: targetText(activity.target),
  outcome: activity.outcome,
  action: activity.action,
  from: activity.from,
  to: activity.to,
  engine: activity.engine,
  limitedBy: activity.limitedBy,
  reason: activity.reason,
  ...(activity.message === undefined ? {} : { message: activity.message })
})
