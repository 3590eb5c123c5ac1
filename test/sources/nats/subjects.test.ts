import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { covers, related } from "#sources/nats/subjects"

const TABLE: ReadonlyArray<readonly [string, string, boolean]> = [
  ["orders", "orders", true],
  ["orders", "order", false],
  ["orders", "orders.new", false],
  ["orders.new", "orders", false],
  ["orders.*", "orders.new", true],
  ["orders.*", "orders", false],
  ["orders.*", "orders.new.eu", false],
  ["orders.*", "orders.*", true],
  ["orders.*", "orders.>", false],
  ["orders.>", "orders.new", true],
  ["orders.>", "orders.new.eu", true],
  ["orders.>", "orders", false],
  ["orders.>", "orders.*", true],
  ["orders.>", "orders.>", true],
  ["orders.>", "orders.new.>", true],
  ["orders.new.>", "orders.>", false],
  [">", "orders", true],
  [">", "orders.>", true],
  ["*", "orders", true],
  ["*", "orders.new", false],
  ["*.new", "orders.new", true],
  ["*.new", "orders.*", false],
  ["*.*", "orders.*", true],
  ["*.>", "orders.new", true],
  ["*.>", "orders", false],
  ["orders.*.eu", "orders.new.eu", true],
  ["orders.*.eu", "orders.new.us", false],
  ["orders.*.*", "orders.>", false],
  ["Orders", "orders", false]
]

describe("a subject", () => {
  it.each(TABLE)("%s covers %s: %s", (outer, inner, expected) => {
    assert.strictEqual(covers(outer, inner), expected)
  })

  it("is related to what it covers and to what covers it", () => {
    assert.isTrue(related("orders.>", "orders.new"))
    assert.isTrue(related("orders.new", "orders.>"))
    assert.isFalse(related("orders.new", "orders.old"))
  })
})

const token = Schema.Literals(["a", "b", "*"])
const Subject = Schema.Struct({ tokens: Schema.NonEmptyArray(token), open: Schema.Boolean })
const Concrete = Schema.NonEmptyArray(Schema.Literals(["a", "b"]))
const written = ({ open, tokens }: typeof Subject.Type) => [...tokens, ...(open ? [">"] : [])].join(".")

describe("covering", () => {
  it.prop(
    "is reflexive, and holds for every subject that the covered one stands for",
    [Subject, Subject, Concrete],
    ([a, b, c]) => {
      const [outer, inner, concrete] = [written(a), written(b), c.join(".")]
      assert.isTrue(covers(outer, outer))
      if (covers(outer, inner) && covers(inner, concrete)) assert.isTrue(covers(outer, concrete))
    }
  )
})
