import { assert, describe, it } from "vitest"
import { type Counted, learnStartup, UNKNOWN_STARTUP } from "#domain/startup"
import type { Startup } from "#schemas/Startup"
import { Dice } from "#test/domain/Dice"

const learned = (counts: ReadonlyArray<Counted>): Startup => counts.reduce(learnStartup, UNKNOWN_STARTUP)

/** Somebody scales up and down at random, and each pod takes its time. */
const world = (seed: number, meanSeconds: number): Startup => {
  const dice = new Dice(seed)
  let startup = UNKNOWN_STARTUP
  let ready = 4
  let starting: ReadonlyArray<number> = []
  for (let at = 0; at < 7_200_000; at += 5000) {
    ready += starting.filter((due) => due <= at).length
    starting = starting.filter((due) => due > at)
    startup = learnStartup(startup, { at, ready, pods: ready + starting.length })
    if (dice.chance(0.02)) {
      const more = Array.from({ length: 1 + Math.floor(4 * dice.float()) }, () => 0.7 + 0.6 * dice.float())
      starting = [...starting, ...more.map((share) => at + share * meanSeconds * 1000)]
    }
    // What has not started goes first, as a ReplicaSet has it.
    if (dice.chance(0.01))
      [starting, ready] = starting.length > 0 ? [starting.slice(0, -1), ready] : [starting, Math.max(1, ready - 2)]
  }
  return startup
}

describe("the start-up time", () => {
  it.each([5, 30, 90, 180])("of %i s is found within a fifth, or one look, from the counts alone", (seconds) => {
    for (let seed = 1; seed <= 10; seed++) {
      assert.closeTo(world(seed, seconds).seconds, seconds, Math.max(5, seconds * 0.2), `seed ${seed}`)
    }
  })

  it("is the usual one until a pod has started", () => {
    const counts = [0, 5000, 10_000].map((at) => ({ at, pods: 6, ready: 4 }))
    assert.strictEqual(learned(counts).seconds, UNKNOWN_STARTUP.seconds)
    assert.strictEqual(learned(counts).samples, 0)
  })

  it("is not learned of a pod that served, stopped and serves again", () => {
    const at = (seconds: number, pods: number, ready: number) => ({ at: seconds * 1000, pods, ready })
    assert.strictEqual(learned([at(0, 4, 4), at(5, 4, 2), at(200, 4, 4)]).samples, 0)
  })

  it("forgets pods that were taken back before they served", () => {
    const at = (seconds: number, pods: number, ready: number) => ({ at: seconds * 1000, pods, ready })
    const startup = learned([at(0, 4, 4), at(5, 8, 4), at(20, 4, 4), at(300, 5, 4), at(340, 5, 5)])
    assert.strictEqual(startup.seconds, 40)
    assert.deepStrictEqual(startup.awaited, [])
  })

  it("stays short and finite, whatever is counted", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const dice = new Dice(seed)
      const counts = Array.from({ length: 200 }, (_, tick) => ({
        at: tick * 5000,
        pods: Math.floor(1000 * dice.float()),
        ready: Math.floor(1000 * dice.float())
      }))
      const startup = learned(counts)
      assert.isAtMost(startup.awaited.length, 24)
      assert.isTrue(Number.isFinite(startup.seconds) && startup.seconds > 0)
      assert.isTrue(startup.awaited.every(({ pods }) => pods > 0))
    }
  })
})
