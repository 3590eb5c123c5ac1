import { assert, describe, it } from "vitest"
import type { DecisionRecord, Outcome } from "#schemas/Decision"
import { measured, missing, type Reading } from "#schemas/Reading"
import type { Condition, ConditionType, Status } from "#schemas/Status"
import { conditionsOf } from "#operator/conditions"
import { eventsOf } from "#operator/events"
import type { Facts, TargetFacts } from "#operator/Facts"
import { phaseOf } from "#operator/phase"
import { commitmentsFor, meaningOf, statusOf, withCommitments } from "#operator/status"
import { deployment, makeRecord, memory, policyOf, refOf, state } from "#test/operator/records"

const AT = Date.UTC(2026, 0, 1, 12)

const scaled: Outcome = { _tag: "Scaled", from: 2, to: 3, resourceVersion: "7" }

interface Shape {
  readonly outcome?: Outcome
  readonly reading?: Reading
  readonly decision?: Partial<DecisionRecord["decision"]>
  readonly replicas?: number
  readonly conflict?: "AlreadyManaged" | "OtherAutoscaler"
  readonly failing?: boolean
  readonly memory?: Partial<TargetFacts["memory"]>
}

const target = (shape: Shape = {}): TargetFacts => {
  const record = makeRecord({ uid: "a", id: "a/1", at: AT, outcome: shape.outcome ?? { _tag: "Unchanged" } })
  const over = {
    ...(shape.conflict === undefined ? {} : { conflict: { reason: shape.conflict, message: "Somebody else." } }),
    ...(shape.failing === true ? { failingPodsSince: AT - 60_000 } : {})
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

const facts = (over: Partial<Facts> = {}): Facts => ({
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

const of = (given: Facts, type: ConditionType, before: ReadonlyArray<Condition> = []) => {
  const found = conditionsOf(given, before).find((each) => each.type === type)
  return found === undefined ? undefined : `${found.status}/${found.reason}`
}

const phase = (given: Facts) => phaseOf(given, conditionsOf(given, []))

const until = (millis: number) => ({ direction: "Both" as const, until: millis })

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
  ["has pods that do not start", facts({ targets: [target({ failing: true })] }), "Degraded", "True/PodsFailing"]
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

describe("phase", () => {
  const refusals = [{ reason: "InvalidSpec" as const, path: "spec", message: "No." }]
  const PHASES: ReadonlyArray<readonly [string, Facts, Status["phase"]]> = [
    ["Active", facts(), "Active"],
    ["Learning while no engine could propose yet", facts({ proposed: false }), "Learning"],
    ["Initializing before the first tick", facts({ targets: [] }), "Initializing"],
    ["Error when it cannot be run", facts({ policy: undefined, refusals }), "Error"],
    ["Paused by its mode, even in error", facts({ policy: policyOf("a", { mode: "Paused" }), refusals }), "Paused"],
    ["Paused until its time", facts({ policy: policyOf("a", { pause: until(AT + 1) }) }), "Paused"],
    ["Active when the pause is over", facts({ policy: policyOf("a", { pause: until(AT) }) }), "Active"],
    [
      "Active when one direction is paused",
      facts({ policy: policyOf("a", { pause: { direction: "Down" } }) }),
      "Active"
    ],
    ["Paused at 0 replicas that we did not write", facts({ targets: [target({ replicas: 0 })] }), "Paused"],
    [
      "Active at 0 replicas of our own",
      facts({ targets: [target({ replicas: 0, memory: { lastWritten: 0 } })] }),
      "Active"
    ]
  ]
  for (const [title, given, want] of PHASES) it(`is ${title}`, () => assert.strictEqual(phase(given), want))
})

const statusFor = (given: Facts, before: ReadonlyArray<Condition> = []): Status => {
  const conditions = conditionsOf(given, before)
  return statusOf({
    facts: given,
    phase: phaseOf(given, conditions),
    conditions,
    decisions: [],
    totals: { total: 4, successful: 3 }
  })
}

describe("status", () => {
  it("shows the replicas after the write, and what each signal said", () => {
    const status = statusFor(facts({ targets: [target({ outcome: scaled, memory: { lastWriteAt: AT } })] }))
    assert.deepInclude(status, {
      currentReplicas: 3,
      targetReplicas: 3,
      recommendedReplicas: 3,
      target: "Deployment/web"
    })
    assert.strictEqual(status.lastScalingTime, "2026-01-01T12:00:00Z")
    assert.deepStrictEqual(status.signals, [{ name: "load", value: "20", at: "2026-01-01T12:00:00Z", target: "10" }])
    assert.strictEqual(status.metrics?.successRate, 0.75)
  })

  it("means the same when only values, times and sentences differ", () => {
    const other = facts({
      at: AT + 15_000,
      targets: [target({ reading: measured(21, AT), decision: { reason: "other" } })]
    })
    assert.strictEqual(meaningOf(statusFor(other)), meaningOf(statusFor(facts())))
  })

  it("means something else when a condition's reason, the desired replicas or the generation differ", () => {
    const meaning = meaningOf(statusFor(facts()))
    const others = [
      facts({ targets: [target({ conflict: "OtherAutoscaler" })] }),
      facts({ targets: [target({ decision: { desired: 9 } })] }),
      facts({ ref: refOf("a", { generation: 5 }) }),
      facts({ targets: [target({ memory: { lastWriteAt: AT } })] })
    ]
    for (const other of others) assert.notStrictEqual(meaningOf(statusFor(other)), meaning)
  })

  it("carries commitments over a crash, to the millisecond, and never puts older ones over newer", () => {
    const kept = {
      ...memory(),
      ups: [{ at: AT - 9_001, change: 3 }],
      downs: [{ at: AT - 5_002, change: -1 }],
      lastUpAt: AT - 9_001,
      lastWriteAt: AT - 5_002,
      lastWritten: 4
    }
    const status = statusFor(facts({ targets: [target({ memory: kept })] }))
    const found = commitmentsFor(status, deployment("web"))
    assert.deepStrictEqual(withCommitments(memory(), found), { ...kept, lastSeen: 4 })
    assert.deepStrictEqual(withCommitments(kept, found), kept)
    const newer = { ...memory(), lastWriteAt: AT, lastWritten: 9 }
    assert.deepStrictEqual(withCommitments(newer, found), newer)
    assert.isUndefined(commitmentsFor(status, deployment("api")))
  })

  it("cuts sentences that are too long for a status", () => {
    const long = statusFor(facts({ targets: [target({ decision: { reason: "x".repeat(5_000) } })] }))
    assert.isAtMost(long.lastDecision?.reasoning.length ?? Infinity, 512)
  })
})

describe("events", () => {
  const reasons = (now: Facts, before: Status | undefined, fresh: ReadonlyArray<DecisionRecord> = []) => {
    const conditions = conditionsOf(now, before?.conditions ?? [])
    return eventsOf({ facts: now, fresh, conditions, phase: phaseOf(now, conditions), before }).map(
      ({ reason }) => reason
    )
  }
  const quiet = statusFor(facts())
  const missed = facts({ targets: [target({ reading: missing("Timeout", "No answer.") })] })
  const paused = facts({ policy: policyOf("a", { mode: "Paused" }) })
  const recordOf = ({ targets }: Facts) => targets.flatMap(({ record }) => (record === undefined ? [] : [record]))

  it("say nothing while nothing changes", () => assert.deepStrictEqual(reasons(facts(), quiet), []))

  it("tell of a metric that goes missing once, and again when the reason is another", () => {
    assert.deepStrictEqual(reasons(missed, quiet), ["MetricError"])
    assert.deepStrictEqual(reasons(missed, statusFor(missed)), [])
    const other = facts({ targets: [target({ reading: missing("Empty", "No series.") })] })
    assert.deepStrictEqual(reasons(other, statusFor(missed)), ["MetricError"])
  })

  it("tell of scaling in either direction", () => {
    const up = facts({ targets: [target({ outcome: scaled })] })
    assert.deepStrictEqual(reasons(up, quiet, recordOf(up)), ["ScaledUp"])
    const down = facts({ targets: [target({ outcome: { ...scaled, from: 3, to: 2 } })] })
    assert.deepStrictEqual(reasons(down, quiet, recordOf(down)), ["ScaledDown"])
  })

  it("tell when a policy is paused and resumed", () => {
    assert.deepStrictEqual(reasons(paused, quiet), ["Paused"])
    assert.deepStrictEqual(reasons(facts(), statusFor(paused)), ["Resumed"])
  })

  it("tell of a conflict, of a crash, and of somebody else's change", () => {
    assert.deepStrictEqual(reasons(facts({ targets: [target({ conflict: "AlreadyManaged" })] }), quiet), ["Conflict"])
    assert.deepStrictEqual(reasons(facts({ crash: { at: AT, message: "boom", count: 1 } }), quiet), ["ActorCrashed"])
    const foreign = [{ target: deployment("web"), from: 2, to: 5 }]
    assert.deepStrictEqual(reasons(facts({ foreign }), quiet), ["ReplicasChanged"])
  })

  it("tell once per generation what the writer of the object should know", () => {
    const findings = [{ reason: "InlineSecret" as const, path: "spec", message: "Use a Secret." }]
    assert.deepStrictEqual(reasons(facts({ findings }), undefined), ["InlineSecret"])
    assert.deepStrictEqual(reasons(facts({ findings }), quiet), [])
  })
})
