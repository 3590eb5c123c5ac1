import { assert, describe, it } from "vitest"
import { decide } from "#domain/decide"
import { type BoundEngine, isCompanion } from "#domain/Engine"
import { memoryOf, observe, policyOf, stateOf } from "#test/domain/policies"

describe("companions", () => {
  it("are asked last, wherever the policy names them, and told what the others said", () => {
    const asked: Array<readonly [string, number | undefined]> = []
    const engine = (name: string): BoundEngine => ({
      name,
      propose: ({ others }) => {
        asked.push([name, others?.length])
        return { proposals: [{ engine: name, replicas: 3, raiseOnly: false, reason: "wants 3" }], memory: null }
      }
    })
    const policy = policyOf()
    const engines = ["qlearning", "target", "advisor", "slo"].map(engine)
    decide({ policy, engines, observation: observe(0, stateOf(3), { rps: 1 }), memory: memoryOf(policy) })
    assert.deepStrictEqual(asked, [
      ["target", undefined],
      ["slo", undefined],
      ["qlearning", 2],
      ["advisor", 2]
    ])
    assert.isFalse(isCompanion("target"))
  })
})
