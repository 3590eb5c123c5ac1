import { assert, describe, it } from "@effect/vitest"
import { HOLE, SeriesStore } from "#cluster/world/SeriesStore"

const EVERY = 5000

/** Scrapes one after the other; `value` undefined: the series is not there. */
const filled = (scrapes: number, scrapesMax: number, value: (scrape: number) => number | undefined) => {
  const store = new SeriesStore({ scrapesMax })
  for (let scrape = 0; scrape < scrapes; scrape++) {
    store.begin(scrape * EVERY)
    const measured = value(scrape)
    if (measured !== undefined) store.measure(store.series("x", { pod: "a" }), measured)
  }
  return store
}

describe("SeriesStore", () => {
  it.each([1, 5, 16, 17, 64, 65, 100, 101, 250])(
    "remembers the newest hundred of %i samples, each at its scrape",
    (count) => {
      const store = filled(count, 100, (scrape) => scrape * 7)
      const [series] = store.named("x")
      for (let scrape = 0; scrape < count; scrape++) {
        const isKept = scrape >= count - 100
        assert.strictEqual(series?.at(scrape), isKept ? scrape * 7 : HOLE, `scrape ${scrape}`)
      }
      assert.strictEqual(series?.at(count), HOLE)
      assert.strictEqual(store.oldest, Math.max(0, count - 100))
    }
  )

  it("keeps the holes of a series that comes and goes, however long they are", () => {
    for (const period of [2, 3, 16, 40, 130]) {
      const isThere = (scrape: number) => Math.floor(scrape / period) % 2 === 0
      const store = filled(300, 100, (scrape) => (isThere(scrape) ? scrape : undefined))
      const [series] = store.named("x")
      for (let scrape = store.oldest; scrape < 300; scrape++) {
        assert.strictEqual(series?.at(scrape) ?? HOLE, isThere(scrape) ? scrape : HOLE, `${period}: ${scrape}`)
      }
    }
  })

  it("finds the last scrape that is not after a moment", () => {
    const store = filled(250, 100, (scrape) => scrape)
    const at = (scrape: number, more = 0) => store.scrapeAt(scrape * EVERY + more)
    assert.deepStrictEqual(
      [at(249), at(249, 1), at(400), at(200, -1), at(150), at(150, -1)],
      [249, 249, 249, 199, 150, undefined]
    )
    assert.strictEqual(new SeriesStore({ scrapesMax: 3 }).scrapeAt(0), undefined)
  })

  it("has one series for one set of labels, in whatever order they come", () => {
    const store = new SeriesStore({ scrapesMax: 10 })
    store.begin(0)
    assert.strictEqual(store.series("x", { a: "1", b: "2" }), store.series("x", { b: "2", a: "1" }))
    assert.notStrictEqual(store.series("x", { a: "1" }), store.series("y", { a: "1" }))
    assert.deepStrictEqual(store.series("x", { a: "1" }).labels, { __name__: "x", a: "1" })
  })

  it("forgets a series when its last sample is forgotten, and says that it did", () => {
    const store = filled(30, 10, (scrape) => (scrape < 5 ? 1 : undefined))
    assert.deepStrictEqual([store.named("x"), store.names], [[], []])
    assert.isAbove(store.epoch, 0)
    store.measure(store.series("x", { pod: "a" }), 3)
    assert.strictEqual(store.named("x")[0]?.at(29), 3)
  })
})
