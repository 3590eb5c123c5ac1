import { assert, describe, it } from "vitest"
import { holdPause, isSwitchedOff } from "#domain/pause"
import type { Policy } from "#schemas/Policy"
import { memoryOf, observe, policyOf, situationOf, stateOf } from "#test/domain/policies"

const after = (value: number, over: Partial<Policy>, at = 0) =>
  holdPause(value, situationOf({ policy: policyOf(over), at, current: 10 }))?.after ?? value

describe("holdPause", () => {
  it.each([
    { title: "mode Paused holds everything", got: after(20, { mode: "Paused" }), want: 10 },
    { title: "Up holds up", got: after(20, { pause: { direction: "Up" } }), want: 10 },
    { title: "Up lets down", got: after(5, { pause: { direction: "Up" } }), want: 5 },
    { title: "Down holds down", got: after(5, { pause: { direction: "Down" } }), want: 10 },
    { title: "Down lets up", got: after(20, { pause: { direction: "Down" } }), want: 20 },
    { title: "Both holds", got: after(5, { pause: { direction: "Both" } }), want: 10 },
    {
      title: "Both goes to the replicas it names",
      got: after(5, { pause: { direction: "Both", replicas: 7 } }),
      want: 7
    },
    { title: "but not out of bounds", got: after(5, { pause: { direction: "Both", replicas: 0 } }), want: 1 },
    { title: "holds until its time", got: after(5, { pause: { direction: "Both", until: 100 } }, 99), want: 10 },
    { title: "and no longer", got: after(5, { pause: { direction: "Both", until: 100 } }, 100), want: 5 }
  ])("$title", ({ got, want }) => {
    assert.strictEqual(got, want)
  })

  it("says what it holds at, and why not at what was named", () => {
    const says = (replicas: number) =>
      holdPause(5, situationOf({ policy: policyOf({ pause: { direction: "Both", replicas } }) }))?.reason
    assert.strictEqual(says(7), "paused at 7 replicas")
    assert.strictEqual(says(1), "paused at 1 replica")
    assert.strictEqual(says(0), "paused at 1 replica, as 0 is out of bounds")
  })

  it("gives the reason that the person gave", () => {
    const policy = policyOf({ pause: { direction: "Both", reason: "sale" } })
    assert.strictEqual(holdPause(5, situationOf({ policy }))?.reason, "scaling is paused (sale)")
  })
})

describe("isSwitchedOff", () => {
  const policy = policyOf()
  it.each([
    { title: "zero that nobody of us wrote", replicas: 0, memory: memoryOf(policy), want: true },
    { title: "zero after we wrote five", replicas: 0, memory: memoryOf(policy, { lastWritten: 5 }), want: true },
    { title: "zero that we wrote", replicas: 0, memory: memoryOf(policy, { lastWritten: 0 }), want: false },
    { title: "one", replicas: 1, memory: memoryOf(policy), want: false }
  ])("$title: $want", ({ memory, replicas, want }) => {
    assert.strictEqual(isSwitchedOff(observe(0, stateOf(replicas)), memory), want)
  })
})
