import { Result } from "effect"
import { assert, describe, it } from "vitest"
import { parse } from "yaml"
import { ApiServer } from "#cluster/api/ApiServer"
import { type JsonObject, valueAt } from "#cluster/api/json"
import { definitionOf } from "#manifests/crd"
import { fillHole } from "#manifests/plugs"
import { KINDS } from "#schemas/crd/index"
import { asWished, enginesFor, yamlOf } from "#dashboard/api/asWished"
import type { WhatIfQuestion } from "#dashboard/api/shapes"
import { bindEngine } from "#engines/index"
import type { Policy, Signal } from "#schemas/Policy"
import { policyOf, refOf } from "#test/operator/records"

const ROLES = ["demand", "utilization", "latency", "backlog", "errorRate"] as const

const policy = policyOf("web")
const rule = policyOf("mail", { ref: refOf("mail", { kind: "ScalingRule", apiVersion: "scaling.example.com/v1" }) })

const wished = (question: WhatIfQuestion, of: Policy = policy): Policy => {
  const result = asWished(of, question)
  if (result._tag === "Failure") throw new Error(result.failure)
  return result.success
}

const refused = (question: WhatIfQuestion, of: Policy = policy): string => {
  const result = asWished(of, question)
  return result._tag === "Failure" ? result.failure : "it was not"
}

describe("a policy as wished", () => {
  it("has the bounds, targets and engine that were asked for, and the rest as it is", () => {
    const made = wished({ min: 2, max: 30, engine: "target", signals: [{ name: "load", milli: 7_500 }] })
    assert.deepStrictEqual(made.bounds, { min: 2, max: 30 })
    assert.deepStrictEqual(made.signals[0]?.target, { type: "AverageValue", milli: 7_500 })
    assert.deepStrictEqual(made.engines, [{ engine: "target", options: {} }])
    assert.deepStrictEqual(made.limits, policy.limits)
    assert.deepStrictEqual(wished({}), policy)
  })

  it("is refused with a sentence that says what would do", () => {
    assert.match(refused({ min: 11 }), /min 11 is greater than max 10/u)
    assert.match(refused({ signals: [{ name: "lod", milli: 1 }] }), /has no signal lod/u)
    assert.match(refused({ engine: "oracle" }), /oracle cannot decide this policy; .*target.* can/u)
    assert.match(refused({ engine: "target" }, rule), /Of a ScalingRule only the bounds can be tried/u)
    const observed = { ...policy, signals: [{ ...policy.signals[0]! }] }
    delete (observed.signals[0] as { target?: unknown }).target
    assert.match(refused({ signals: [{ name: "load", milli: 1 }] }, observed), /only observed/u)
  })

  it("offers the engines that could decide it, and none where the kind prescribes one", () => {
    assert.include(enginesFor(policy), "target")
    assert.notInclude(enginesFor(policy), "auto")
    assert.deepStrictEqual(enginesFor(rule), [])
  })

  it("offers no engine that it would then refuse, whatever the kind and the signals", () => {
    const signalled = ROLES.map((role) => policyOf("web", { signals: policy.signals.map((one) => ({ ...one, role })) }))
    const kinds = KINDS.map(({ kind }) => policyOf("web", { ref: refOf("web", { kind }) }))
    const all = [...kinds, ...signalled, policyOf("web", { signals: [] })]
    for (const each of all) {
      for (const engine of enginesFor(each)) {
        const [spec] = wished({ engine }, each).engines
        assert.deepStrictEqual(spec, { engine, options: {} })
        assert.isTrue(spec !== undefined && Result.isSuccess(bindEngine(spec)), engine)
      }
    }
    const offered = new Set(all.flatMap(enginesFor))
    assert.includeMembers([...offered], ["target", "predictive", "capacity"])
    assert.notInclude([...offered], "step", "its rules have no default")
    assert.match(refused({ engine: "step" }), /step cannot decide this policy; .*target.* can/u)
  })

  it("is YAML that holds what is different and nothing else", () => {
    assert.isUndefined(yamlOf(policy, wished({ min: 1, max: 10 })))
    assert.strictEqual(
      yamlOf(policy, wished({ max: 30, engine: "target", signals: [{ name: "load", milli: 7_500 }] })),
      `apiVersion: nimbusguard.io/v1
kind: ScalingPolicy
metadata:
  name: web
  namespace: shop
spec:
  scaling:
    maxReplicas: 30
  signals:
    - name: load
      target:
        type: AverageValue
        value: 7500m
  engines:
    - target: {}
`
    )
    assert.match(yamlOf(rule, wished({ min: 3 }, rule)) ?? "", /kind: ScalingRule[^]*\nspec:\n {2}minReplicas: 3\n$/u)
  })

  it("is applied by an API server as it stands, and leaves the other signals and fields alone", () => {
    const server = new ApiServer(() => 0)
    for (const kind of KINDS) server.create(definitionOf(kind, "0.1.0", fillHole) as unknown as JsonObject)
    server.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } })
    const signal = (name: string) => ({
      name,
      prometheus: { query: name },
      target: { type: "AverageValue", value: "10" }
    })
    server.create({
      apiVersion: "nimbusguard.io/v1",
      kind: "ScalingPolicy",
      metadata: { name: "web", namespace: "shop" },
      spec: {
        target: { kind: "Deployment", name: "web" },
        scaling: { minReplicas: 1, maxReplicas: 10 },
        signals: [signal("load"), signal("other")]
      }
    })
    const yaml = yamlOf(policy, wished({ max: 30, signals: [{ name: "load", milli: 7_500 }] })) ?? ""
    const answer = server.handle({
      method: "PATCH",
      path: "/apis/nimbusguard.io/v1/namespaces/shop/scalingpolicies/web",
      query: { fieldManager: "nimbusguard-what-if", force: "true" },
      contentType: "application/apply-patch+yaml",
      body: parse(yaml)
    })
    assert.strictEqual(answer.status, 200, JSON.stringify(answer.body))
    const spec = valueAt(server.find("ScalingPolicy", "shop", "web") ?? {}, "spec")
    assert.deepNestedInclude(spec, { "scaling.minReplicas": 1, "scaling.maxReplicas": 30 })
    assert.deepNestedInclude(spec, { "signals[0].target.value": "7500m", "signals[0].prometheus.query": "load" })
    assert.deepNestedInclude(spec, { "signals[1].target.value": "10", "signals[1].name": "other" })
  })

  it("names the default CPU signal's target where the policy has it, and not as a signal without a source", () => {
    const cpu: Signal = {
      name: "cpu",
      source: "resource",
      options: { resource: "cpu" },
      target: { type: "Utilization", milli: 70 },
      onEmpty: "Missing",
      onMissing: "Hold",
      worksAtZero: false,
      isDefault: true
    }
    const plain = policyOf("web", { signals: [cpu] })
    const yaml = yamlOf(plain, wished({ max: 30, signals: [{ name: "cpu", milli: 55 }] }, plain)) ?? ""
    assert.deepStrictEqual(parse(yaml).spec, { scaling: { maxReplicas: 30, targetCpuUtilization: 55 } })
  })
})
