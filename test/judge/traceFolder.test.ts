import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { listOf, traceScenario } from "#judge/traceFolder"
import { capacityOf, WEB } from "#workload/Workload"

const LIST = JSON.stringify({
  shop: { kind: "http", c: 8, S: 0.05, T: 0.25, D: 60, pool: 2, timeout: 5, min: 2, max: 30 },
  mail: { kind: "queue", file: "other", drift: [[0.5, 0.7]], dropout: 0.1, blackout: [[0.25, 20]] },
  note: "not a scenario"
})

const entries = Result.getOrThrow(listOf(LIST))
const CSV = "seconds,rps\n0,10\n60,20\n120,30\n"

const scenarioOf = (index: number) => {
  const entry = entries[index]
  if (entry === undefined) throw new Error("no entry")
  return Result.getOrThrow(traceScenario(entry, CSV))
}

describe("a folder of traces", () => {
  it("says of each what kind of pods stand behind it", () => {
    assert.deepStrictEqual(
      entries.map(({ file, name }) => [name, file]),
      [
        ["shop", "shop.csv"],
        ["mail", "other.csv"]
      ]
    )
    const { seconds, traffic, workload } = scenarioOf(0)
    assert.strictEqual(capacityOf(workload), 160)
    assert.deepStrictEqual([workload.minReplicas, workload.maxReplicas, workload.startupSeconds], [2, 30, 60])
    assert.deepStrictEqual([seconds, traffic(30), traffic(60)], [180, 10, 15])
  })

  it("takes parts of the run for drift and lost metrics", () => {
    const { workload } = scenarioOf(1)
    assert.deepStrictEqual(workload.drift, [{ fromSeconds: 90, factor: 0.7 }])
    assert.deepStrictEqual(workload.lost, { share: 0.1, blackouts: [{ fromSeconds: 45, seconds: 20 }] })
    assert.strictEqual(workload.workers, WEB.workers)
  })

  it("says what is wrong, and where", () => {
    const [entry] = entries
    if (entry === undefined) throw new Error("no entry")
    const why = (one: Result.Result<unknown, string>) => (Result.isFailure(one) ? one.failure : "")
    const failures = [why(listOf("{")), why(listOf("[]")), why(traceScenario(entry, "0,1\nx,2\n"))]
    assert.match(failures[0] ?? "", /not JSON/u)
    assert.match(failures[1] ?? "", /not an object/u)
    assert.match(failures[2] ?? "", /^shop\.csv: line 2: x is no time/u)
    const told = (plant: object) => why(traceScenario({ name: "shop", file: "shop.csv", plant: { ...plant } }, CSV))
    assert.strictEqual(told({ c: 2.5 }), "shop: c is 2.5; give a whole number of at least 1")
    assert.match(told({ pool: 1.5 }), /^shop: pool is 1\.5; give a whole number/u)
    assert.match(told({ max: 0 }), /^shop: max is 0; give a whole number/u)
    assert.match(told({ S: 0 }), /^shop: S is 0; give more than 0/u)
    assert.match(told({ min: 9, max: 3 }), /^shop: min 9 is more than max 3/u)
    assert.match(told({ S: 0.5, T: 0.5 }), /^shop: S is 0\.5 and T 0\.5: no number of pods/u)
    assert.strictEqual(told({ kind: "queue", S: 2, T: 1 }), "")
    assert.match(why(listOf("{}")), /scenarios\.json holds no scenario/u)
  })
})
