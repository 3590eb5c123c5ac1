import { assert, describe, it } from "@effect/vitest"
import { inspector } from "#cli/validate/inspect"
import { isRefused, toJson, toText } from "#cli/validate/print"

const inspect = inspector()

const policy = (extra: string) =>
  `apiVersion: nimbusguard.io/v1\nkind: ScalingPolicy\nmetadata: {name: web, namespace: shop}\nspec:\n  target: {kind: Deployment, name: web}\n${extra}`

describe("what is printed", () => {
  const texts = [policy(""), policy("  interval: 1ms"), "apiVersion: v1\nkind: Secret"]
  const inspections = inspect("f.yaml", texts.join("\n---\n"))

  it("names file, line and object for a person, then what is wrong, then a sum", () => {
    assert.deepStrictEqual(toText(inspections).split("\n"), [
      "f.yaml:1: ScalingPolicy shop/web: accepted",
      "f.yaml:8: ScalingPolicy shop/web: refused by the API server",
      '  spec.interval: Invalid value: "1ms": must be between 1s and 1h',
      "f.yaml:15: Secret default/: not a kind of nimbusguard, not looked at",
      "1 of 2 refused."
    ])
    assert.match(toText(inspections.slice(0, 1)), /1 of 1 accepted\.$/u)
    assert.match(toText([]), /No object of nimbusguard's kinds\.$/u)
  })

  it("is one object for a program", () => {
    const { objects, ok } = JSON.parse(toJson(inspections)) as { ok: boolean; objects: ReadonlyArray<unknown> }
    assert.deepStrictEqual([ok, objects.length], [false, 3])
    assert.strictEqual(inspections.filter(isRefused).length, 1)
  })
})
