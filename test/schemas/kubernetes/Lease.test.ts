import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { assert, describe, it } from "vitest"
import { Lease } from "#schemas/kubernetes/Lease"

const decode = Schema.decodeUnknownOption(Lease)
const metadata = { name: "a", namespace: "b", resourceVersion: "1" }

describe("a Lease on the wire", () => {
  it("may be empty, given back, or hold nulls", () => {
    for (const spec of [undefined, {}, { holderIdentity: "" }, { holderIdentity: null, renewTime: null }]) {
      assert.isTrue(Option.isSome(decode({ metadata, ...(spec === undefined ? {} : { spec }) })))
    }
  })

  it("is none without a version, which every write needs", () => {
    assert.isTrue(Option.isNone(decode({ metadata: { name: "a", namespace: "b" } })))
  })
})
