import { assert, describe, it } from "vitest"
import { Place, Rhythm } from "#operator/Rhythm"

const NOW = Date.UTC(2026, 10, 21)
const INTERVAL = 15_000

describe("the rhythm", () => {
  it("lets those who ask the same tick together, and spreads the others over the interval", () => {
    const rhythm = new Rhythm()
    const places = Array.from({ length: 1000 }, (_, at) => new Place(rhythm, `question ${at % 50}`))
    const ticks = places.map((place) => place.next(NOW, INTERVAL) % INTERVAL)
    assert.strictEqual(new Set(ticks).size, 50)
    for (const [at, tick] of ticks.entries()) assert.strictEqual(tick, ticks[at % 50])
    const thirds = [0, 0, 0]
    for (const tick of new Set(ticks)) thirds[Math.floor((3 * tick) / INTERVAL)]! += 1
    for (const third of thirds) assert.isAbove(third, 5)
  })

  it("parts a crowd that would be late by itself, and lets nobody alone for it", () => {
    const rhythm = new Rhythm()
    const counts = new Map<number, number>()
    for (let at = 0; at < 10_000; at++) {
      const tick = new Place(rhythm, "the only question").next(NOW, INTERVAL)
      counts.set(tick, (counts.get(tick) ?? 0) + 1)
    }
    assert.strictEqual(counts.size, Math.ceil(10_000 / 256))
    assert.strictEqual(Math.max(...counts.values()), 256)
    const ticks = [...counts.keys()].toSorted((one, other) => one - other)
    const gaps = ticks.slice(1).map((tick, at) => tick - ticks[at]!)
    // Of 375 ms on average: most of 256 ticks are done before the next ones are due.
    assert.isAbove(Math.min(...gaps), 150)
  })

  it("is the same in another operator, and keeps its distance and its pace", () => {
    const one = new Place(new Rhythm(), "a")
    const other = new Place(new Rhythm(), "a")
    let now = NOW
    for (let tick = 0; tick < 100; tick++) {
      const next = one.next(now, INTERVAL)
      assert.strictEqual(other.next(now, INTERVAL), next)
      assert.isAtLeast(next - now, INTERVAL / 2)
      assert.isAtMost(next - now, 1.5 * INTERVAL + 1)
      if (tick > 0) assert.strictEqual(next - now, INTERVAL)
      now = next
    }
    // A tick that comes late does not move those after it; one that comes far too late is not made up for.
    const due = one.next(now, INTERVAL)
    assert.strictEqual(one.next(due + INTERVAL / 3, INTERVAL), due + INTERVAL)
    assert.strictEqual(one.next(due + 4 * INTERVAL, INTERVAL), due + 5 * INTERVAL)
  })

  it("goes along with a change of the question, and forgets who has left", () => {
    const rhythm = new Rhythm()
    const place = new Place(rhythm, "a")
    const other = new Place(rhythm, "b")
    place.move("b")
    assert.strictEqual(place.next(NOW, INTERVAL), other.next(NOW, INTERVAL))
    assert.strictEqual(rhythm.size, 1)
    place.leave()
    other.leave()
    assert.strictEqual(rhythm.size, 0)
  })
})
