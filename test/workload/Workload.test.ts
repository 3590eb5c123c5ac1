import { assert, describe, it } from "@effect/vitest"
import { capacityOf, factorAt, PLANTS, WEB } from "#workload/Workload"

describe("Workload", () => {
  it("serves as much as its workers do one after the other", () => {
    assert.strictEqual(capacityOf(WEB), 40)
  })

  it("drifts from a second on, until it drifts again", () => {
    const workload = {
      ...WEB,
      drift: [
        { fromSeconds: 100, factor: 0.7 },
        { fromSeconds: 200, factor: 1.2 }
      ]
    }
    assert.deepStrictEqual(
      [0, 99, 100, 199, 200, 9_999].map((second) => factorAt(workload, second)),
      [1, 1, 0.7, 0.7, 1.2, 1.2]
    )
  })

  it.each(Object.entries(PLANTS))("%s can keep its objective", (_, plant) => {
    assert.isBelow(plant.serviceSeconds, plant.objectiveSeconds)
    assert.isBelow(plant.minReplicas, plant.maxReplicas)
  })
})
