// Counted in turns of the real event loop, never in time: each answer may be parsed in a turn of its own.
import { assert, describe, it } from "vitest"
import { Turns } from "#services/turns"

/** Numbers the turns of the event loop. */
const countTurns = () => {
  let now = 0
  let immediate = setImmediate(function next() {
    now += 1
    immediate = setImmediate(next)
  })
  return { now: () => now, stop: () => clearImmediate(immediate) }
}

const never = new AbortController().signal

describe("large answers", () => {
  it("that are all there at once are parsed in a turn each", async () => {
    const turns = new Turns()
    const count = countTurns()
    const parsed: Array<number> = []
    await Promise.all(
      Array.from({ length: 20 }, async (_, at) => {
        await turns.take(`http://server-${at % 3}`, 2_000, never)
        parsed.push(count.now())
      })
    )
    count.stop()
    assert.strictEqual(new Set(parsed).size, 20)
  })

  it("of one server wait for each other, and for those of other servers only once", async () => {
    const turns = new Turns()
    const order: Array<string> = []
    const take = async (lane: string) => {
      await turns.take(lane, 1_000, never)
      order.push(lane)
    }
    const flood = Array.from({ length: 10 }, () => take("flood"))
    const others = ["a", "b", "a"].map(take)
    await Promise.all([...flood, ...others])
    assert.deepStrictEqual(order.slice(0, 6), ["flood", "flood", "a", "b", "flood", "a"])
    assert.strictEqual(order.length, 13)
  })

  it("that nobody waits for any more give their turn away, and are told so", async () => {
    const turns = new Turns()
    const gone = new AbortController()
    const first = turns.take("server", 1_000, never)
    const left = turns.take("server", 1_000, gone.signal)
    const last = turns.take("server", 1_000, never)
    gone.abort()
    const outcomes = await Promise.allSettled([first, left, last])
    assert.deepStrictEqual(
      outcomes.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled"]
    )
    await turns.take("server", 1_000, never)
    const aborted = await turns.take("server", 1_000, gone.signal).then(
      () => "taken",
      () => "refused"
    )
    assert.strictEqual(aborted, "refused")
  })
})
