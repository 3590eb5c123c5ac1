import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { duration, pause, quantity, targetRef } from "#schemas/crd/Crd/fields"
import { durationMillis } from "#schemas/crd/Crd/decoder"
import { parseQuantityMilli } from "#schemas/quantity"

const accepts = (schema: Schema.Codec<unknown, unknown>) => Schema.is(schema)

describe("a duration", () => {
  const isDuration = accepts(duration("For the test.", "1s", "1h"))

  it("is a number with a unit, several times over", () => {
    for (const text of ["15s", "1m30s", "500ms", "1.5h", "1h2m3s4ms"]) assert.isTrue(isDuration(text), text)
    for (const text of ["", "15", "s", "-5s", "1d", "5 s", "1e3s", "1234567s", "1s2s3s4s5s", 15]) {
      assert.isFalse(isDuration(text), String(text))
    }
  })

  it.prop(
    "is a whole number of milliseconds, whatever fits the pattern",
    [duration("For the test.", "1s", "1h")],
    ([text]) => {
      const millis = durationMillis(text)
      assert.isTrue(Number.isSafeInteger(millis) && millis >= 0, `${text} is ${millis}`)
    }
  )
})

describe("a quantity", () => {
  const isQuantity = accepts(quantity("For the test."))

  it("is a whole number or its text in the ways of Kubernetes", () => {
    for (const value of [0, 100, "100", "1500m", "0.5", ".5", "5.", "2Gi", "1e3", "1E-3"]) {
      assert.isTrue(isQuantity(value), String(value))
      assert.isDefined(parseQuantityMilli(String(value)), String(value))
    }
    for (const value of [1.5, "", "-1", "1 ", "1gi", "100/s", "1e100", true, null])
      assert.isFalse(isQuantity(value), String(value))
  })

  it.prop(
    "can be compared or is beyond all numbers, whatever fits the pattern",
    [quantity("For the test.")],
    ([value]) => {
      const milli = parseQuantityMilli(String(value))
      const isHuge = /[kMGTPE]i?$|[eE]\+?\d+$/u.test(String(value)) || Math.abs(Number(value)) > 9e12
      assert.isTrue(milli !== undefined || isHuge, String(value))
    }
  )
})

describe("the shared parts", () => {
  it("take Deployments of apps/v1 where no group is named", () => {
    assert.deepStrictEqual(Schema.decodeUnknownSync(targetRef)({ kind: "Deployment", name: "web" }), {
      apiVersion: "apps/v1",
      kind: "Deployment",
      name: "web"
    })
  })

  it("pause in both directions where none is named", () => {
    assert.deepStrictEqual(Schema.decodeUnknownSync(pause)({}), { direction: "Both" })
  })
})
