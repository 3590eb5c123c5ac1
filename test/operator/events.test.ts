import { assert, describe, it } from "vitest"
import type { DecisionRecord } from "#schemas/Decision"
import { missing } from "#schemas/Reading"
import type { Status } from "#schemas/Status"
import { conditionsOf } from "#operator/conditions"
import { eventsOf } from "#operator/events"
import type { Facts } from "#operator/Facts"
import { phaseOf } from "#operator/phase"
import { AT, facts, scaled, statusFor, target } from "#test/operator/factsOf"
import { deployment, policyOf } from "#test/operator/records"

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
