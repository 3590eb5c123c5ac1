import { assert, describe, it } from "@effect/vitest"
import { kpa } from "#judge/rivals/kpa"
import { run } from "#judge/run"
import { queue, web } from "#test/judge/world"

describe("kpa", () => {
  it("settles where its target of the workers is busy", () => {
    const { course } = run(
      web(() => 400, 1_800),
      kpa(0.7)
    )
    assert.closeTo(course.ready[1_799] ?? 0, 15, 2)
  })

  it("panics within seconds of a jump, and takes nothing back for a minute", () => {
    const { changes } = run(
      web((second) => (second < 600 ? 100 : 800), 900),
      kpa(0.7)
    )
    const ups = changes.filter(({ from, second, to }) => second >= 600 && to > from)
    assert.isBelow(ups[0]?.second ?? 900, 610)
    assert.isTrue(changes.every(({ from, second, to }) => to > from || second < 600 || second > 660))
  })

  it("waits for half a minute of nothing before the last pod goes", () => {
    const load = queue((second) => (second < 300 ? 5 : 0), 900, { minReplicas: 0 })
    const gone = run(load, kpa(0.7)).changes.find(({ to }) => to === 0)
    assert.isAtLeast(gone?.second ?? 0, 330)
    assert.isAtMost(gone?.second ?? 0, 420)
  })

  it("does nothing while it hears nothing", () => {
    const lost = { share: 0, blackouts: [{ fromSeconds: 200, seconds: 500 }] }
    const { changes } = run(
      web(() => 400, 700, { lost }),
      kpa(0.7)
    )
    assert.isTrue(changes.every(({ second }) => second <= 200))
  })
})
