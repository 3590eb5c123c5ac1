import { assert, describe, it } from "vitest"
import { noteHarm, rollBack } from "#domain/rollback"
import type { Memory } from "#schemas/Memory"
import { memoryOf, MINUTE, observe, policyOf, situationOf, stateOf, watched } from "#test/domain/policies"

const policy = policyOf({
  signals: [watched("latency", { role: "latency" })],
  objectives: { latency: { targetMs: 200, goodFraction: 0.99 } }
})
const lastDown = { at: 0, from: 10, to: 5 }
const look = (at: number, latency: number, memory: Partial<Memory>, given = policy) => {
  const observation = observe(at, stateOf(5), { latency })
  const before = memoryOf(given, memory)
  const situation = situationOf({ policy: given, observation, memory: before })
  return {
    after: (value: number) => rollBack(value, situation)?.after ?? value,
    blockedUntil: noteHarm(before, given, observation).downBlockedUntil
  }
}

describe("a step down that a breach follows", () => {
  it("is taken back within five minutes, and down is blocked for half an hour", () => {
    const seen = look(5 * MINUTE, 201, { lastDown })
    assert.strictEqual(seen.after(5), 10)
    assert.strictEqual(seen.after(12), 12)
    assert.strictEqual(seen.blockedUntil, 35 * MINUTE)
  })

  it("is not blamed later, nor for what is no breach", () => {
    assert.strictEqual(look(5 * MINUTE + 1, 201, { lastDown }).after(5), 5)
    assert.strictEqual(look(MINUTE, 200, { lastDown }).after(5), 5)
    assert.isUndefined(look(MINUTE, 200, { lastDown }).blockedUntil)
  })

  it("is not looked for where rollback is off", () => {
    const off = { ...policy, safety: { ...policy.safety, rollback: false } }
    assert.strictEqual(look(MINUTE, 900, { lastDown, downBlockedUntil: 40 * MINUTE }, off).after(3), 3)
  })
})

describe("the block", () => {
  it("holds down until it ends, and never up", () => {
    const memory = { downBlockedUntil: 40 * MINUTE }
    assert.strictEqual(look(40 * MINUTE - 1, 10, memory).after(3), 5)
    assert.strictEqual(look(40 * MINUTE - 1, 10, memory).after(8), 8)
    assert.strictEqual(look(40 * MINUTE, 10, memory).after(3), 3)
  })
})
