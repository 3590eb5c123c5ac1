import { Result } from "effect"
import { assert, describe, it } from "vitest"
import { parse } from "yaml"
import { learnedBy } from "#cli/explain/learned"
import { importTable } from "#domain/qlearningTable"
import { makeRecord } from "#test/operator/records"

const TABLE = { "c1m-t1r0": "-1:-0.2:4 0:-0.1:9", c10m2t0r4: "3:-0.5:3" }

const recordAt = (at: number, engines: Readonly<Record<string, unknown>>) => {
  const record = makeRecord({ uid: "web", id: String(at), at, outcome: { _tag: "Unchanged" } })
  return { ...record, memory: { ...record.memory, engines } }
}

describe("what was learned", () => {
  it("is a patch of the policy that begins with the newest table", () => {
    const patch = Result.getOrThrow(learnedBy([recordAt(2, { qlearning: { table: TABLE } }), recordAt(1, {})]))
    const { spec } = parse(patch) as {
      readonly spec: { readonly aiConfig: { readonly qLearning: { readonly learned: string } } }
    }
    assert.deepStrictEqual(importTable(spec.aiConfig.qLearning.learned), TABLE)
  })

  it("is nothing where nothing has been learned", () => {
    assert.isTrue(Result.isFailure(learnedBy([])))
  })
})
