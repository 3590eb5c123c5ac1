import { assert, describe, it } from "@effect/vitest"
import { run } from "#judge/run"
import { web } from "#test/judge/world"

describe("a run", () => {
  it("asks every interval, and notes what changed and why", () => {
    const asked: Array<number> = []
    const { changes, changesPerHour, podHours } = run(
      web(() => 10, 3_600),
      () => ({
        intervalSeconds: 600,
        begins: 2,
        decide: ({ second }) => {
          asked.push(second)
          return second === 1_200 ? 4 : undefined
        },
        reason: () => "it was time"
      })
    )
    assert.deepStrictEqual(asked, [600, 1_200, 1_800, 2_400, 3_000])
    assert.deepStrictEqual(changes, [{ second: 1_200, from: 2, to: 4, reason: "it was time" }])
    assert.strictEqual(changesPerHour, 1)
    assert.closeTo(podHours, (1_200 * 2 + 2_400 * 4) / 3_600, 1e-9)
  })

  it("counts what was bad of what came, and how busy the ready pods were", () => {
    const keeping = (begins: number) => () => ({ intervalSeconds: 600, begins, decide: () => undefined })
    const enough = run(
      web(() => 200),
      keeping(10)
    )
    assert.closeTo(enough.utilization, 0.5, 0.01)
    assert.isBelow(enough.violations, 0.001)
    assert.isAbove(
      run(
        web(() => 200),
        keeping(3)
      ).violations,
      0.9
    )
  })
})
