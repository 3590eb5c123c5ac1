/** The ledger as JSON for programs: what is scaled, how it stands, what happened. */
import type { Activity, PolicyView } from "#operator/Ledger"

const rfc3339 = (millis: number) => new Date(millis).toISOString()

/** One entry of `/scaling-activity`. */
export const activityJson = (activity: Activity) => ({
  timestamp: rfc3339(activity.at),
  namespace: activity.target.namespace,
  deployment: activity.target.name,
  kind: activity.target.kind,
  action: activity.action,
  oldReplicas: activity.from,
  newReplicas: activity.to,
  outcome: activity.outcome,
  reason: activity.reason,
  ...(activity.message === undefined ? {} : { message: activity.message }),
  rule: activity.policy.name,
  ruleKind: activity.policy.kind,
  engine: activity.engine,
  ...(activity.recommended === undefined ? {} : { recommendedReplicas: activity.recommended }),
  limitedBy: activity.limitedBy,
  id: activity.id,
  ...(activity.traceId === undefined ? {} : { traceId: activity.traceId })
})

/** One entry of `/api/v1/policies`. */
export const policyJson = ({ ref, phase, mode, bounds, targets, status }: PolicyView) => ({
  kind: ref.kind,
  apiVersion: ref.apiVersion,
  namespace: ref.namespace,
  name: ref.name,
  phase,
  mode,
  ...(bounds === undefined ? {} : { minReplicas: bounds.min, maxReplicas: bounds.max }),
  targets: targets.map(({ kind, namespace, name }) => ({ kind, namespace, name })),
  status
})

/** Worst first, so that what needs somebody is on top. */
const URGENCY: Readonly<Record<string, number>> = { Error: 0, Paused: 1, Initializing: 2, Learning: 3, Active: 4 }

export const inOrder = (views: Iterable<PolicyView>): ReadonlyArray<PolicyView> =>
  [...views].sort(
    (a, b) =>
      (URGENCY[a.phase] ?? 9) - (URGENCY[b.phase] ?? 9) ||
      a.ref.namespace.localeCompare(b.ref.namespace) ||
      a.ref.name.localeCompare(b.ref.name)
  )
