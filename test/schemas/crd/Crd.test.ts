import { assert, describe, it } from "@effect/vitest"
import { columnsOf } from "#schemas/crd/Crd"

describe("the columns", () => {
  const columns = columnsOf({ min: ".spec.low", max: ".spec.high" })

  it("say what a person asks first, and the rest with -o wide", () => {
    const named = (wide: boolean) => columns.filter(({ priority }) => (priority === 1) === wide).map(({ name }) => name)
    assert.deepStrictEqual(named(false), ["Target", "Mode", "Min", "Max", "Current", "Desired", "Ready", "Age"])
    assert.deepStrictEqual(named(true), ["Phase", "Reason", "Last scale"])
  })

  it("read the bounds where the kind has them", () => {
    assert.strictEqual(columns.find(({ name }) => name === "Min")?.jsonPath, ".spec.low")
    assert.strictEqual(columns.find(({ name }) => name === "Max")?.jsonPath, ".spec.high")
  })
})
