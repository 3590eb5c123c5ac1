import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { durationMillis, parseMillis } from "#schemas/crd/Crd/decoder"
import { DECODE_SETTINGS } from "#schemas/crd/Crd"
import {
  decodes,
  IntelligentScaling,
  labels,
  policy,
  refuses,
  rule,
  ScalingPolicy,
  ScalingRule
} from "#test/schemas/crd/objects"

describe("an object", () => {
  it("keeps who it is", () => {
    assert.deepStrictEqual(decodes(ScalingPolicy, policy()).ref, {
      kind: "ScalingPolicy",
      apiVersion: "nimbusguard.io/v1",
      namespace: "shop",
      name: "web",
      uid: "u-1",
      generation: 3,
      createdAt: 1_767_225_600_000
    })
  })

  it("is read from a file too, where only the API server's fields are missing", () => {
    const file = { apiVersion: "nimbusguard.io/v1", kind: "ScalingPolicy", metadata: { name: "web" }, spec: policy() }
    const result = ScalingPolicy.decode(file, DECODE_SETTINGS)
    assert.deepInclude(Result.getOrThrow(result).ref, { namespace: "default", uid: "", generation: 1, createdAt: 0 })
  })

  it.each([
    { title: "of another kind", object: { apiVersion: "nimbusguard.io/v1", kind: "Other" }, path: "kind" },
    {
      title: "of another version",
      object: { apiVersion: "nimbusguard.io/v9", kind: "ScalingPolicy" },
      path: "apiVersion"
    }
  ])("$title is refused by name", ({ object, path }) => {
    const result = ScalingPolicy.decode({ metadata: { name: "web" }, spec: policy(), ...object }, DECODE_SETTINGS)
    assert.isTrue(Result.isFailure(result))
    if (Result.isFailure(result)) assert.strictEqual(result.failure[0]?.path, path)
  })

  it("that is none at all is refused, not thrown", () => {
    for (const object of [undefined, null, 1, "spec", [], {}, { metadata: {} }]) {
      assert.isTrue(Result.isFailure(ScalingPolicy.decode(object, DECODE_SETTINGS)))
    }
  })

  it("is refused with every wrong field at once, by its path", () => {
    const refusals = refuses(ScalingPolicy, { target: { kind: "Deployment" }, signals: [{ name: "a" }, { name: 7 }] })
    const paths = refusals.map(({ path }) => path)
    assert.includeMembers(paths, ["spec.target.name", "spec.signals[1].name"])
  })
})

describe("a duration", () => {
  it("adds up its parts", () => {
    assert.deepStrictEqual(
      ["15s", "1m30s", "1.5h", "250ms", "1h1m1s1ms"].map(durationMillis),
      [15_000, 90_000, 5_400_000, 250, 3_661_001]
    )
  })
})

describe("a time", () => {
  it("is read in any zone, in small letters too, or not at all", () => {
    assert.strictEqual(parseMillis("2026-01-01T01:00:00+01:00"), 1_767_225_600_000)
    assert.strictEqual(parseMillis("2026-01-01t00:00:00.5z"), 1_767_225_600_500)
    assert.isUndefined(parseMillis("tomorrow"))
  })
})

describe("a pause", () => {
  it("ends when it says", () => {
    const { pause } = decodes(ScalingPolicy, policy({ pause: { until: "2026-01-01T00:00:00Z", reason: "sale" } }))
    assert.deepStrictEqual(pause, { direction: "Both", until: 1_767_225_600_000, reason: "sale" })
  })

  it("that ends at no time is refused", () => {
    assert.deepInclude(refuses(ScalingRule, rule({ pause: { until: "soon" } }))[0], {
      reason: "InvalidSpec",
      path: "spec.pause.until"
    })
  })
})

describe("another namespace than the object's own", () => {
  it.each([
    { kind: ScalingRule, spec: rule({ namespace: "other" }) },
    { kind: IntelligentScaling, spec: labels([{ query: "up", threshold: 1, condition: "gt" }], { namespace: "other" }) }
  ])("is refused in $kind.kind, and says where to go", ({ kind, spec }) => {
    const [refusal] = refuses(kind, spec)
    assert.deepInclude(refusal, { reason: "CrossNamespace", path: "spec.namespace" })
    assert.include(refusal?.message, "create it in other, or run the operator with ALLOW_CROSS_NAMESPACE=true")
  })

  it("is scaled where the operator may", () => {
    const { targets } = decodes(ScalingRule, rule({ namespace: "other" }), { allowCrossNamespace: true })
    assert.isTrue(targets._tag === "Ref" && targets.target.namespace === "other")
  })
})
