import { assert, describe, it } from "vitest"
import { freezeFight, holdFailing, holdFrozen, recentWrites } from "#domain/freeze"
import { memoryOf, MINUTE, observe, policyOf, situationOf, stateOf } from "#test/domain/policies"

const policy = policyOf()

describe("freezeFight", () => {
  it("freezes for a minute after three foreign writes in ten minutes", () => {
    const two = memoryOf(policy, { foreignWrites: [0, MINUTE] })
    assert.strictEqual(freezeFight(two, MINUTE), two)
    const slow = memoryOf(policy, { foreignWrites: [0, MINUTE, 10 * MINUTE] })
    assert.strictEqual(freezeFight(slow, 10 * MINUTE), slow)
    const three = memoryOf(policy, { foreignWrites: [1, MINUTE, 10 * MINUTE] })
    assert.strictEqual(freezeFight(three, 10 * MINUTE).frozenUntil, 11 * MINUTE)
  })

  it("freezes twice as long each time, up to half an hour, and forgets after half an hour of peace", () => {
    let memory = memoryOf(policy)
    let at = 0
    const fight = () => {
      memory = freezeFight({ ...memory, foreignWrites: [at + 1, at + 2, at + 3] }, at + 3)
      const minutes = ((memory.frozenUntil ?? 0) - at - 3) / MINUTE
      at = memory.frozenUntil ?? 0
      return minutes
    }
    assert.deepStrictEqual([fight(), fight(), fight(), fight(), fight(), fight(), fight()], [1, 2, 4, 8, 16, 30, 30])
    at += 30 * MINUTE
    assert.strictEqual(fight(), 1)
  })

  it("does not count what happened before or during a freeze", () => {
    const frozen = memoryOf(policy, { foreignWrites: [1, 2, 3, 4, 5], frozenUntil: MINUTE, freezes: 1 })
    assert.strictEqual(freezeFight(frozen, MINUTE - 1), frozen)
    assert.strictEqual(freezeFight(frozen, MINUTE), frozen)
  })
})

describe("recentWrites", () => {
  it("leaves out what lies ahead of a clock that was set back, so that it freezes nothing again and again", () => {
    assert.deepStrictEqual(recentWrites([1, MINUTE, 90 * MINUTE], 2 * MINUTE), [1, MINUTE])
    const memory = memoryOf(policy, { foreignWrites: [90 * MINUTE, 91 * MINUTE, 92 * MINUTE] })
    assert.strictEqual(freezeFight(memory, MINUTE), memory)
  })

  it("forgets after ten minutes", () => {
    assert.deepStrictEqual(recentWrites([0, 1, MINUTE], 10 * MINUTE), [1, MINUTE])
  })
})

describe("holdFrozen", () => {
  it("holds both directions until the freeze ends", () => {
    const memory = memoryOf(policy, { frozenUntil: 1000 })
    const after = (value: number, at: number) => holdFrozen(value, situationOf({ memory, at, current: 10 }))?.after
    assert.deepStrictEqual(
      [after(5, 999), after(15, 999), after(10, 999), after(5, 1000)],
      [10, 10, undefined, undefined]
    )
  })
})

describe("holdFailing", () => {
  const after = (value: number, failing: number | undefined, over = {}) => {
    const state = stateOf(10, failing === undefined ? {} : { failingPodsSince: 1_000_000 - failing })
    const given = policyOf(over)
    return holdFailing(value, situationOf({ policy: given, observation: observe(1_000_000, state) }))?.after ?? value
  }
  it.each([
    { title: "stops up after twice a minute", got: after(12, 120_001), want: 10 },
    { title: "waits for that long", got: after(12, 120_000), want: 12 },
    {
      title: "goes by the startup time that is told",
      got: after(12, 20_001, { objectives: { startupSeconds: 10 } }),
      want: 10
    },
    { title: "lets down", got: after(8, 500_000), want: 8 },
    { title: "does nothing while pods come up", got: after(12, undefined), want: 12 },
    {
      title: "does nothing where it is off",
      got: after(12, 500_000, { safety: { ...policy.safety, freezeOnFailingPods: false } }),
      want: 12
    }
  ])("$title", ({ got, want }) => {
    assert.strictEqual(got, want)
  })
})
