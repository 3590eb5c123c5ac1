import { assert, describe, it } from "@effect/vitest"
import { ruleChecker } from "#manifests/cel"
import type { Structural } from "#manifests/structural"

const rules = (rule: string, extra: object = {}) => ({
  "x-kubernetes-validations": [{ rule, message: "do otherwise", ...extra }]
})
const said = (schema: Structural, value: unknown) =>
  ruleChecker({ type: "object", properties: { x: schema } })({ x: value }).map(
    ({ field, message }) => `${field}: ${message}`
  )

describe("a rule", () => {
  it("sees whole numbers as integers, and as doubles where the schema says number", () => {
    const both: Structural = {
      type: "object",
      properties: { whole: { type: "integer" }, real: { type: "number" } },
      ...rules("type(self.whole) == int && type(self.real) == double && self.real >= 1.0")
    }
    assert.deepStrictEqual(said(both, { whole: 1, real: 1 }), [])
  })

  it("does not see what is null", () => {
    assert.deepStrictEqual(said({ type: "object", ...rules("!has(self.a)") }, { a: null }), [])
    assert.deepStrictEqual(said({ type: "object", ...rules("false") }, null), [])
  })

  it("sees no fields by inheritance", () => {
    assert.deepStrictEqual(said({ type: "object", ...rules("!has(self.toString) && !has(self.constructor)") }, {}), [])
  })

  it("is about a value, which it shows, or about a whole, which it does not", () => {
    assert.deepStrictEqual(said({ type: "string", ...rules("self == 'a'") }, "b"), [
      'x: Invalid value: "b": do otherwise'
    ])
    assert.deepStrictEqual(said({ type: "object", ...rules("false") }, {}), ["x: Invalid value: do otherwise"])
    assert.deepStrictEqual(said({ type: "object", ...rules("false", { fieldPath: ".a" }) }, {}), [
      "x.a: Invalid value: do otherwise"
    ])
  })

  it("that fails to be evaluated is a refusal, as it is to the server", () => {
    const [only, ...others] = said({ type: "object", ...rules("self.a.b == 1") }, { a: {} })
    assert.match(only ?? "", /^x: Invalid value: "object": .*evaluating rule: do otherwise$/su)
    assert.deepStrictEqual(others, [])
  })

  it("is found in items, in entries, and below both", () => {
    const small: Structural = { type: "integer", ...rules("self < 3") }
    assert.deepStrictEqual(said({ type: "array", items: small }, [1, 5]), ["x[1]: Invalid value: 5: do otherwise"])
    assert.deepStrictEqual(
      said({ type: "object", additionalProperties: { type: "array", items: small } }, { k: [9] }),
      ["x[k][0]: Invalid value: 9: do otherwise"]
    )
  })

  it("that does not parse is a defect", () => {
    assert.throws(() => ruleChecker({ type: "object", ...rules("self.a >") }))
  })
})

describe("what Kubernetes adds to CEL", () => {
  const quantity = (rule: string) => said({ "x-kubernetes-int-or-string": true, ...rules(rule) }, "1500m").length === 0

  it("knows quantities, of numbers and texts", () => {
    assert.isTrue(quantity("quantity(self).isGreaterThan(quantity('1.4'))"))
    assert.isFalse(quantity("quantity(self).isGreaterThan(quantity('1.5'))"))
    assert.isTrue(quantity("isQuantity(self) && !isQuantity('1.5x') && isQuantity(string(3))"))
  })
})
