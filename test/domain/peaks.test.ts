import { assert, describe, it } from "vitest"
import { addPeak, type Peak, peakSince } from "#domain/peaks"
import { Dice } from "#test/domain/Dice"

describe("peaks", () => {
  it("tell the largest of any while that is kept, as if everything had been kept", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const dice = new Dice(seed)
      const all: Array<Peak> = []
      let peaks: ReadonlyArray<Peak> = []
      for (let at = 0; at < 600_000; at += 5000) {
        const peak = { at, replicas: Math.floor(dice.float() * 20) }
        all.push(peak)
        peaks = addPeak(peaks, peak, 120_000)
        for (const millis of [0, 30_000, 115_000]) {
          const within = all.filter((each) => each.at >= at - millis).map(({ replicas }) => replicas)
          assert.strictEqual(peakSince(peaks, at - millis, 0), Math.max(...within))
        }
      }
    }
  })

  it("keep no more than a bound, and answer the least where there was none", () => {
    let peaks: ReadonlyArray<Peak> = []
    for (let at = 0; at < 200; at++) peaks = addPeak(peaks, { at, replicas: 1000 - at }, 1000)
    assert.isAtMost(peaks.length, 64)
    assert.strictEqual(peakSince([], 0, 3), 3)
  })
})
