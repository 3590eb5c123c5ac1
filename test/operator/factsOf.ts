/** Facts of a tick as tests want them: everything is well unless they say otherwise. */
import type { DecisionRecord, Outcome } from "#schemas/Decision"
import { measured, type Reading } from "#schemas/Reading"
import type { Condition, Status } from "#schemas/Status"
import { conditionsOf } from "#operator/conditions"
import type { Facts, TargetFacts } from "#operator/Facts"
import { phaseOf } from "#operator/phase"
import { statusOf } from "#operator/status"
import { deployment, makeRecord, memory, policyOf, refOf, state } from "#test/operator/records"

export const AT = Date.UTC(2026, 0, 1, 12)

export const scaled: Extract<Outcome, { readonly _tag: "Scaled" }> = {
  _tag: "Scaled",
  from: 2,
  to: 3,
  resourceVersion: "7"
}

export interface Shape {
  readonly outcome?: Outcome
  readonly reading?: Reading
  readonly decision?: Partial<DecisionRecord["decision"]>
  readonly replicas?: number
  readonly conflict?: "AlreadyManaged" | "OtherAutoscaler"
  /** For how long new pods have not started. */
  readonly failingMillis?: number
  readonly memory?: Partial<TargetFacts["memory"]>
}

export const target = (shape: Shape = {}): TargetFacts => {
  const record = makeRecord({ uid: "a", id: "a/1", at: AT, outcome: shape.outcome ?? { _tag: "Unchanged" } })
  const over = {
    ...(shape.conflict === undefined ? {} : { conflict: { reason: shape.conflict, message: "Somebody else." } }),
    ...(shape.failingMillis === undefined ? {} : { failingPodsSince: AT - shape.failingMillis })
  }
  const reading = shape.reading ?? measured(20, AT)
  return {
    target: deployment("web"),
    memory: { ...memory(), ...shape.memory },
    record: {
      ...record,
      decision: { ...record.decision, ...shape.decision },
      observation: {
        ...record.observation,
        state: state(shape.replicas ?? 2, over),
        readings: [{ signal: "load", reading }]
      }
    }
  }
}

export const facts = (over: Partial<Facts> = {}): Facts => ({
  at: AT,
  ref: refOf("a", { generation: 4 }),
  policy: policyOf("a"),
  refusals: [],
  findings: [],
  targets: [target()],
  troubles: [],
  foreign: [],
  proposed: true,
  crash: undefined,
  ...over
})

export const statusFor = (given: Facts, before: ReadonlyArray<Condition> = []): Status => {
  const conditions = conditionsOf(given, before)
  return statusOf({
    facts: given,
    phase: phaseOf(given, conditions),
    conditions,
    decisions: [],
    totals: { total: 4, successful: 3 }
  })
}
