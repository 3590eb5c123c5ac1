import { assert, describe, it } from "@effect/vitest"
import { cheapest, tautString } from "#judge/planning"
import { chance } from "#workload/Chance"

interface Problem {
  readonly steps: number
  readonly sizes: number
  readonly prices: Float64Array
}

const ADDED = 3
const CHANGED = 1

const costOf = ({ prices, sizes }: Problem, plan: ArrayLike<number>) => {
  let cost = 0
  for (let step = 0; step < plan.length; step++) {
    const [before, now] = [plan[step - 1] ?? plan[0] ?? 0, plan[step] ?? 0]
    cost += (prices[step * sizes + now] ?? 0) + Math.max(0, now - before) * ADDED + Math.abs(now - before) * CHANGED
  }
  return cost
}

/** Every course there is. */
const cheapestOfAll = (problem: Problem) => {
  let least = Infinity
  const walk = (plan: ReadonlyArray<number>): void => {
    if (plan.length === problem.steps) least = Math.min(least, costOf(problem, plan))
    else for (let size = 0; size < problem.sizes; size++) walk([...plan, size])
  }
  walk([])
  return least
}

describe("planning", () => {
  it("counts beyond as many pods as fit into sixteen bits", () => {
    const [steps, sizes, wanted] = [3, 40_000, [38_000, 39_000, 33_000]]
    const prices = Float64Array.from(
      { length: steps * sizes },
      (_, index) => 9 * Math.abs((index % sizes) - (wanted[Math.floor(index / sizes)] ?? 0))
    )
    const plan = cheapest({ steps, sizes, prices, perPodAdded: ADDED, perPodChanged: CHANGED })
    assert.deepStrictEqual([...plan], wanted)
  })

  it("finds a course that no other betters", () => {
    const { uniform } = chance(7, "prices")
    for (let attempt = 0; attempt < 30; attempt++) {
      const prices = Float64Array.from({ length: 5 * 4 }, () => 10 * uniform())
      const problem = { steps: 5, sizes: 4, prices }
      const plan = cheapest({ ...problem, perPodAdded: ADDED, perPodChanged: CHANGED })
      assert.closeTo(costOf(problem, plan), cheapestOfAll(problem), 1e-9)
    }
  })

  it("works off a burst as evenly as its time allows", () => {
    const arrived = Float64Array.from([0, 0, 12, 12, 12, 12, 12])
    const due = Float64Array.from([0, 0, 0, 0, 0, 12, 12])
    assert.deepStrictEqual([...tautString(due, arrived)], [0, 3, 3, 3, 3, 0])
  })

  it("keeps between what must be done and what there is to do", () => {
    const { uniform } = chance(7, "work")
    const arrived = new Float64Array(200)
    for (let step = 1; step < 200; step++)
      arrived[step] = (arrived[step - 1] ?? 0) + (uniform() < 0.2 ? 10 * uniform() : 0)
    const due = arrived.map((_, step) => (step < 10 ? 0 : (arrived[step - 10] ?? 0)))
    let done = 0
    tautString(due, arrived).forEach((rate, step) => {
      done += rate
      assert.isAtLeast(done, (due[step + 1] ?? 0) - 1e-6)
      if (step < 198) assert.isAtMost(done, (arrived[step + 1] ?? 0) + 1e-6)
    })
    assert.closeTo(done, due[199] ?? 0, 1e-6)
  })
})
