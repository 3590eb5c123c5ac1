import { assert, describe, it } from "@effect/vitest"
import {
  blocksRules,
  boundText,
  duplicate,
  general,
  invalid,
  numberText,
  required,
  tooLong,
  tooMany,
  typeName
} from "#manifests/causes"

describe("a number in a message", () => {
  it.each<readonly [number, string]>([
    [0, "0"],
    [-1, "-1"],
    [2_147_483_648, "2147483648"],
    [2 ** 62, "4611686018427387904"],
    [1.5, "1.5"],
    [-0.25, "-0.25"],
    [1e20, "1e+20"],
    [1_234_567.5, "1.2345675e+06"],
    [0.000_01, "1e-05"],
    [0.0001, "0.0001"]
  ])("%d is written %s, as Go does", (value, text) => {
    assert.strictEqual(numberText(value), text)
  })

  it("is a bound in the type of the value that broke it", () => {
    assert.deepStrictEqual(
      [boundText(2_147_483_647, 3e9), boundText(2_147_483_647, 1e20)],
      ["2147483647", "2.147483647e+09"]
    )
  })
})

describe("a type in a message", () => {
  it("is what the server calls it", () => {
    const values: ReadonlyArray<readonly [unknown, string]> = [
      [null, "null"],
      [1, "integer"],
      [1.5, "number"],
      ["", "string"],
      [true, "boolean"],
      [[], "array"],
      [{}, "object"]
    ]
    for (const [value, name] of values) assert.strictEqual(typeName(value), name)
  })
})

describe("a cause", () => {
  it("shows a value as JSON, and says how many are too many", () => {
    assert.strictEqual(invalid("a", 'say "hi"', "no").message, 'Invalid value: "say \\"hi\\"": no')
    assert.strictEqual(duplicate("a[1]", { name: "x" }).message, 'Duplicate value: {"name":"x"}')
    assert.strictEqual(tooMany("a", 2, 1).message, "Too many: 2: must have at most 1 item")
    assert.strictEqual(tooLong("a", 1).message, "Too long: may not be more than 1 byte")
    assert.strictEqual(required("a", "why").message, "Required value: why")
  })

  it("keeps rules from being looked at, unless it is only about a value", () => {
    assert.isTrue(blocksRules(required("a")))
    assert.isTrue(blocksRules(tooLong("a", 1)))
    assert.isFalse(blocksRules(invalid("a", 1, "no")))
    assert.isFalse(blocksRules(general("no")))
  })
})
