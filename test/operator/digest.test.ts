import { assert, describe, it } from "vitest"
import { digestOf } from "#operator/digest"
import { policyOf } from "#test/operator/records"

describe("the digest of a policy", () => {
  it("says what it promises and what its signals are held at", () => {
    const [signal] = policyOf("a").signals
    if (signal === undefined) return assert.fail("there is a signal")
    const policy = policyOf("a", {
      signals: [signal, { ...signal, name: "cpu", target: { type: "Utilization", milli: 70 } }],
      objectives: { latency: { targetMs: 200, goodFraction: 0.99 }, startupSeconds: 40 }
    })
    assert.deepStrictEqual(digestOf(policy, [], true).policy, {
      minReplicas: 1,
      maxReplicas: 10,
      secondsBetweenDecisions: 15,
      latencyTargetMillis: 200,
      podStartSeconds: 40,
      signals: [
        { name: "signal-1", means: "demand", heldAt: "10 per pod" },
        { name: "signal-2", means: "demand", heldAt: "70 %" }
      ]
    })
  })
})
