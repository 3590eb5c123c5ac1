import { assert, describe, it } from "vitest"
import { afterCrash, type Streak } from "#operator/restart"

const LIMITS = { baseMillis: 500, capMillis: 8_000, healthyAfterMillis: 60_000 }

/** The pauses after runs that take so long each, then crash. */
const pausesAfter = (runs: ReadonlyArray<number>, chance: number): ReadonlyArray<number> => {
  let streak: Streak | undefined
  let now = 0
  return runs.map((run) => {
    now += run
    streak = afterCrash(streak, now, chance, LIMITS)
    const pause = streak.runsFrom - now
    now = streak.runsFrom
    return pause
  })
}

describe("restart", () => {
  it("waits twice as long after each crash in a row, up to the cap", () => {
    const runs = [1, 1, 1, 1, 1, 1, 1]
    assert.deepStrictEqual(pausesAfter(runs, 0.5), [500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000])
  })

  it("spreads a crowd over a fifth in either direction", () => {
    assert.deepStrictEqual(pausesAfter([1, 1], 0), [400, 800])
    assert.deepStrictEqual(pausesAfter([1, 1], 1), [600, 1_200])
  })

  it("begins anew after a healthy minute, and not a moment earlier", () => {
    assert.deepStrictEqual(pausesAfter([1, 1, 60_000, 1], 0.5), [500, 1_000, 500, 1_000])
    assert.deepStrictEqual(pausesAfter([1, 1, 59_999, 1], 0.5), [500, 1_000, 2_000, 4_000])
  })

  it("stays at the cap however long it goes on", () => {
    const pauses = pausesAfter(
      Array.from({ length: 5_000 }, () => 1),
      1
    )
    assert.strictEqual(pauses.at(-1), 9_600)
  })
})
