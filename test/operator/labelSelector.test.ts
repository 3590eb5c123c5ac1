import { assert, describe, it } from "vitest"
import { matchesSelector, matchesText } from "#operator/labelSelector"

const labels = { app: "web", tier: "front" }

describe("a label selector", () => {
  const texts: ReadonlyArray<readonly [string, boolean]> = [
    ["app=web", true],
    ["app==web,tier=front", true],
    ["app=web,tier=back", false],
    ["app!=api", true],
    ["zone!=a", true],
    ["tier in (front,back)", true],
    ["app=web,tier in (back, middle)", false],
    ["tier notin (back),app", true],
    ["!zone", true],
    ["!app", false],
    ["zone", false],
    ["", false],
    ["replicas>3", false]
  ]
  for (const [text, want] of texts) {
    it(`${want ? "matches" : "does not match"} ${JSON.stringify(text)}`, () =>
      assert.strictEqual(matchesText(text)(labels), want))
  }

  it("selects everything when empty and nothing when absent", () => {
    assert.isTrue(matchesSelector({})(labels))
    assert.isFalse(matchesSelector(undefined)(labels))
    assert.isFalse(matchesSelector(null)(labels))
  })

  it("needs labels and expressions to hold", () => {
    const exists = { key: "tier", operator: "Exists" }
    assert.isTrue(matchesSelector({ matchLabels: { app: "web" }, matchExpressions: [exists] })(labels))
    assert.isFalse(matchesSelector({ matchLabels: { app: "api" }, matchExpressions: [exists] })(labels))
    assert.isFalse(
      matchesSelector({ matchExpressions: [{ key: "tier", operator: "NotIn", values: ["front"] }] })(labels)
    )
    assert.isFalse(matchesSelector({ matchExpressions: [{ key: "tier", operator: "Perhaps" }] })(labels))
  })
})
