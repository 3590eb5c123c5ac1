import { assert, describe, it } from "vitest"
import { measured } from "#schemas/Reading"
import { commitmentsFor, meaningOf, withCommitments } from "#operator/status"
import { AT, facts, scaled, statusFor, target } from "#test/operator/factsOf"
import { deployment, memory, refOf } from "#test/operator/records"

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

  it("names the target also while it is not there", () => {
    const absent = { reason: "TargetNotFound" as const, message: "No web.", lasting: true }
    assert.strictEqual(statusFor(facts({ targets: [], troubles: [absent] })).target, "Deployment/a")
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
