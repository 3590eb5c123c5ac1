import { assert, describe, it } from "vitest"
import { expectedJump, type Jump, noticeJump } from "#domain/habits"
import type { Amount } from "#schemas/Demand"
import { Dice } from "#test/domain/Dice"

const HOUR = 3_600_000
const jump = (hours: number, factor = 3): Jump => ({ at: hours * HOUR, factor })

/** Everything that is noticed on the way, at a measurement each five seconds. */
const noticed = (values: ReadonlyArray<number>): ReadonlyArray<Jump> => {
  let jumps: ReadonlyArray<Jump> = []
  const seen: Array<Amount> = []
  values.forEach((value, tick) => {
    seen.push({ at: tick * 5000, value })
    jumps = noticeJump(jumps, seen.slice(-49), 40)
  })
  return jumps
}

const level = (value: number, count: number) => Array.from({ length: count }, () => value)

describe("a jump", () => {
  it("is noticed once, about when it began, at the size that it reached", () => {
    const [first, ...others] = noticed([...level(100, 60), ...level(300, 60), ...level(100, 60)])
    assert.deepStrictEqual(others, [])
    assert.closeTo(first?.at ?? 0, 300_000, 20_000)
    assert.closeTo(first?.factor ?? 0, 3, 0.3)
  })

  it("is none where demand is rough, creeps, or is too little to matter", () => {
    const dice = new Dice(5)
    assert.deepStrictEqual(noticed(level(0, 400).map(() => 100 * (0.7 + 0.6 * dice.float()))), [])
    assert.deepStrictEqual(noticed(level(0, 400).map((_, tick) => 100 * 1.01 ** tick)), [])
    assert.deepStrictEqual(noticed([...level(10, 60), ...level(39, 60)]), [])
  })

  it("is expected after two at the same distance, by a clock's measure, and as large as the smaller of them", () => {
    assert.strictEqual(expectedJump([jump(1), jump(2, 2)], 3 * HOUR - 60_000, 90), 2)
    assert.strictEqual(expectedJump([jump(1), jump(25)], 49 * HOUR + 20_000, 10), 3)
    assert.strictEqual(expectedJump([jump(1)], 2 * HOUR, 90), 1)
    assert.strictEqual(expectedJump([jump(1), jump(2.4)], 3.8 * HOUR, 90), 1)
    assert.strictEqual(expectedJump([], 0, 90), 1)
  })

  it("is expected neither too early, nor when it has come, nor after it has stayed away", () => {
    const jumps = [jump(1), jump(2)]
    assert.strictEqual(expectedJump(jumps, 3 * HOUR - 100_000, 90), 1)
    assert.strictEqual(expectedJump([...jumps, jump(3)], 3 * HOUR + 20_000, 90), 1)
    assert.strictEqual(expectedJump(jumps, 3 * HOUR + 40_000, 90), 1)
    assert.strictEqual(expectedJump(jumps, 4 * HOUR, 90), 1)
  })

  it("is remembered with the newest, however many there are", () => {
    const jumps = noticed(Array.from({ length: 100 }, () => [...level(100, 40), ...level(400, 40)]).flat())
    assert.strictEqual(jumps.length, 48)
    assert.isTrue(jumps.every(({ factor }) => factor > 1 && factor <= 5))
  })
})
