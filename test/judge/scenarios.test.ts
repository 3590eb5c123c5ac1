import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { drifting, losing, ownScenarios, patternScenario } from "#judge/scenarios"
import { loadOf } from "#workload/Load"
import { capacityOf, WEB } from "#workload/Workload"

describe("scenarios", () => {
  it("are of every kind of service, of requests and of messages, each by its own name", () => {
    const all = ownScenarios("7")
    assert.isAtLeast(all.length, 16)
    assert.strictEqual(new Set(all.map(({ name }) => name)).size, all.length)
    assert.isTrue(all.some(({ workload }) => workload.kind === "queue" && workload.minReplicas === 0))
  })

  it("need a handful of pods on average and can be served by what they may have at most", () => {
    for (const { name, seconds, traffic, workload } of ownScenarios("7")) {
      const rates = Array.from({ length: Math.floor(seconds / 20) }, (_, index) => traffic(index * 20))
      const pods = rates.map((rate) => rate / capacityOf(workload))
      const mean = pods.reduce((sum, one) => sum + one, 0) / pods.length
      assert.isAbove(mean, 1, name)
      assert.isBelow(mean, 20, name)
      assert.isBelow(Math.max(...pods), 0.8 * workload.maxReplicas, name)
    }
  })

  it("ask of few pods what few pods can serve, unless they are told a rate", () => {
    const small = { ...WEB, maxReplicas: 10 }
    const peakOf = (rate?: number) => {
      const { traffic } = Result.getOrThrow(patternScenario("spike", small, 7_200, "1", rate))
      return Math.max(...Array.from({ length: 7_200 }, (_, second) => traffic(second))) / capacityOf(small)
    }
    assert.isAtMost(peakOf(), 7)
    assert.isAbove(peakOf(), 4)
    assert.isAbove(peakOf(280), 6.9)
  })

  it("can be made to drift and to lose metrics, with the very same arrivals", () => {
    const plain = patternScenario("steady", WEB, 3_600, "1")
    if (Result.isFailure(plain)) throw new Error(plain.failure)
    const [usual, drifts, loses] = [plain.success, drifting(plain.success), losing(plain.success)].map((one) =>
      loadOf(one, 1)
    )
    assert.deepStrictEqual(drifts?.arrivals, usual?.arrivals)
    assert.deepStrictEqual([drifts?.factors[0], drifts?.factors[1_800], drifts?.factors[3_000]], [1, 0.7, 1.2])
    assert.deepStrictEqual(loses?.arrivals, usual?.arrivals)
    const lost = loses?.lost.reduce((sum, one) => sum + one, 0) ?? 0
    assert.closeTo(lost / 3_600, 0.1 + 300 / 3_600, 0.06)
  })
})
