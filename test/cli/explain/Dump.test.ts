import { Result } from "effect"
import { assert, describe, it } from "vitest"
import { readDump } from "#cli/explain/Dump"
import { makeRecord, policyOf } from "#test/operator/records"

const recordAt = (at: number) => makeRecord({ uid: "web", id: `web.${at}`, at, outcome: { _tag: "Unchanged" } })
const policy = policyOf("web")
const records = [recordAt(1), recordAt(2)]

const idsIn = (text: string) => Result.getOrThrow(readDump("dump", text)).records.map(({ id }) => id)
const failure = (text: string) => Result.getOrThrow(Result.flip(readDump("dump", text)))

describe("a dump of records", () => {
  it("may be what the operator serves, with the policy", () => {
    const read = Result.getOrThrow(readDump("dump", JSON.stringify({ policies: [policy], records })))
    assert.deepStrictEqual(read, { policies: [policy], records })
  })

  it("may be a list, a single record, or a record on each line", () => {
    assert.deepStrictEqual(idsIn(JSON.stringify(records)), ["web.1", "web.2"])
    assert.deepStrictEqual(idsIn(JSON.stringify(records[0])), ["web.1"])
    assert.deepStrictEqual(idsIn(`${records.map((record) => JSON.stringify(record)).join("\n\n")}\n`), [
      "web.1",
      "web.2"
    ])
    const served = JSON.stringify({ policies: [policy], records: [recordAt(3)] })
    assert.deepStrictEqual(idsIn(`${JSON.stringify(records[0])}\n${served}`), ["web.1", "web.3"])
  })

  it("is empty when the file is", () => {
    assert.deepStrictEqual(idsIn(""), [])
  })

  it("names the part that is no record", () => {
    const remedy =
      "give one whole document, or one record on each line; a file that was cut short has to be fetched again"
    assert.strictEqual(failure(`${JSON.stringify(records[0])}\n{`), `dump:2 is not JSON: ${remedy}`)
    assert.match(
      failure(JSON.stringify([records[0], { version: 2 }])),
      /^dump\[1\] is no decision record of this version/u
    )
    assert.match(failure(`${JSON.stringify(records[0])}\n{"records":[{}]}`), /^dump:2 is no decision record/u)
  })
})
