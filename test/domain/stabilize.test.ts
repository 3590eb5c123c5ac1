import { assert, describe, it } from "vitest"
import { record, stabilize, windowsOf } from "#domain/stabilize"
import type { Recommendation } from "#schemas/Memory"
import type { Rates } from "#schemas/Policy"
import { Dice } from "#test/domain/Dice"
import { hpaRates, limitsOf, memoryOf, policyOf, situationOf } from "#test/domain/policies"

const windows = (upSeconds: number, downSeconds: number): Rates => ({ _tag: "Windows", upSeconds, downSeconds })
const after = (
  value: number,
  at: number,
  recommendations: ReadonlyArray<Recommendation>,
  rates: Rates,
  held = false
) => {
  const policy = policyOf({ limits: limitsOf({ rates }) })
  const memory = memoryOf(policy, { recommendations })
  return stabilize(value, situationOf({ policy, memory, at, current: 10, held }))?.after ?? value
}

describe("stabilize", () => {
  const high = [{ at: 0, replicas: 12 }]
  const low = [{ at: 0, replicas: 7 }]
  it.each([
    {
      title: "down waits for what was higher, but never raises",
      got: after(5, 59_999, high, windows(0, 60)),
      want: 10
    },
    {
      title: "down goes on when that is exactly as old as the window",
      got: after(5, 60_000, high, windows(0, 60)),
      want: 5
    },
    {
      title: "without behavior what is exactly as old still counts",
      got: after(5, 60_000, high, { _tag: "Absent", downSeconds: 60 }),
      want: 12
    },
    {
      title: "without behavior a higher past even raises",
      got: after(9, 1, high, { _tag: "Absent", downSeconds: 60 }),
      want: 12
    },
    { title: "up waits for what was lower, but never lowers", got: after(15, 59_999, low, windows(60, 0)), want: 10 },
    {
      title: "up goes on when that is exactly as old as the window",
      got: after(15, 60_000, low, windows(60, 0)),
      want: 15
    },
    { title: "up goes as far as the lowest", got: after(15, 1, [{ at: 0, replicas: 13 }], windows(60, 0)), want: 13 },
    { title: "a held tick is not stabilized", got: after(5, 1, high, windows(0, 60), true), want: 5 }
  ])("$title", ({ got, want }) => {
    assert.strictEqual(got, want)
  })
})

describe("record", () => {
  it("forgets what is outlived in both windows", () => {
    const rates = windows(60, 60)
    let kept: ReadonlyArray<Recommendation> = []
    for (const [index, replicas] of [5, 9, 2, 6].entries()) kept = record(kept, replicas, index * 1000, rates)
    // 5 can be neither the highest nor the lowest any more.
    assert.deepStrictEqual(
      kept.map(({ replicas }) => replicas),
      [9, 2, 6]
    )
  })

  it("never changes what a window of any later time says, against keeping everything", () => {
    for (let seed = 1; seed <= 300; seed++) {
      const dice = new Dice(seed)
      const rates = dice.of<Rates>([
        hpaRates({ stabilizationSeconds: 60 }),
        windows(0, 120),
        windows(90, 30),
        { _tag: "Absent", downSeconds: 60 }
      ])
      let kept: ReadonlyArray<Recommendation> = []
      const all: Array<Recommendation> = []
      let at = 0
      for (let tick = 0; tick < 60; tick++) {
        at += dice.of([0, 1000, 15_000, 30_000])
        const value = dice.int(1, 20)
        assert.strictEqual(after(value, at, kept, rates), after(value, at, all, rates), `seed ${seed} tick ${tick}`)
        kept = record(kept, value, at, rates)
        all.push({ at, replicas: value })
        assert.deepStrictEqual(
          kept,
          kept.toSorted((left, right) => left.at - right.at)
        )
      }
    }
  })

  it("stays in order of time even when a clock is set back", () => {
    const kept = record([{ at: 5000, replicas: 3 }], 5, 4000, windows(0, 60))
    assert.deepStrictEqual(kept, [
      { at: 4000, replicas: 5 },
      { at: 5000, replicas: 3 }
    ])
  })

  it("keeps nothing for an upward window that is not there", () => {
    const kept = record([{ at: 0, replicas: 3 }], 5, 1, windows(0, 60))
    assert.deepStrictEqual(kept, [{ at: 1, replicas: 5 }])
  })
})

describe("windowsOf", () => {
  it("reads the behavior's windows", () => {
    assert.deepStrictEqual(windowsOf(hpaRates()), { upMillis: 0, downMillis: 300_000, legacy: false })
  })
})
