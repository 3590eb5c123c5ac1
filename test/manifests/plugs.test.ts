import { assert, describe, it } from "@effect/vitest"
import { ENGINES } from "#engines/index"
import { fillFrom, fillHole } from "#manifests/plugs"
import { METRIC_SOURCES } from "#schemas/crd/GeneralScaler/spec"
import { SOURCES } from "#sources/index"

const names = (...hole: Parameters<typeof fillHole>) => fillHole(...hole).map(([name]) => name)

describe("the holes of the kinds", () => {
  it("are filled with every source and every engine there is", () => {
    assert.deepStrictEqual(names({ registry: "sources" }), Object.keys(SOURCES))
    assert.deepStrictEqual(names({ registry: "engines" }), Object.keys(ENGINES))
  })

  it("are filled under the names that a kind gives", () => {
    const filled = fillHole({ registry: "sources", names: METRIC_SOURCES })
    assert.deepStrictEqual(
      filled.map(([name]) => name),
      ["prometheus", "redis", "pubsub", "custom"]
    )
    assert.strictEqual(filled[3]?.[1], SOURCES.http.options)
  })

  it("can be one plug's options, and none where there is no such plug", () => {
    assert.deepStrictEqual(names({ registry: "engines", optionsOf: "predictive" }), ["predictive"])
    assert.deepStrictEqual(fillFrom({ sources: {}, engines: {} })({ registry: "sources", optionsOf: "nats" }), [])
  })

  it("take an example of every plug as it is", () => {
    for (const { example, options } of [...Object.values(SOURCES), ...Object.values(ENGINES)]) {
      assert.isDefined(options)
      assert.isObject(example)
    }
  })
})
