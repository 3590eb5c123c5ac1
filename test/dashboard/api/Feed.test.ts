import { assert, describe, it } from "vitest"
import { Feed } from "#dashboard/api/Feed"
import { rowOf } from "#dashboard/api/fleet"
import type { PolicyView } from "#operator/Ledger"
import { view } from "#test/dashboard/pages"

const look = (feed: Feed, views: ReadonlyArray<PolicyView>) => {
  const rows = views.filter((each) => !feed.knows(each)).map((each) => [each.ref.uid, rowOf(each, [])] as const)
  feed.look(new Map(views.map((each) => [each.ref.uid, each])), new Map(rows))
}

const names = (since: ReturnType<Feed["since"]>) => since?.rows.map(({ name }) => name)

describe("the feed", () => {
  it("tells a reader what has changed since it last heard, and nothing twice", () => {
    const feed = new Feed("boot")
    const [a, b] = [view("a"), view("b")]
    look(feed, [a, b])
    const first = feed.cursor
    assert.deepStrictEqual(names(feed.since(first)), [])
    look(feed, [a, { ...b, at: 5 }])
    assert.deepStrictEqual(names(feed.since(first)), ["b"])
    look(feed, [a, { ...b, at: 6 }])
    assert.deepStrictEqual(names(feed.since(first)), ["b"], "a slow reader hears of the last state only")
    assert.deepStrictEqual(names(feed.since(feed.cursor)), [])
  })

  it("tells who is gone, unless it has come back", () => {
    const feed = new Feed("boot")
    look(feed, [view("a"), view("b")])
    const before = feed.cursor
    look(feed, [view("a")])
    assert.deepStrictEqual(feed.since(before)?.gone, ["b"])
    look(feed, [view("a"), view("b")])
    assert.deepStrictEqual(feed.since(before)?.gone, [])
    assert.include(names(feed.since(before)) ?? [], "b")
  })

  it("sends a reader of another operator, of the future or of nonsense back to the beginning", () => {
    const feed = new Feed("boot")
    look(feed, [view("a")])
    for (const cursor of ["other-1", "boot-99", "boot-", "", "boot--1", "boot-1e3", "boot-1.5"]) {
      assert.isUndefined(feed.since(cursor), cursor)
    }
    assert.isDefined(feed.since("boot-0"))
  })

  it("forgets deletions that are too many, and then begins anew with whoever missed them", () => {
    const feed = new Feed("boot")
    const all = Array.from({ length: 1_500 }, (_, index) => view(`p${index}`))
    look(feed, all)
    const before = feed.cursor
    look(feed, [])
    assert.isUndefined(feed.since(before))
    assert.deepStrictEqual(feed.since(feed.cursor)?.gone, [])
  })
})
