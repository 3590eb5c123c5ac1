import { assert, describe, it } from "@effect/vitest"
import { kindOf, KINDS } from "#schemas/crd/index"

describe("the kinds", () => {
  it("have the names that the seeds' manifests and kubectl lines use", () => {
    assert.deepStrictEqual(
      KINDS.map(({ group, kind, plural, shortNames, version }) => [`${group}/${version}`, kind, plural, ...shortNames]),
      [
        ["nimbusguard.io/v1", "ScalingPolicy", "scalingpolicies", "scalep"],
        ["nimbusguard.io/v1alpha1", "IntelligentScaling", "intelligentscaling", "iscale"],
        ["scaling.example.com/v1", "ScalingRule", "scalingrules", "srule"],
        ["autoscaling.generalscaler.io/v1alpha1", "GeneralScaler", "generalscalers", "gscaler"]
      ]
    )
  })

  it("are all in the category scalers, and in no other", () => {
    for (const { categories } of KINDS) assert.deepStrictEqual(categories, ["scalers"])
  })

  it("are found by what an object says it is, and by nothing less", () => {
    assert.strictEqual(kindOf({ apiVersion: "scaling.example.com/v1", kind: "ScalingRule" })?.plural, "scalingrules")
    for (const object of [
      { apiVersion: "scaling.example.com/v2", kind: "ScalingRule" },
      { apiVersion: "nimbusguard.io/v1", kind: "ScalingRule" },
      { kind: "ScalingRule" },
      null,
      "ScalingRule"
    ]) {
      assert.isUndefined(kindOf(object))
    }
  })
})
