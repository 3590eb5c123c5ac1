import { assert, describe, it } from "vitest"
import { Ownership } from "#operator/Ownership"
import { deployment, refOf } from "#test/operator/records"

const web = deployment("web")
const older = refOf("z-older", { createdAt: 1 })
const younger = refOf("a-younger", { createdAt: 2 })

describe("Ownership", () => {
  it("gives a target to the oldest policy, whoever came first", () => {
    const ownership = new Ownership()
    assert.deepStrictEqual([...ownership.claim(younger, [web])], [])
    assert.strictEqual(ownership.ownerOf(web)?.uid, younger.uid)
    assert.deepStrictEqual([...ownership.claim(older, [web])], [younger.uid])
    assert.strictEqual(ownership.ownerOf(web)?.uid, older.uid)
  })

  it("gives it to the smaller uid among equals", () => {
    const ownership = new Ownership()
    ownership.claim(refOf("b"), [web])
    ownership.claim(refOf("a"), [web])
    assert.strictEqual(ownership.ownerOf(web)?.uid, "a")
  })

  it("passes a target on when its owner lets it go, and tells the heir", () => {
    const ownership = new Ownership()
    ownership.claim(older, [web])
    ownership.claim(younger, [web])
    assert.deepStrictEqual([...ownership.claim(older, [deployment("api")])], [younger.uid])
    assert.strictEqual(ownership.ownerOf(web)?.uid, younger.uid)
    ownership.claim(older, [web])
    assert.deepStrictEqual([...ownership.release(older.uid)], [younger.uid])
    assert.deepStrictEqual([...ownership.release(younger.uid)], [])
    assert.isUndefined(ownership.ownerOf(web))
  })

  it("takes two versions of one API for the same target", () => {
    const ownership = new Ownership()
    ownership.claim(older, [{ ...web, apiVersion: "apps/v1" }])
    ownership.claim(younger, [{ ...web, apiVersion: "apps/v1beta2" }])
    assert.strictEqual(ownership.ownerOf({ ...web, apiVersion: "apps/v1beta2" })?.uid, older.uid)
    assert.deepStrictEqual(
      ownership.claimants(web).map(({ uid }) => uid),
      [older.uid, younger.uid]
    )
  })
})
