import { Clock, Effect } from "effect"
import { assert, describe } from "vitest"
import { restartPolicy } from "#operator/restart"
import { simulated } from "#test/simulation/inSimulation"

const LIMITS = { baseMillis: 500, capMillis: 8_000, healthyAfterMillis: 60_000 }

/** The pauses after runs that take so long each, then fail. */
const pausesAfter = (runs: ReadonlyArray<number>) =>
  Effect.gen(function* () {
    const pauses: Array<number> = []
    let failedAt: number | undefined
    let run = 0
    const work = Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      if (failedAt !== undefined) pauses.push(now - failedAt)
      const takes = runs[run++]
      if (takes === undefined) return
      yield* Effect.sleep(takes)
      failedAt = yield* Clock.currentTimeMillis
      return yield* Effect.fail("crashed")
    })
    yield* Effect.retry(work, restartPolicy(LIMITS))
    return pauses
  })

const near = (pauses: ReadonlyArray<number>, want: ReadonlyArray<number>) => {
  assert.strictEqual(pauses.length, want.length)
  want.forEach((pause, index) => {
    assert.isAtLeast(pauses[index] ?? 0, pause * 0.8 - 1)
    assert.isAtMost(pauses[index] ?? Infinity, pause * 1.2 + 1)
  })
}

describe("restartPolicy", () => {
  simulated(
    "waits twice as long after each crash in a row, up to the cap, and never twice the same",
    Effect.gen(function* () {
      const pauses = yield* pausesAfter([1, 1, 1, 1, 1, 1, 1])
      near(pauses, [500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000])
      assert.strictEqual(new Set(pauses.slice(4)).size, 3)
    }),
    { seeds: 20 }
  )

  simulated(
    "begins anew after a healthy minute, and not a moment earlier",
    Effect.gen(function* () {
      near(yield* pausesAfter([1, 1, 1, 61_000, 1]), [500, 1_000, 2_000, 500, 1_000])
      near(yield* pausesAfter([1, 1, 1, 50_000, 1]), [500, 1_000, 2_000, 4_000, 8_000])
    }),
    { seeds: 20 }
  )
})
