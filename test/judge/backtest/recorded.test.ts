import { assert, describe, it } from "@effect/vitest"
import { following, recordedOf } from "#judge/backtest/recorded"
import { run } from "#judge/run"
import { GRID, NONE, remembered, steps } from "#test/judge/backtest/world"
import { web } from "#test/judge/world"

describe("what ran there", () => {
  it("is the HPA where there was one, else the replicas, else nothing", () => {
    assert.strictEqual(recordedOf(remembered({ hpa: steps(() => 4) }))?.title, "The HPA that ran there")
    assert.strictEqual(recordedOf(remembered())?.title, "The replicas as they were")
    assert.strictEqual(recordedOf(remembered({ replicas: NONE, ready: NONE })), undefined)
  })

  it("has the replicas that were recorded, and keeps them where none were", () => {
    const replicas = steps((step) => (step < 40 ? 5 : step < 80 ? Number.NaN : 9))
    const { changes } = run(
      web(() => 100, 3_600),
      following({ title: "", replicas }, GRID)
    )
    assert.deepStrictEqual(
      changes.map(({ from, second, to }) => [second, from, to]),
      [[1_200, 5, 9]]
    )
  })
})
