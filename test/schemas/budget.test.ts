// The budget's arithmetic where a whole pod hangs on a rounding.
import { assert, describe, it } from "@effect/vitest"
import { affordablePods, monthlyCostOf } from "#schemas/budget"

describe("a month's budget", () => {
  it.each([
    { maxMonthlyCost: 1000, costPerPodPerHour: 0.05, pods: 27 },
    { maxMonthlyCost: 73, costPerPodPerHour: 0.1, pods: 1 },
    { maxMonthlyCost: 72.99, costPerPodPerHour: 0.1, pods: 0 },
    { maxMonthlyCost: 0, costPerPodPerHour: 1, pods: 0 }
  ])("of $maxMonthlyCost at $costPerPodPerHour an hour pays for $pods", ({ pods, ...cost }) => {
    assert.strictEqual(affordablePods(cost), pods)
  })

  it("pays for exactly as many pods as it was made for, whatever the price", () => {
    for (let pods = 1; pods <= 200; pods++) {
      for (let cents = 1; cents <= 50; cents++) {
        const cost = { maxMonthlyCost: 0, costPerPodPerHour: cents / 100 }
        assert.strictEqual(affordablePods({ ...cost, maxMonthlyCost: monthlyCostOf(pods, cost) }), pods)
      }
    }
  })
})
