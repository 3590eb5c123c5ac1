import { assert, describe, it } from "@effect/vitest"
import { hpa } from "#judge/rivals/hpa"
import { run } from "#judge/run"
import { doubling, web } from "#test/judge/world"

describe("hpa", () => {
  it("settles where pods are used by its target, give or take its tolerance", () => {
    for (const target of [0.5, 0.8]) {
      const { course } = run(
        web(() => 400, 3_600),
        hpa(target)
      )
      assert.closeTo(400 / 40 / (course.ready[3_599] ?? 0), target, 0.11 * target)
    }
  })

  it("at most doubles at once, and needs minutes for what it cannot see above 100 %", () => {
    const { changes } = run(
      web((second) => (second < 300 ? 100 : 1_000), 1_200),
      hpa(0.7)
    )
    const ups = changes.filter(({ second }) => second >= 300)
    for (const { from, to } of ups) assert.isAtMost(to, Math.max(2 * from, 4))
    assert.isAbove(ups.length, 2)
  })

  it("goes down only after 300 s", () => {
    const load = web((second) => (second < 600 ? 400 : 100), 1_800)
    const first = run(load, hpa(0.7)).changes.find(({ from, to }) => to < from)
    assert.isAtLeast(first?.second ?? 0, 870)
    assert.isAtMost(first?.second ?? 0, 960)
  })

  it("keeps what is while nothing was measured", () => {
    const lost = { share: 0, blackouts: [{ fromSeconds: 300, seconds: 900 }] }
    const { changes } = run(web(doubling(200, 400), 1_100, { lost }), hpa(0.7))
    assert.deepStrictEqual(
      changes.filter(({ second }) => second > 315),
      []
    )
  })
})
