import { assert, describe, it } from "vitest"
import { affordable, capCost } from "#domain/cost"
import type { Policy } from "#schemas/Policy"
import { policyOf, situationOf } from "#test/domain/policies"

const withBudget = (maxMonthlyCost: number, min = 1): Policy =>
  policyOf({
    bounds: { min, max: 100 },
    objectives: { cost: { maxMonthlyCost, costPerPodPerHour: 0.05, preferredScaleDirection: "balanced" } }
  })

describe("a budget", () => {
  it.each([
    [1000, 27],
    [36.5, 1],
    [36.49, 0],
    [0, 0]
  ])("of %d a month pays for %d pods at 0.05 an hour", (budget, pods) => {
    assert.strictEqual(affordable(withBudget(budget)), pods)
  })

  it("is not there unless it is named", () => {
    assert.isUndefined(affordable(policyOf()))
    assert.isUndefined(capCost(50, situationOf()))
  })

  it("caps, but not below the minimum", () => {
    assert.strictEqual(capCost(50, situationOf({ policy: withBudget(1000) }))?.after, 27)
    assert.strictEqual(capCost(50, situationOf({ policy: withBudget(1000, 30) }))?.after, 30)
  })

  it("lowers nothing without data", () => {
    assert.strictEqual(capCost(50, situationOf({ policy: withBudget(1000), current: 40, blind: true }))?.after, 40)
    assert.isUndefined(capCost(40, situationOf({ policy: withBudget(1000), current: 40, blind: true })))
  })
})
