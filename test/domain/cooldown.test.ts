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
    { title: "staying needs no wait", got: after(10, { up: 1, write: 1 }), want: 10 }
  ])("$title", ({ got, want }) => {
    assert.strictEqual(got, want)
  })
})
