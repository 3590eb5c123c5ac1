import { assert, describe, it } from "vitest"
import { UNKNOWN_DEMAND } from "#domain/demand"
import { FRESH_BUDGET, spend, type Work, worthwhile } from "#domain/staffing"

const work: Work = { demand: 400, errors: UNKNOWN_DEMAND.errors, perPod: 40, steepness: 18, price: 12 }

describe("pods that are worth their price", () => {
  it("leave room over the demand, and not twice as much", () => {
    const pods = worthwhile(work, 1000)
    assert.isAbove(pods, 11)
    assert.isBelow(pods, 18)
  })

  it("grow with demand and price, and shrink with what a pod serves and with certainty", () => {
    const base = worthwhile(work, 1000)
    assert.isAbove(worthwhile({ ...work, demand: 800 }, 1000), base)
    assert.isAbove(worthwhile({ ...work, price: 120 }, 1000), base)
    assert.isBelow(worthwhile({ ...work, perPod: 80 }, 1000), base)
    assert.isBelow(worthwhile({ ...work, steepness: 60 }, 1000), base)
    const certain = work.errors.map((_, bin) => (bin === 10 ? 1 : 0))
    const many = { ...work, demand: 4000 }
    assert.isBelow(worthwhile({ ...many, errors: certain }, 1000), worthwhile(many, 1000))
  })

  it("never fall as demand rises, and stay within the most", () => {
    let before = 0
    for (let demand = 0; demand <= 4000; demand += 20) {
      const pods = worthwhile({ ...work, demand }, 1000)
      assert.isAtLeast(pods, before)
      before = pods
    }
    assert.strictEqual(worthwhile({ ...work, demand: 0 }, 1000), 1)
    for (const demand of [4000, 1e15]) assert.strictEqual(worthwhile({ ...work, demand }, 20), 20)
  })
})

describe("the price of bad answers", () => {
  const hour = (share: number) => {
    let budget = FRESH_BUDGET
    for (let tick = 0; tick < 720; tick++) budget = spend(budget, share * 100, 100, 0.01, 5)
    return budget.price
  }

  it("rises while more are given than the objective allows, falls while fewer are, and has bounds", () => {
    assert.isAbove(hour(0.02), FRESH_BUDGET.price)
    assert.isBelow(hour(0.001), FRESH_BUDGET.price)
    assert.isAtMost(hour(1), 30)
    assert.isAtLeast(hour(0), 4)
  })
})
