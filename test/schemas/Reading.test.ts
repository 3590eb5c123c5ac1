// Absence survives the wire: no encoding of a Missing or of a number that is none can be read back as Measured.
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { measured, missing, Reading } from "#schemas/Reading"

const decode = Schema.decodeUnknownResult(Reading)
const encode = Schema.encodeUnknownSync(Reading)

describe("a reading", () => {
  it("carries its pods only where it was taken pod by pod", () => {
    assert.notProperty(measured(1, 0), "pods")
    assert.deepStrictEqual(measured(1, 0, 0.5, []).pods, [])
  })

  it.each([
    measured(12.5, 1000),
    measured(0, 1000, 0.5, [{ name: "a", phase: "Running", deleting: false, usageMilli: 5 }]),
    { _tag: "Stale" as const, value: 3, at: 1, ageMillis: 60_000, detail: "an hour old" },
    missing("Empty", "The query has no series: correct it.")
  ])("$_tag is read back as it was written", (reading) => {
    assert.deepStrictEqual(Result.getOrThrow(decode(JSON.parse(JSON.stringify(encode(reading))))), reading)
  })

  it("says no more than a person reads, and nothing to the terminal itself", () => {
    assert.strictEqual(missing("Empty", "a\u001B[2Jb\u0007\u009B\nc").detail, "a [2Jb \nc")
    assert.lengthOf(missing("Empty", "x".repeat(2_000)).detail, 2_000)
    const long = missing("Empty", "x".repeat(160_000)).detail
    assert.lengthOf(long, 2_000)
    assert.isTrue(long.endsWith("…"))
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, "12", null, undefined])("does not take %s for a value", (value) => {
    assert.isTrue(Result.isFailure(decode({ _tag: "Measured", value, at: 0, coverage: 1 })))
  })

  it("does not take a Missing for a value, whatever else it says", () => {
    const { _tag } = Result.getOrThrow(
      decode({ _tag: "Missing", why: "Empty", detail: "", value: 0, at: 0, coverage: 1 })
    )
    assert.strictEqual(_tag, "Missing")
  })
})
