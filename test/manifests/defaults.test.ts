import { assert, describe, it } from "@effect/vitest"
import { applyDefaults, prune, unknownFields } from "#manifests/defaults"
import type { Structural } from "#manifests/structural"

const schema: Structural = {
  type: "object",
  properties: {
    mode: { type: "string", default: "Active" },
    pause: {
      type: "object",
      properties: { direction: { type: "string", default: "Both" }, until: { type: "string" } }
    },
    list: { type: "array", items: { type: "object", properties: { on: { type: "boolean", default: false } } } },
    map: { type: "object", additionalProperties: { type: "string" } },
    any: { "x-kubernetes-preserve-unknown-fields": true }
  }
}

describe("defaults", () => {
  it("are put into what is there, and make nothing appear around them", () => {
    assert.deepStrictEqual(applyDefaults({}, schema), { mode: "Active" })
    assert.deepStrictEqual(applyDefaults({ mode: "Paused", pause: {}, list: [{}, { on: true }] }, schema), {
      mode: "Paused",
      pause: { direction: "Both" },
      list: [{ on: false }, { on: true }]
    })
  })

  it("stand in for nulls, and nulls without a default go", () => {
    assert.deepStrictEqual(applyDefaults({ mode: null, pause: { until: null }, map: { a: null, b: "x" } }, schema), {
      mode: "Active",
      pause: { direction: "Both" },
      map: { b: "x" }
    })
  })

  it("leave the items of a list and what nobody knows alone", () => {
    assert.deepStrictEqual(applyDefaults({ list: [null], any: { x: null } }, schema), {
      mode: "Active",
      list: [null],
      any: { x: null }
    })
  })
})

describe("unknown fields", () => {
  it("are named by their path, also below a value of the wrong type", () => {
    const value = {
      mod: 1,
      pause: { untill: 1 },
      list: [{}, { off: true }],
      map: { a: "x" },
      any: { b: 1 },
      mode: { c: 1 }
    }
    assert.deepStrictEqual(unknownFields(value, schema), ["mod", "pause.untill", "list[1].off", "mode.c"])
  })

  it("are all there is in a struct without fields", () => {
    assert.deepStrictEqual(unknownFields({ a: 1 }, { type: "object" }), ["a"])
  })
})

describe("pruning", () => {
  it("keeps exactly what is known, also in lists and maps, and what is open", () => {
    const value = {
      mod: 1,
      mode: "Paused",
      pause: { untill: 1 },
      list: [{ off: true }, 1],
      map: { a: "x" },
      any: { b: 1 }
    }
    const pruned = prune(value, schema)
    assert.deepStrictEqual(pruned, { mode: "Paused", pause: {}, list: [{}, 1], map: { a: "x" }, any: { b: 1 } })
    assert.deepStrictEqual(unknownFields(pruned, schema), [])
  })
})
