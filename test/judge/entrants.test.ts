import { assert, describe, it } from "@effect/vitest"
import { ownFile, ownPolicy, rivalEntrant } from "#judge/entrants"
import { PLANTS, WEB } from "#workload/Workload"

describe("entrants", () => {
  it.each(Object.entries(PLANTS))("have a policy for %s with its bounds and its objective", (_, workload) => {
    const { engines, policy } = ownFile(workload)
    assert.deepStrictEqual(
      engines.map(({ name }) => name),
      ["auto"]
    )
    assert.deepStrictEqual(policy.bounds, { min: workload.minReplicas, max: workload.maxReplicas })
    assert.strictEqual(policy.objectives.startupSeconds, workload.startupSeconds)
    const promised = policy.objectives.queue?.drainSeconds ?? (policy.objectives.latency?.targetMs ?? 0) / 1000
    assert.strictEqual(promised, workload.objectiveSeconds)
  })

  it("change in it what they are told to, and nothing else", () => {
    assert.strictEqual(ownFile(WEB, { goodFraction: 0.999 }).policy.objectives.latency?.goodFraction, 0.999)
    assert.strictEqual(ownFile(WEB, { intervalSeconds: 15 }).policy.intervalMillis, 15_000)
    assert.deepStrictEqual(
      ownFile(WEB, { cpuOnly: true }).policy.signals.map(({ name }) => name),
      ["cpu"]
    )
    assert.deepStrictEqual(ownFile(WEB, { auto: { headroomPercent: 20 } }).policy.engines, [
      { engine: "auto", options: { headroomPercent: 20 } }
    ])
    assert.strictEqual(ownPolicy(WEB, {}), ownPolicy(WEB))
  })

  it("are told apart by what is set in them", () => {
    assert.deepStrictEqual([rivalEntrant("hpa").name, rivalEntrant("hpa", 0.5).name], ["hpa", "hpa:0.5"])
  })
})
