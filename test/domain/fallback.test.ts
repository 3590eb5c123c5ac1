import { assert, describe, it } from "vitest"
import { fallBack, noteMissing } from "#domain/fallback"
import { measured, missing } from "#schemas/Reading"
import { policyOf, signalOf } from "#test/domain/policies"

const gone = missing("Timeout", "no answer")
const stale = { _tag: "Stale", value: 1, at: 0, ageMillis: 1, detail: "old" } as const

describe("noteMissing", () => {
  it("notes since when each signal has been away, and forgets when it is back", () => {
    const first = noteMissing(
      {},
      [
        { signal: { name: "a" }, reading: gone },
        { signal: { name: "b" }, reading: stale }
      ],
      10
    )
    assert.deepStrictEqual(first, { a: 10, b: 10 })
    const second = noteMissing(
      first,
      [
        { signal: { name: "a" }, reading: gone },
        { signal: { name: "b" }, reading: measured(1, 20) }
      ],
      20
    )
    assert.deepStrictEqual(second, { a: 10 })
  })

  it("knows a signal by its own name, whatever else every object has of that name", () => {
    const signals = [{ signal: { name: "constructor" }, reading: gone }]
    assert.deepStrictEqual(noteMissing({}, signals, 10), { constructor: 10 } as Record<string, unknown>)
    const policy = policyOf({
      signals: [signalOf({ name: "constructor", onMissing: "Fallback" })],
      fallback: { afterSeconds: 60, replicas: 7 }
    })
    assert.isUndefined(fallBack(policy, {}, 600_000))
  })

  it("counts from now where a clock was set back, so that no fallback is put off", () => {
    assert.deepStrictEqual(noteMissing({ a: 5000 }, [{ signal: { name: "a" }, reading: gone }], 20), { a: 20 })
  })

  it("gives the same object back while nothing changes", () => {
    const before = { a: 10 }
    assert.strictEqual(noteMissing(before, [{ signal: { name: "a" }, reading: gone }], 20), before)
  })
})

describe("fallBack", () => {
  const policy = policyOf({
    signals: [signalOf({ onMissing: "Fallback" }), signalOf({ name: "other", onMissing: "Hold" })],
    fallback: { afterSeconds: 60, replicas: 7 }
  })

  it.each([
    { title: "is silent while nothing is missing", since: {}, at: 1000, want: undefined },
    { title: "is silent until it is time", since: { rps: 0 }, at: 59_999, want: undefined },
    { title: "speaks when it is time", since: { rps: 0 }, at: 60_000, want: 7 },
    { title: "does not speak for a signal that holds", since: { other: 0 }, at: 600_000, want: undefined }
  ])("$title", ({ at, since, want }) => {
    const proposal = fallBack(policy, since, at)
    assert.strictEqual(proposal?.replicas, want)
    if (proposal !== undefined) assert.isTrue(proposal.raiseOnly)
  })

  it("is silent where the policy has none", () => {
    assert.isUndefined(fallBack(policyOf(), { rps: 0 }, 600_000))
  })
})
