import { assert, describe, it } from "vitest"
import { Progress } from "#services/kafkaProgress"

const offsets = (...committed: ReadonlyArray<bigint | undefined>) =>
  committed.map((one, partition) => ({ topic: "jobs", partition, committed: one, earliest: 0n, latest: 100n }))

const told = (progress: Progress, question: string, at: number, ...committed: ReadonlyArray<bigint | undefined>) =>
  progress.note(question, offsets(...committed), at).map(({ hasMoved, standsSince }) => [standsSince, hasMoved])

describe("the progress of a group", () => {
  it("is since when a commit stands, and whether it was seen to arrive", () => {
    const progress = new Progress()
    assert.deepStrictEqual(told(progress, "q", 10, 1n, 5n, undefined), [
      [10, false],
      [10, false],
      [10, false]
    ])
    assert.deepStrictEqual(told(progress, "q", 20, 2n, 5n, 0n), [
      [20, true],
      [10, false],
      [20, true]
    ])
    assert.deepStrictEqual(told(progress, "q", 30, 2n, 5n, 0n), [
      [20, true],
      [10, false],
      [20, true]
    ])
  })

  it("is kept apart for each question", () => {
    const progress = new Progress()
    told(progress, "a", 10, 1n)
    assert.deepStrictEqual(told(progress, "b", 20, 1n), [[20, false]])
  })

  it("forgets who was not asked for longest when there is too much to remember", () => {
    const progress = new Progress()
    const many = Array.from({ length: 60_000 }, () => 1n)
    told(progress, "old", 10, ...many)
    told(progress, "new", 20, ...many)
    assert.deepStrictEqual(told(progress, "new", 30, 1n), [[20, false]])
    assert.deepStrictEqual(told(progress, "old", 40, 1n), [[40, false]])
  })
})
