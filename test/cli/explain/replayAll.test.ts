import { assert, describe, it } from "vitest"
import { replayAll } from "#cli/explain/replayAll"
import { makeRecord, policyOf, refOf } from "#test/operator/records"

const record = makeRecord({ uid: "web", id: "web.1", at: 1, outcome: { _tag: "Unchanged" } })

describe("the replay of records", () => {
  it("takes the policy of each record's own generation, and says when it is not held", () => {
    const edited = policyOf("web", { ref: refOf("web", { generation: 2 }) })
    const tag = (...policies: Parameters<typeof replayAll>[0]) => replayAll(policies, [record]).get("web.1")?._tag
    // The record is made up, so making it again gives something else.
    assert.strictEqual(tag(edited, policyOf("web")), "Different")
    assert.deepStrictEqual(replayAll([edited], [record]).get("web.1"), {
      _tag: "NotReplayable",
      why: "it was decided by generation 1 of the policy, and only generation 2 is held"
    })
    assert.deepStrictEqual(replayAll([policyOf("api")], [record]).get("web.1"), {
      _tag: "NotReplayable",
      why: "the policy that decided it is not held"
    })
  })

  it("cannot be with engines of another version", () => {
    const strange = policyOf("web", { engines: [{ engine: "oracle", options: {} }] })
    const verdict = replayAll([strange], [record]).get("web.1")
    assert.strictEqual(verdict?._tag, "NotReplayable")
    assert.include(JSON.stringify(verdict), "There is no engine")
  })
})
