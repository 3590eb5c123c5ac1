import { assert, describe, it } from "vitest"
import { chapters, isOf } from "#cli/explain/select"
import type { DecisionRecord } from "#schemas/Decision"
import { deployment, makeRecord } from "#test/operator/records"

const record = (target: string, at: number): DecisionRecord => {
  const made = makeRecord({ uid: "web", id: `${target}.${at}`, at, outcome: { _tag: "Unchanged" } })
  return { ...made, observation: { ...made.observation, target: deployment(target) } }
}

// Newest first, as the operator gives them.
const records = [record("a", 30), record("b", 25), record("a", 20), record("b", 15), record("a", 10)]
const ids = (chosen: ReturnType<typeof chapters>) => chosen.map(({ told }) => told.map(({ id }) => id))

describe("the choice of decisions", () => {
  it("takes the last of each target, oldest first", () => {
    assert.deepStrictEqual(ids(chapters(records, { _tag: "Last", count: 2 })), [
      ["a.20", "a.30"],
      ["b.15", "b.25"]
    ])
    assert.strictEqual(chapters(records, { _tag: "Last", count: 1 })[0]?.held.length, 3)
  })

  it.each([
    { at: 20, want: [["a.20"], ["b.15"]] },
    { at: 24, want: [["a.20"], ["b.15"]] },
    { at: 12, want: [["a.10"]] },
    { at: 9, want: [] },
    { at: 1_000, want: [["a.30"], ["b.25"]] }
  ])("takes the one of each target that held at $at", ({ at, want }) => {
    assert.deepStrictEqual(ids(chapters(records, { _tag: "At", at })), want)
  })

  it("knows one policy from another", () => {
    const one = record("a", 1)
    const asked = { kind: "ScalingPolicy", namespace: undefined, name: "web" }
    assert.isTrue(isOf(asked, one))
    assert.isTrue(isOf({ ...asked, namespace: "shop" }, one))
    assert.isFalse(isOf({ ...asked, namespace: "other" }, one))
    assert.isFalse(isOf({ ...asked, kind: "ScalingRule" }, one))
    assert.isFalse(isOf({ ...asked, name: "api" }, one))
  })
})
