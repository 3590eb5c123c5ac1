import { assert, describe, it } from "@effect/vitest"
import { ownFile } from "#judge/entrants"
import { intervalSecondsOf, metricsOf, policyRival } from "#judge/policyRival"
import { hpa } from "#judge/rivals/hpa"
import { run } from "#judge/run"
import { Plant } from "#workload/Plant"
import { doubling, queue, web } from "#test/judge/world"

describe("a policy as a rival", () => {
  it("sees the fields of the decider protocol, each of the window that its interval asks for", () => {
    const plant = new Plant(web(doubling(100, 50), 600), 10)
    plant.advance(62)
    const metrics = metricsOf(plant, 15) ?? {}
    assert.deepStrictEqual(Object.keys(metrics).toSorted(), [
      "ageSeconds",
      "badFraction",
      "concurrency",
      "cpuUtilisation",
      "errorRate",
      "memUtilisation",
      "p95LatencyMs",
      "queueLength",
      "readyAvg",
      "rps",
      "servedRps"
    ])
    assert.strictEqual(metrics["ageSeconds"], 2)
    assert.isAbove(Number(metricsOf(plant, 5)?.["rps"]), Number(metrics["rps"]))
  })

  it("keeps a surge better than the HPA does, and says why it changed something", () => {
    const load = web(doubling(280, 900), 2_400)
    const file = ownFile(load.workload)
    assert.strictEqual(intervalSecondsOf(file), 5)
    const [own, plain] = [run(load, policyRival(file)), run(load, hpa(0.7))]
    assert.isBelow(own.violations, plain.violations)
    assert.isAbove(own.changes.length, 0)
    for (const { reason } of own.changes) assert.isAbove(reason.length, 10)
  })

  it("is the same for the same seed, and begins anew with each load", () => {
    const load = queue((second) => 10 + 8 * Math.sin(second / 100))
    const rival = policyRival(ownFile(load.workload))
    assert.deepStrictEqual(run(load, rival).changes, run(load, rival).changes)
  })
})
