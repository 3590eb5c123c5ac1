import { assert, describe, it } from "vitest"
import { type Foresight, judge, keep, NO_FORESIGHT } from "#domain/foresight"
import { Dice } from "#test/domain/Dice"

const AHEAD_SECONDS = 60

/** Demand that is noisy around 100, and a model that always says the same. */
const judged = (said: number, often = 0.9, ticks = 4000): Foresight => {
  const dice = new Dice(8)
  let foresight = NO_FORESIGHT
  for (let tick = 0; tick < ticks; tick++) {
    const at = tick * 5000
    foresight = judge(foresight, at, 100 * Math.exp(0.4 * (dice.float() - 0.5)), often)
    foresight = keep(foresight, { at: at + AHEAD_SECONDS * 1000, value: said }, AHEAD_SECONDS)
  }
  return foresight
}

describe("a forecast", () => {
  it("is judged when its time has come, and not before", () => {
    const kept = keep(NO_FORESIGHT, { at: 60_000, value: 50 }, AHEAD_SECONDS)
    assert.strictEqual(judge(kept, 55_000, 100, 0.9), kept)
    const later = judge(kept, 60_000, 100, 0.9)
    assert.strictEqual(later.judged, 1)
    assert.deepStrictEqual(later.pending, [])
  })

  it("loses by how far it is off, and more by saying too little", () => {
    const right = judged(100).loss
    assert.isAbove(judged(80).loss, right)
    assert.isAbove(judged(125).loss, right)
    assert.isAbove(judged(80).loss, 1.5 * judged(125).loss)
  })

  it("learns the band that holds as often as is wanted", () => {
    // Nine in ten of what is uniform between -0.2 and 0.2 lie below 0.16.
    assert.closeTo(judged(100, 0.9).band, 0.16, 0.06)
    assert.closeTo(judged(100, 0.5).band, 0, 0.06)
    assert.isAbove(judged(50, 0.9).band, 0.6)
  })

  it("stays short and finite", () => {
    const wild = [0, 1e300, 5, 0, 1e-300].reduce((foresight, demand, tick) => {
      const next = judge(foresight, tick * 60_000, demand, 0.99)
      return keep(next, { at: (tick + 1) * 60_000, value: demand }, AHEAD_SECONDS)
    }, NO_FORESIGHT)
    assert.isTrue([wild.loss, wild.band].every(Number.isFinite))
    assert.isAtMost(judged(100).pending.length, 12)
  })
})
