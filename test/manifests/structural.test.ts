import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { defaulted, quantity } from "#schemas/crd/Crd/fields"
import { optionsOf, withPlug } from "#schemas/crd/Crd/plugs"
import { toStructural } from "#manifests/structural"

const structural = (schema: Schema.Constraint, plugs: Readonly<Record<string, Schema.Constraint>> = {}) =>
  toStructural(schema, ({ names, optionsOf: plug }) => {
    const wanted = plug === undefined ? Object.keys(names ?? plugs) : [plug]
    return wanted.flatMap((name) => (plugs[name] === undefined ? [] : [[name, plugs[name]] as const]))
  })

describe("a structural schema", () => {
  it("says bounds in the words of OpenAPI 3.0, and none that every number fits", () => {
    assert.deepStrictEqual(structural(Schema.Int), { type: "integer" })
    assert.deepStrictEqual(structural(Schema.Finite.check(Schema.isGreaterThan(0), Schema.isLessThan(5))), {
      type: "number",
      minimum: 0,
      exclusiveMinimum: true,
      maximum: 5,
      exclusiveMaximum: true
    })
  })

  it("requires what has neither a default nor leave to be absent", () => {
    const schema = Schema.Struct({
      a: Schema.String,
      b: Schema.optionalKey(Schema.Boolean),
      c: defaulted(Schema.Literals(["x", "y"]), "y")
    })
    assert.deepStrictEqual(structural(schema), {
      type: "object",
      required: ["a"],
      properties: {
        a: { type: "string" },
        b: { type: "boolean" },
        c: { type: "string", enum: ["x", "y"], default: "y" }
      }
    })
  })

  it("keeps a pattern readable and its length bounded", () => {
    const path = Schema.String.check(Schema.isMaxLength(9), Schema.isPattern(/^\/a\/b$/u))
    assert.deepStrictEqual(structural(path), { type: "string", pattern: "^/a/b$", maxLength: 9 })
  })

  it("makes an int-or-string of a quantity, without a type", () => {
    const { description, pattern, ...rest } = structural(quantity("How much."))
    assert.deepStrictEqual(rest, { maxLength: 32, "x-kubernetes-int-or-string": true })
    assert.include(description, "How much.")
    assert.include(pattern, "Ki")
  })

  it("describes the entries of a map and the items of a list", () => {
    const schema = Schema.Record(Schema.String, Schema.Array(Schema.Int).check(Schema.isMaxLength(2)))
    assert.deepStrictEqual(structural(schema), {
      type: "object",
      additionalProperties: { type: "array", maxItems: 2, items: { type: "integer" } }
    })
  })

  it("tells a struct without fields, which prunes, from a map of anything, which keeps", () => {
    assert.deepStrictEqual(structural(Schema.Struct({})), { type: "object" })
    assert.deepStrictEqual(structural(Schema.Record(Schema.String, Schema.Unknown)), {
      "x-kubernetes-preserve-unknown-fields": true
    })
  })

  it("leaves a union of shapes to who reads it, and joins one of words", () => {
    const shapes = Schema.Union([Schema.Literal("one"), Schema.Struct({ each: Schema.Int })])
    assert.deepStrictEqual(structural(shapes), { "x-kubernetes-preserve-unknown-fields": true })
    const words = Schema.Union([Schema.Literal("one"), Schema.Literals(["two", "three"])])
    assert.deepStrictEqual(structural(words), { type: "string", enum: ["one", "two", "three"] })
  })

  it("refuses what has no place in it: references, and two checks that say the same differently", () => {
    const named = Schema.Struct({ a: Schema.String.annotate({ identifier: "Named" }) })
    assert.throws(() => structural(named), /references/u)
    const twice = Schema.String.check(Schema.isPattern(/a/u), Schema.isPattern(/b/u))
    assert.throws(() => structural(twice), /two checks both say pattern/u)
  })
})

describe("a hole", () => {
  const plugs = { red: Schema.Struct({ r: Schema.Int }), blue: Schema.Struct({}) }
  const item = withPlug({ name: Schema.String }, { registry: "sources" }, { description: "An item." })

  it("is filled with every plug of its registry, exactly one of which may be named", () => {
    const { properties, ...rest } = structural(item, plugs)
    assert.deepStrictEqual(rest, {
      description: "An item.",
      type: "object",
      required: ["name"],
      "x-kubernetes-validations": [
        { rule: "[has(self.red), has(self.blue)].exists_one(given, given)", message: "name exactly one of red, blue" }
      ]
    })
    assert.deepStrictEqual(properties, {
      name: { type: "string" },
      red: { type: "object", required: ["r"], properties: { r: { type: "integer" } } },
      blue: { type: "object" }
    })
  })

  it("that names its plugs takes those only, and leaves the choice to the kind's own rules", () => {
    const named = withPlug({}, { registry: "sources", names: { red: "red" } }, { description: "An item." })
    assert.deepStrictEqual(Object.keys(structural(named, plugs).properties ?? {}), ["red"])
    assert.isUndefined(structural(named, plugs)["x-kubernetes-validations"])
  })

  it("can be one plug's options, beside the object's own fields and under its own description", () => {
    const alone = optionsOf({ registry: "engines", optionsOf: "red" }, "Mine.")
    assert.deepStrictEqual(structural(alone, plugs), {
      description: "Mine.",
      type: "object",
      required: ["r"],
      properties: { r: { type: "integer" } }
    })
    const beside = withPlug(
      { name: Schema.String },
      { registry: "engines", optionsOf: "red" },
      { description: "Both." }
    )
    const { properties, required } = structural(beside, plugs)
    assert.deepStrictEqual(
      [Object.keys(properties ?? {}), required],
      [
        ["name", "r"],
        ["name", "r"]
      ]
    )
  })
})

describe("what decoding knows", () => {
  it("is what the schema says: the same default on both sides", () => {
    const schema = Schema.Struct({ a: defaulted(Schema.Int, 3) })
    const [declared, decoded] = [
      structural(schema).properties?.["a"]?.default,
      Effect.runSync(Schema.decodeUnknownEffect(schema)({}))
    ]
    assert.deepStrictEqual([declared, decoded], [3, { a: 3 }])
  })
})
