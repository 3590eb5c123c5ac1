import { it } from "@effect/vitest"
import { assert, describe } from "vitest"
import { Schema } from "effect"
import { grown, type Limits, limitsOf, type SetSize, shrunk, spread } from "#cluster/controllers/rollout"

const set = (name: string, replicas: number, available = replicas, maxReplicas = replicas): SetSize => ({
  name,
  replicas,
  available,
  maxReplicas
})

describe("limitsOf", () => {
  it("rounds the surge up, what may be missing down, and never stands still", () => {
    assert.deepStrictEqual(limitsOf(10, "25%", "25%"), { replicas: 10, surge: 3, unavailable: 2 })
    assert.deepStrictEqual(limitsOf(1, "25%", "25%"), { replicas: 1, surge: 1, unavailable: 0 })
    assert.deepStrictEqual(limitsOf(10, 0, "1%"), { replicas: 10, surge: 0, unavailable: 1 })
    assert.deepStrictEqual(limitsOf(0, 0, 0), { replicas: 0, surge: 0, unavailable: 0 })
    assert.deepStrictEqual(limitsOf(3, 1, 5), { replicas: 3, surge: 1, unavailable: 3 })
  })
})

describe("grown and shrunk", () => {
  const limits: Limits = { replicas: 10, surge: 3, unavailable: 2 }

  it("take broken old pods first, and good ones only for new ones that serve", () => {
    assert.strictEqual(grown(limits, set("new", 0), [set("old", 10)]), 3)
    assert.deepStrictEqual([...shrunk(limits, set("new", 3, 0), [set("old", 10)])], [["old", 8]])
    assert.deepStrictEqual([...shrunk(limits, set("new", 3, 0), [set("old", 10, 7)])], [["old", 8]])
    assert.deepStrictEqual([...shrunk(limits, set("new", 5, 0), [set("old", 8)])], [])
    assert.deepStrictEqual([...shrunk(limits, set("new", 5, 4), [set("old", 8)])], [["old", 4]])
  })

  const Sizes = Schema.Struct({
    replicas: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 30 })),
    surge: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10 })),
    unavailable: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10 })),
    lost: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 }))).check(Schema.isMaxLength(60))
  })

  it.prop(
    "reach the new template from every size, never over the surge nor under what must serve",
    [Sizes],
    ([{ lost, replicas, surge, unavailable }]) => {
      const rules = limitsOf(replicas, surge, unavailable)
      let [fresh, old] = [set("new", 0), set("old", replicas)]
      const serving = () => fresh.available + old.available
      for (let step = 0; step < 100 && old.replicas + Math.abs(fresh.replicas - replicas) > 0; step++) {
        const size = grown(rules, fresh, [old])
        // A few of the new pods are late at each step, for a while.
        fresh = set("new", size, Math.max(fresh.available, size - (lost[step] ?? 0)))
        assert.isAtMost(fresh.replicas + old.replicas, replicas + rules.surge)
        const before = serving()
        const left = shrunk(rules, fresh, [old]).get("old") ?? old.replicas
        old = set("old", left, Math.min(old.available, left))
        assert.isAtLeast(serving(), Math.min(before, replicas - rules.unavailable))
      }
      assert.deepStrictEqual([fresh.replicas, old.replicas], [replicas, 0])
    }
  )
})

describe("spread", () => {
  it("shares a new size out by the sets' shares of the old one", () => {
    const limits = limitsOf(20, "25%", "25%")
    assert.deepStrictEqual(
      [...spread(limits, [set("old", 8, 8, 13), set("new", 5, 0, 13)])],
      [
        ["old", 15],
        ["new", 10]
      ]
    )
    const none = limitsOf(0, "25%", "25%")
    assert.deepStrictEqual(
      [...spread(none, [set("old", 8, 8, 13), set("new", 5, 0, 13)])],
      [
        ["old", 0],
        ["new", 0]
      ]
    )
  })
})
