import { assert, describe, it } from "vitest"
import { SourceError } from "#services/SourceError"

describe("a source's failure", () => {
  it("is the Missing of the same reason and the same words", () => {
    const error = new SourceError({ why: "Timeout", detail: "Nobody answered. Wait." })
    assert.deepStrictEqual(error.missing, { _tag: "Missing", why: "Timeout", detail: "Nobody answered. Wait." })
    assert.strictEqual(error.message, "Nobody answered. Wait.")
  })
})
