import { assert, describe, it } from "vitest"
import { missing } from "#schemas/Reading"
import type { Condition, ConditionType } from "#schemas/Status"
import { conditionsOf } from "#operator/conditions"
import type { Facts } from "#operator/Facts"
import { AT, facts, target } from "#test/operator/factsOf"
import { policyOf } from "#test/operator/records"

const of = (given: Facts, type: ConditionType, before: ReadonlyArray<Condition> = []) => {
  const found = conditionsOf(given, before).find((each) => each.type === type)
  return found === undefined ? undefined : `${found.status}/${found.reason}`
}

const CONDITIONS: ReadonlyArray<readonly [string, Facts, ConditionType, string | undefined]> = [
  ["is ready", facts(), "Ready", "True/PolicyActive"],
  ["is not yet ready", facts({ targets: [{ ...target(), record: undefined }] }), "Ready", "Unknown/Initializing"],
  [
    "says what cannot be decoded",
    facts({ policy: undefined, refusals: [{ reason: "InvalidSpec", path: "spec", message: "No." }] }),
    "Ready",
    "False/InvalidSpec"
  ],
  [
    "says that the target is not there",
    facts({ targets: [], troubles: [{ reason: "TargetNotFound", message: "No web.", lasting: true }] }),
    "Ready",
    "False/TargetNotFound"
  ],
  [
    "does not know while the target cannot be read",
    facts({ troubles: [{ reason: "TargetUnreadable", message: "500.", lasting: false }] }),
    "Ready",
    "Unknown/TargetUnreadable"
  ],
  [
    "says that the operator may not",
    facts({ targets: [target({ outcome: { _tag: "Refused", reason: "Forbidden", message: "No." } })] }),
    "Ready",
    "False/Forbidden"
  ],
  [
    "stays ready when a write conflicts",
    facts({ targets: [target({ outcome: { _tag: "Refused", reason: "Conflict", message: "No." } })] }),
    "Ready",
    "True/PolicyActive"
  ],
  ["has its metrics", facts(), "MetricsAvailable", "True/AllMeasured"],
  [
    "knows nothing of metrics before the first tick",
    facts({ targets: [{ ...target(), record: undefined }] }),
    "MetricsAvailable",
    "Unknown/Initializing"
  ],
  [
    "says why nothing was measured",
    facts({ targets: [], troubles: [{ reason: "TargetNotFound", message: "No web.", lasting: true }] }),
    "MetricsAvailable",
    "Unknown/TargetNotFound"
  ],
  [
    "says why a metric is missing",
    facts({ targets: [target({ reading: missing("Timeout", "No answer.") })] }),
    "MetricsAvailable",
    "False/Timeout"
  ],
  ["proposes", facts(), "ScalingActive", "True/Proposing"],
  [
    "says that the baseline steers",
    facts({ findings: [{ reason: "NotBuilt", path: "engines.auto", message: "Not yet." }] }),
    "ScalingActive",
    "True/BaselineSteers"
  ],
  [
    "only recommends",
    facts({ targets: [target({ outcome: { _tag: "Withheld", why: "Recommend", message: "." } })] }),
    "ScalingActive",
    "False/Recommend"
  ],
  [
    "has lost track of a write",
    facts({ targets: [target({ outcome: { _tag: "Unknown", message: "." } })] }),
    "ScalingActive",
    "False/OutcomeUnknown"
  ],
  ["is not limited", facts(), "ScalingLimited", "False/DesiredWithinRange"],
  [
    "names the last limiter",
    facts({ targets: [target({ decision: { limitedBy: ["ScaleUpLimit", "TooManyReplicas"] } })] }),
    "ScalingLimited",
    "True/TooManyReplicas"
  ],
  ["has no rival", facts(), "Conflict", "False/NoConflict"],
  ["has a rival", facts({ targets: [target({ conflict: "OtherAutoscaler" })] }), "Conflict", "True/OtherAutoscaler"],
  ["has no budget to exceed", facts(), "BudgetExceeded", undefined],
  [
    "is within its budget",
    facts({
      policy: policyOf("a", {
        objectives: { cost: { maxMonthlyCost: 730, costPerPodPerHour: 0.1, preferredScaleDirection: "balanced" } }
      })
    }),
    "BudgetExceeded",
    "False/WithinBudget"
  ],
  [
    "exceeds its budget by its own minimum",
    facts({
      policy: policyOf("a", {
        bounds: { min: 2, max: 9 },
        objectives: { cost: { maxMonthlyCost: 73, costPerPodPerHour: 0.1, preferredScaleDirection: "balanced" } }
      })
    }),
    "BudgetExceeded",
    "True/BudgetBelowMinimum"
  ],
  [
    "asks for what would observe its SLO",
    facts({ findings: [{ reason: "SLONotConfigured", path: "spec.latencyQuery", message: "Set it." }] }),
    "SLOObserved",
    "False/NotConfigured"
  ],
  [
    "does not see its objective",
    facts({
      policy: policyOf("a", { objectives: { latency: { signal: "load", targetMs: 100, goodFraction: 0.99 } } }),
      targets: [target({ reading: missing("Empty", "No series.") })]
    }),
    "SLOObserved",
    "False/Empty"
  ],
  ["is healthy", facts(), "Degraded", "False/Healthy"],
  ["crashed", facts({ crash: { at: AT, message: "boom", count: 2 } }), "Degraded", "True/ActorCrashed"],
  [
    "took a step back",
    facts({ targets: [target({ memory: { downBlockedUntil: AT + 1 } })] }),
    "Degraded",
    "True/RolledBack"
  ],
  [
    "has pods that do not start",
    facts({ targets: [target({ failingMillis: 120_001 })] }),
    "Degraded",
    "True/PodsFailing"
  ],
  [
    "has pods that may still start",
    facts({ targets: [target({ failingMillis: 120_000 })] }),
    "Degraded",
    "False/Healthy"
  ]
]

describe("conditions", () => {
  for (const [title, given, type, want] of CONDITIONS) {
    it(`${type}: ${title}`, () => assert.strictEqual(of(given, type), want))
  }

  it("keep their time until their status moves", () => {
    const first = conditionsOf(facts(), [])
    const later = facts({ at: AT + 60_000, targets: [target({ reading: missing("Timeout", "No answer.") })] })
    const second = conditionsOf(later, first)
    const timeOf = (conditions: ReadonlyArray<Condition>, type: string) =>
      conditions.find((each) => each.type === type)?.lastTransitionTime
    assert.strictEqual(timeOf(second, "Ready"), "2026-01-01T12:00:00Z")
    assert.strictEqual(timeOf(second, "MetricsAvailable"), "2026-01-01T12:01:00Z")
    assert.isTrue(second.every(({ observedGeneration }) => observedGeneration === 4))
  })
})
