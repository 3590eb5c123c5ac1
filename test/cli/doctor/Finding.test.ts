import { assert, describe, it } from "@effect/vitest"
import { failed, ok, skipped, toJson, toText, warning } from "#cli/doctor/Finding"

const findings = [ok("API", "v1.36"), skipped("OpenAI", "no key"), warning("metrics", "gone", "install it")]

describe("findings", () => {
  it("are lined up for a person, each with its remedy below it", () => {
    assert.strictEqual(
      toText([...findings, failed("CRDs", "two\nlines", "apply them")]),
      `ok   API      v1.36
-    OpenAI   no key
WARN metrics  gone
              -> install it
FAIL CRDs     two
              lines
              -> apply them

1 of 4 checks failed.`
    )
  })

  it("end in a verdict", () => {
    assert.match(toText(findings), /The operator can run; 1 of 3 checks have a warning\.$/)
    assert.match(toText(findings.slice(0, 2)), /All is well\.$/)
  })

  it("are one JSON object for a program", () => {
    assert.deepStrictEqual(JSON.parse(toJson("1.2.3", findings)), { ok: true, version: "1.2.3", checks: findings })
    assert.strictEqual(JSON.parse(toJson("1", [failed("x", "y", "z")])).ok, false)
  })
})
