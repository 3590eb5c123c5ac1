import { assert, describe, it } from "vitest"
import { ENGINES } from "#engines/index"
import { kindOf, KINDS } from "#schemas/crd/index"
import { DECODE_SETTINGS } from "#schemas/crd/Crd"
import { SOURCES } from "#sources/index"
import { FAULT_KINDS } from "#simulation/Fault"
import { scenarioOf } from "#simulation/swarm"
import * as Result from "effect/Result"

const many = Array.from({ length: 150 }, (_, seed) => scenarioOf({ seed, minutes: 60 }))

describe("the swarm", () => {
  it("draws the same scenario from the same seed, and another one from another", () => {
    assert.deepStrictEqual(scenarioOf({ seed: 7, minutes: 60 }), scenarioOf({ seed: 7, minutes: 60 }))
    assert.strictEqual(new Set(many.map((one) => JSON.stringify(one))).size, many.length)
  })

  it("has every kind, every source and every engine that is built, and every fault", () => {
    const text = JSON.stringify(many.map(({ policies }) => policies))
    for (const { kind } of KINDS) assert.include(text, `"kind":"${kind}"`)
    for (const [name, { built }] of Object.entries(SOURCES))
      if (built) assert.include(text, `"${name === "http" ? "http" : name}":{`)
    const engines = JSON.stringify(many.flatMap(({ policies }) => policies.map(({ spec }) => spec["engines"])))
    for (const [name, { built }] of Object.entries(ENGINES)) if (built) assert.include(engines, `"${name}":{`)
    const kinds = new Set(many.flatMap(({ faults }) => faults.map(({ kind }) => kind)))
    assert.deepStrictEqual(
      FAULT_KINDS.filter((kind) => !kinds.has(kind)),
      []
    )
  })

  it("draws only policies that decode, edited or not", () => {
    for (const { policies } of many) {
      for (const { edited, kind, name, spec } of policies) {
        const found = KINDS.find((each) => each.kind === kind)
        assert.isDefined(found)
        for (const one of [spec, edited]) {
          const metadata = {
            name,
            namespace: "shop",
            uid: "1",
            generation: 1,
            creationTimestamp: "2026-01-01T00:00:00Z",
            resourceVersion: "1"
          }
          const object: unknown = { apiVersion: `${found?.group}/${found?.version}`, kind, metadata, spec: one }
          assert.isDefined(kindOf(object))
          const decoded = found?.decode(object, DECODE_SETTINGS)
          assert.isTrue(decoded !== undefined && Result.isSuccess(decoded), JSON.stringify([object, decoded]))
        }
      }
    }
  })
})
