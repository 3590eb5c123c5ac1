import { assert, describe, it } from "@effect/vitest"
import { clock, episodesOf, tell } from "#judge/episodes"
import { run } from "#judge/run"
import type { MakeRival } from "#judge/Rival"
import { web } from "#test/judge/world"

const keeping =
  (begins: number, at?: { readonly second: number; readonly replicas: number }): MakeRival =>
  () => ({
    intervalSeconds: 5,
    begins,
    decide: ({ second }) => (second === at?.second ? at.replicas : undefined),
    reason: () => "it saw more"
  })

/** Two surges, the second of them the longer. */
const load = web((second) => ((second >= 300 && second < 360) || (second >= 900 && second < 1_100) ? 800 : 200))

describe("episodes", () => {
  it("are the times in which answers were bad, the worst first", () => {
    const [first, second, ...rest] = episodesOf(load, run(load, keeping(10)), undefined, 9)
    assert.deepStrictEqual(rest, [])
    assert.deepStrictEqual([first?.fromSecond, second?.fromSecond], [900, 300])
    assert.isAtLeast(first?.toSecond ?? 0, 1_100)
    assert.closeTo((first?.share ?? 0) + (second?.share ?? 0), 1, 0.02)
    assert.strictEqual(episodesOf(load, run(load, keeping(10)), undefined, 1).length, 1)
  })

  it("say what was short, when more was ordered, and why", () => {
    const own = run(load, keeping(10, { second: 920, replicas: 30 }))
    const [worst] = episodesOf(load, own, run(load, keeping(25)), 1)
    if (worst === undefined) throw new Error("no episode")
    assert.deepStrictEqual([worst.ready, worst.need, worst.orderedAfterSeconds], [10, 25, 20])
    assert.deepStrictEqual(worst.reasons, ["0:15:20 10 to 30: it saw more"])
    assert.match(
      tell(worst),
      /^0:15:00, for .+: \d+ % of its bad answers; 10 pods ready where 25 would have been; more were ordered after 20 s$/u
    )
  })

  it("are none where nothing was bad", () => {
    assert.deepStrictEqual(episodesOf(load, run(load, keeping(40)), undefined, 3), [])
  })

  it("are told as people say it", () => {
    const episode = {
      fromSecond: 0,
      toSecond: 30,
      bad: 9,
      share: 0.004,
      ready: 1,
      need: 2,
      orderedAfterSeconds: 0,
      reasons: []
    }
    assert.strictEqual(
      tell(episode),
      "0:00:00, for 30 s: less than 1 % of its bad answers; 1 pod ready where 2 would have been; more were ordered at once"
    )
  })

  it("have times that people read", () => {
    assert.deepStrictEqual([0, 61, 3_725, 360_000].map(clock), ["0:00:00", "0:01:01", "1:02:05", "100:00:00"])
  })
})
