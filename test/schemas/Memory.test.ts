import * as Result from "effect/Result"
import { assert, describe, it } from "vitest"
import { readMemory } from "#schemas/Memory"

const full = {
  version: 1,
  specHash: "abc",
  since: 5,
  recommendations: [{ at: 1, replicas: 2 }],
  ups: [{ at: 1, change: 2, outdated: true }],
  downs: [{ at: 1, change: -2 }],
  lastUpAt: 1,
  lastWriteAt: 2,
  lastWritten: 3,
  writtenVersion: "99",
  lastSeen: 3,
  foreignWrites: [4],
  frozenUntil: 9,
  freezes: 1,
  missingSince: { rps: 7 },
  downBlockedUntil: 8,
  lastDown: { at: 1, from: 3, to: 2 },
  schedules: { hash: "h", from: 1, until: 2, floor: { replicas: 3, name: "day" } },
  engines: { step: { calmSince: 3 } }
}

describe("readMemory", () => {
  it("reads what was written", () => {
    assert.deepStrictEqual(readMemory(JSON.parse(JSON.stringify(full))), Result.succeed(full as never))
  })

  it("reads what an older build wrote without the fields that came later", () => {
    const read = readMemory({ version: 1, specHash: "abc", since: 5 })
    assert.deepStrictEqual(
      read,
      Result.succeed({
        version: 1,
        specHash: "abc",
        since: 5,
        recommendations: [],
        ups: [],
        downs: [],
        foreignWrites: [],
        freezes: 0,
        missingSince: {},
        engines: {}
      } as never)
    )
  })

  it("refuses what a newer version wrote, whatever it holds", () => {
    assert.deepStrictEqual(readMemory({ ...full, version: 2 }), Result.fail("Newer" as const))
    assert.deepStrictEqual(readMemory({ version: 7, everything: "new" }), Result.fail("Newer" as const))
  })

  it.each([
    null,
    "",
    1,
    [],
    {},
    { ...full, version: 0 },
    { ...full, ups: [{ at: "now", change: 1 }] },
    { ...full, lastWritten: 0.5 }
  ])("cannot read %j", (json) => {
    assert.deepStrictEqual(readMemory(json), Result.fail("Unreadable" as const))
  })
})
