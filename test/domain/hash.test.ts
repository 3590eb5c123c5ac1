import { assert, describe, it } from "vitest"
import { hashOf } from "#domain/hash"

describe("hashOf", () => {
  it("does not care in which order keys were written, nor about what is undefined", () => {
    assert.strictEqual(hashOf({ a: 1, b: [{ c: 2, d: null }] }), hashOf({ b: [{ d: null, c: 2, e: undefined }], a: 1 }))
  })

  it("tells values apart that differ anywhere", () => {
    const values = [{}, [], null, "", 0, "0", { a: 1 }, { a: 2 }, { b: 1 }, [1, 2], [2, 1], [[1], 2], { a: { b: 1 } }]
    assert.strictEqual(new Set(values.map(hashOf)).size, values.length)
  })

  it("is sixteen hexadecimal digits", () => {
    assert.match(hashOf({ any: "thing" }), /^[0-9a-f]{16}$/u)
  })
})
