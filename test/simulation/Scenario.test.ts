import { assert, describe, it } from "vitest"
import { Load, needAt } from "#simulation/Scenario"

describe("the load of a target", () => {
  for (const pattern of Load.fields.pattern.literals) {
    it(`stays between its ends and comes again (${pattern})`, () => {
      const load: Load = { pattern, low: 2, high: 9, periodSeconds: 600 }
      const course = Array.from({ length: 601 }, (_, second) => needAt(load, second))
      assert.isAtLeast(Math.min(...course), 2)
      assert.isAtMost(Math.max(...course), 9)
      assert.isAbove(Math.max(...course), 8.9)
      for (const second of [0, 7, 311]) assert.closeTo(needAt(load, second + 600), needAt(load, second), 1e-9)
    })
  }
})
