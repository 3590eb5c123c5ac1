import { assert, describe, it } from "@effect/vitest"
import { check, checkListKeys } from "#manifests/constraints"
import type { Structural } from "#manifests/structural"

const said = (value: unknown, schema: Structural, path = "spec.x") =>
  check(value, schema, path).map(({ field, message }) => `${field}: ${message}`)

describe("a value", () => {
  it("fits a number when it is whole, and not the other way round", () => {
    assert.deepStrictEqual(said(1, { type: "number" }), [])
    assert.deepStrictEqual(said(1.5, { type: "integer" }).length, 2)
  })

  it("is within its bounds, closed or open", () => {
    const closed: Structural = { type: "integer", minimum: 1, maximum: 3 }
    assert.deepStrictEqual(
      [1, 3].flatMap((value) => said(value, closed)),
      []
    )
    assert.deepStrictEqual(
      [0, 4].flatMap((value) => said(value, closed)),
      [
        "spec.x: Invalid value: 0: spec.x in body should be greater than or equal to 1",
        "spec.x: Invalid value: 4: spec.x in body should be less than or equal to 3"
      ]
    )
    const open: Structural = { type: "number", minimum: 0, exclusiveMinimum: true, maximum: 1, exclusiveMaximum: true }
    assert.deepStrictEqual(
      [0, 1].flatMap((value) => said(value, open)),
      [
        "spec.x: Invalid value: 0: spec.x in body should be greater than 0",
        "spec.x: Invalid value: 1: spec.x in body should be less than 1"
      ]
    )
  })

  it("has its length in characters, also beyond the basic plane", () => {
    assert.deepStrictEqual(said("🐘🐘", { type: "string", maxLength: 2, minLength: 2 }), [])
    assert.strictEqual(said("🐘🐘🐘", { type: "string", maxLength: 2 }).length, 1)
  })

  it("has white space where RE2 sees some", () => {
    const noSpace: Structural = { type: "string", pattern: "^[^\\s]+$" }
    assert.deepStrictEqual(said("a\u00a0b", noSpace), [])
    assert.strictEqual(said("a b", noSpace).length, 1)
    assert.deepStrictEqual(said(" ", { type: "string", pattern: "^\\s$" }), [])
    assert.strictEqual(said("\u00a0", { type: "string", pattern: "^\\s$" }).length, 1)
    assert.deepStrictEqual(said("[\\s]", { type: "string", pattern: "^\\[\\\\s\\]$" }), [])
  })

  it.each([
    ["2026-01-31T18:00:00Z", true],
    ["2026-01-31t18:00:00.123456z", true],
    ["2026-01-31T18:00:00+01:30", true],
    ["2024-02-29T00:00:00Z", true],
    ["2026-02-29T00:00:00Z", false],
    ["2100-02-29T00:00:00Z", false],
    ["2000-02-29T00:00:00Z", true],
    ["2026-04-31T00:00:00Z", false],
    ["2026-01-31T24:00:00Z", false],
    ["2026-01-31T18:60:00Z", false],
    ["2026-01-31T18:00:00", false],
    ["2026-01-31", false],
    ["now", false]
  ])("%s is a time: %s", (text, is) => {
    assert.strictEqual(said(text, { type: "string", format: "date-time" }).length === 0, is)
  })

  it("may be absent or null only where the schema allows: null fits no type", () => {
    assert.deepStrictEqual(said(null, { type: "string" }), [
      'spec.x: Invalid value: "null": spec.x in body must be of type string: "null"'
    ])
  })

  it("may be anything where the schema keeps what it does not know", () => {
    const open: Structural = { "x-kubernetes-preserve-unknown-fields": true }
    for (const value of [1, "a", [], {}, true]) assert.deepStrictEqual(said(value, open), [])
  })
})

describe("an object", () => {
  it("has no field by inheritance", () => {
    const schema: Structural = { type: "object", required: ["toString"], properties: {} }
    assert.deepStrictEqual(said({}, schema, ""), ["toString: Required value"])
  })

  it("counts the entries of a map and looks at each", () => {
    const map: Structural = {
      type: "object",
      minProperties: 1,
      maxProperties: 2,
      additionalProperties: { type: "string" }
    }
    assert.strictEqual(said({}, map).length, 1)
    assert.deepStrictEqual(said({ a: "x", b: "y" }, map), [])
    assert.deepStrictEqual(said({ a: 1 }, map), [
      'spec.x.a: Invalid value: "integer": spec.x.a in body must be of type string: "integer"'
    ])
    assert.include(said({ a: "", b: "", c: "" }, map)[0], "Too many: 3")
  })
})

describe("a list that is a map", () => {
  const list: Structural = {
    type: "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
    items: { type: "object", properties: { name: { type: "string" } } }
  }
  const keys = (value: unknown) => checkListKeys(value, list, "a").map(({ field, message }) => `${field}: ${message}`)

  it("names the second of equals, and no third", () => {
    const named = (name: string) => ({ name })
    assert.deepStrictEqual(keys(["x", "y", "x", "y", "x"].map(named)), [
      'a[2]: Duplicate value: {"name":"x"}',
      'a[3]: Duplicate value: {"name":"y"}'
    ])
    assert.deepStrictEqual(keys([{}, {}]), ["a[1]: Duplicate value: {}"])
  })

  it("is found at any depth", () => {
    const deep: Structural = { type: "object", additionalProperties: { type: "object", properties: { l: list } } }
    assert.deepStrictEqual(
      checkListKeys({ k: { l: [{ name: "x" }, { name: "x" }] } }, deep, "m").map(({ field }) => field),
      ["m[k].l[1]"]
    )
  })
})
