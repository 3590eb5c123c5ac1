import { assert, describe, it } from "@effect/vitest"
import { fromYaml, GENERATED_BY, toYaml } from "#manifests/yaml"

const value = (text: string): unknown => (fromYaml(`a: ${text}`)[0]?.value as { readonly a: unknown } | undefined)?.a

describe("YAML as kubectl reads it", () => {
  it.each<readonly [string, unknown]>([
    ["yes", true],
    ["on", true],
    ["y", true],
    ["No", false],
    ["off", false],
    ["~", null],
    ["", null],
    ["0644", 420],
    ["0o644", 420],
    ["-0o17", -15],
    ["0x1F", 31],
    ["0b101", 5],
    ["1_000", 1000],
    ["1e3", 1000],
    [".5e1", 5],
    ["-.5", -0.5],
    [".inf", Infinity],
    ["e2", "e2"],
    ["E10", "E10"],
    ["-e2", "-e2"],
    [".", "."],
    ["._", "._"],
    ["12:30:45", "12:30:45"],
    ["1:30.5", "1:30.5"],
    ["2026-01-31", "2026-01-31"],
    ["2026-01-31T18:00:00Z", "2026-01-31T18:00:00Z"],
    ["'0644'", "0644"],
    ["|\n  two\n  lines", "two\nlines\n"]
  ])("takes %j for %j", (text, wanted) => {
    assert.deepStrictEqual(value(text), wanted)
  })

  it("merges maps and follows anchors", () => {
    const [document] = fromYaml("base: &base {x: 1, z: 2}\nmore:\n  <<: *base\n  z: 3\n")
    assert.deepStrictEqual((document?.value as { readonly more: unknown } | undefined)?.more, { x: 1, z: 3 })
  })

  it("finds every document, by the line of its first field, and no empty one", () => {
    const text = "# a comment\na: 1\n---\n---\n# another\n\nb: 2\n...\n---\n"
    assert.deepStrictEqual(fromYaml(text), [
      { line: 2, value: { a: 1 } },
      { line: 7, value: { b: 2 } }
    ])
    assert.deepStrictEqual(fromYaml(""), [])
    assert.deepStrictEqual(fromYaml("# nothing\n"), [])
  })

  it("says where it cannot be read, and why, and goes on with the next", () => {
    const [broken, fine] = fromYaml("a: 1\na: 2\n---\nb: 1\n")
    assert.strictEqual(broken?.line, 2)
    assert.match(broken?.problem ?? "", /unique/u)
    assert.deepStrictEqual(fine?.value, { b: 1 })
    assert.isDefined(fromYaml("a: [1, 2")[0]?.problem)
  })

  it("reads JSON too", () => {
    assert.deepStrictEqual(fromYaml('{"a": [1, "x", null]}')[0]?.value, { a: [1, "x", null] })
  })
})

describe("YAML as it is written", () => {
  it("is read back as it was, by old rules and new", () => {
    const documents = [{ a: "yes", b: "0644", c: "1e3", d: "# no", e: "12:30", f: ["", "~"] }, { g: "x".repeat(300) }]
    const text = toYaml(documents)
    assert.isTrue(text.startsWith(GENERATED_BY))
    assert.deepStrictEqual(
      fromYaml(text).map((document) => document.value),
      documents
    )
  })

  it("repeats what is the same instead of pointing at it", () => {
    const same = { x: 1 }
    assert.notMatch(toYaml([{ a: same, b: same }]), /[&*]a/u)
  })
})
