import { assert, describe, it } from "vitest"
import { cool } from "#domain/cooldown"
import { limitsOf, memoryOf, policyOf, situationOf } from "#test/domain/policies"

const policy = policyOf({ limits: limitsOf({ cooldown: { upSeconds: 30, downSeconds: 300 } }) })
const at = 1_000_000
const after = (value: number, ago: { readonly up?: number; readonly write?: number }) => {
  const memory = memoryOf(policy, {
    ...(ago.up === undefined ? {} : { lastUpAt: at - ago.up }),
    ...(ago.write === undefined ? {} : { lastWriteAt: at - ago.write })
  })
  return cool(value, situationOf({ policy, memory, at, current: 10 }))?.after ?? value
}

describe("cool", () => {
  it.each([
    { title: "up waits for the last up", got: after(12, { up: 29_999 }), want: 10 },
    { title: "up goes on to the millisecond", got: after(12, { up: 30_000 }), want: 12 },
    { title: "up does not wait for a down", got: after(12, { write: 1 }), want: 12 },
    { title: "down waits for the last write in either direction", got: after(8, { write: 299_999 }), want: 10 },
    { title: "down goes on to the millisecond", got: after(8, { write: 300_000 }), want: 8 },
    { title: "nothing waits before the first write", got: after(8, {}), want: 8 },
    {
      title: "down waits after a write by a clock that is a little ahead",
      got: after(8, { write: -300_000 }),
      want: 10
    },
    { title: "no wait is longer than twice itself", got: after(8, { write: -300_001 }), want: 8 },
    {
      title: "what a clock that was set back calls the future blocks no way up",
      got: after(12, { up: -30_001 }),
      want: 12
    },
    { title: "staying needs no wait", got: after(10, { up: 1, write: 1 }), want: 10 }
  ])("$title", ({ got, want }) => {
    assert.strictEqual(got, want)
  })

  it("never says that more is left than there is of it", () => {
    const memory = memoryOf(policy, { lastWriteAt: at + 10_000 })
    const step = cool(8, situationOf({ policy, memory, at, current: 10 }))
    assert.strictEqual(step?.reason, "300 of 300 s since the last scaling are left")
  })

  it("without a cooldown waits for no clock", () => {
    const free = policyOf({ limits: limitsOf({ cooldown: { upSeconds: 0, downSeconds: 0 } }) })
    const memory = memoryOf(free, { lastUpAt: at + 1000, lastWriteAt: at + 1000 })
    for (const value of [8, 12]) assert.isUndefined(cool(value, situationOf({ policy: free, memory, at, current: 10 })))
  })
})
