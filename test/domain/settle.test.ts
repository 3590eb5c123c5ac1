import { assert, describe, it } from "vitest"
import { settle } from "#domain/settle"
import type { Decision, Outcome } from "#schemas/Decision"
import type { Memory } from "#schemas/Memory"
import { hpaRates, limitsOf, memoryOf, observe, policyOf, stateOf } from "#test/domain/policies"

const policy = policyOf({ limits: limitsOf({ rates: hpaRates() }) })
const decision: Decision = {
  proposals: [],
  steps: [],
  desired: 8,
  action: "scale_up",
  limitedBy: [],
  engine: "target",
  reason: "",
  confidence: 1
}
const after = (outcome: Outcome, over: Partial<Memory> = {}) =>
  settle({ policy, memory: memoryOf(policy, over), observation: observe(77, stateOf(5)), decision, outcome })

describe("settle", () => {
  it("commits a write that happened", () => {
    const memory = after({ _tag: "Scaled", from: 5, to: 8, resourceVersion: "12" }, { unsettled: 8 })
    assert.deepStrictEqual(
      memory,
      memoryOf(policy, {
        ups: [{ at: 77, change: 3 }],
        lastUpAt: 77,
        lastWriteAt: 77,
        lastWritten: 8,
        lastSeen: 8,
        writtenVersion: "12"
      })
    )
  })

  it("remembers a step down until a step up", () => {
    const down = after({ _tag: "Scaled", from: 5, to: 2, resourceVersion: "12" })
    assert.deepStrictEqual(down.lastDown, { at: 77, from: 5, to: 2 })
    assert.deepStrictEqual([down.downs, down.lastUpAt], [[{ at: 77, change: -3 }], undefined])
    assert.isUndefined(after({ _tag: "Scaled", from: 2, to: 3, resourceVersion: "13" }, down).lastDown)
  })

  it("commits a write that is found later, and no longer blames a stranger for it", () => {
    const memory = after({ _tag: "Recovered", from: 5, to: 8, by: "nimbusguard" }, { foreignWrites: [5, 77] })
    assert.deepStrictEqual([memory.foreignWrites, memory.lastWritten, memory.ups], [[5], 8, [{ at: 77, change: 3 }]])
  })

  it("lets both cooldowns wait for a write that was found, where nobody knows from where it went", () => {
    const memory = after({ _tag: "Recovered", from: 8, to: 8, by: "nimbusguard" })
    assert.deepStrictEqual([memory.lastUpAt, memory.lastWriteAt, memory.ups], [77, 77, []])
    assert.isUndefined(after({ _tag: "Recovered", from: 8, to: 5, by: "nimbusguard" }).lastUpAt)
  })

  it("keeps in mind what was sent and not answered, until it is settled", () => {
    const unknown = after({ _tag: "Unknown", message: "" })
    assert.deepStrictEqual(unknown, memoryOf(policy, { unsettled: 8 }))
    assert.isUndefined(after({ _tag: "Unchanged" }, unknown).unsettled)
    assert.isUndefined(after({ _tag: "Refused", reason: "Forbidden", message: "" }, unknown).unsettled)
    assert.strictEqual(after({ _tag: "Withheld", why: "NotLeader", message: "" }, unknown).unsettled, 8)
  })

  it.each<Outcome>([
    { _tag: "Unchanged" },
    { _tag: "Withheld", why: "Recommend", message: "" },
    { _tag: "Refused", reason: "Forbidden", message: "" }
  ])("commits nothing after $_tag", (outcome) => {
    const memory = memoryOf(policy)
    assert.strictEqual(settle({ policy, memory, observation: observe(77, stateOf(5)), decision, outcome }), memory)
  })
})
