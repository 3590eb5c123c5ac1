import { assert, describe, it } from "vitest"
import { breach, guardObjectives, objectiveFloor, objectivesOf } from "#domain/objectives"
import type { Policy } from "#schemas/Policy"
import { observe, policyOf, situationOf, stateOf, type Values, watched } from "#test/domain/policies"

const policy = policyOf({
  signals: [watched("latency", { role: "latency" }), watched("errors", { role: "errorRate" })],
  objectives: { latency: { targetMs: 200, goodFraction: 0.99 }, errorRate: { signal: "errors", target: 0.01 } }
})
const seen = (values: Values) => observe(0, stateOf(10), values)
const guard = (value: number, values: Values, given: Policy = policy) =>
  guardObjectives(value, situationOf({ policy: given, observation: seen(values) }))?.after ?? value

describe("objectivesOf", () => {
  it("finds the signal that an objective names, or the one with its role", () => {
    assert.deepStrictEqual(objectivesOf(policy), [
      { kind: "latency", signal: "latency", limit: 200 },
      { kind: "errorRate", signal: "errors", limit: 0.01 }
    ])
  })

  it("leaves out what nothing measures: not configured is not missing", () => {
    const blind = policyOf({ objectives: { latency: { targetMs: 200, goodFraction: 0.99 } } })
    assert.deepStrictEqual(objectivesOf(blind), [])
    assert.strictEqual(guard(1, {}, blind), 1)
  })
})

describe("breach", () => {
  it.each([
    { title: "nothing at the limit", values: { latency: 200, errors: 0.01 }, want: undefined },
    { title: "latency over it", values: { latency: 201, errors: 0 }, want: "latency 201 ms is over its objective" },
    { title: "errors over it", values: { latency: 1, errors: 0.02 }, want: "error rate 2 % is over its objective" },
    { title: "nothing that is not measured", values: { latency: null, errors: null }, want: undefined }
  ])("is $title", ({ values, want }) => {
    assert.strictEqual(breach(policy, seen(values)), want)
  })
})

describe("guardObjectives", () => {
  it.each([
    { title: "lets down what stays below the objective", got: guard(6, { latency: 100, errors: 0 }), want: 6 },
    { title: "stops where latency would reach it", got: guard(5, { latency: 100, errors: 0 }), want: 6 },
    { title: "holds from 0.8 of the latency on", got: guard(9, { latency: 160, errors: 0 }), want: 10 },
    { title: "holds from half of the errors on", got: guard(9, { latency: 10, errors: 0.005 }), want: 10 },
    { title: "holds when one is not measured", got: guard(9, { latency: 10, errors: null }), want: 10 },
    { title: "has nothing against up", got: guard(12, { latency: null, errors: null }), want: 12 },
    { title: "lets everything go when nothing takes any time", got: guard(0, { latency: 0, errors: 0 }), want: 0 }
  ])("$title", ({ got, want }) => {
    assert.strictEqual(got, want)
  })

  it("lets down while an objective of no errors at all is kept", () => {
    const strict = policyOf({ ...policy, objectives: { errorRate: { signal: "errors", target: 0 } } })
    assert.strictEqual(guard(9, { errors: 0 }, strict), 9)
    assert.strictEqual(guard(9, { errors: 0.0001 }, strict), 10)
  })

  it("agrees with the rule for a single step: latency x n/(n-1) stays below the objective", () => {
    for (let replicas = 2; replicas <= 40; replicas++) {
      for (let latency = 1; latency < 160; latency += 3) {
        const floor = objectiveFloor(policy, observe(0, stateOf(replicas), { latency, errors: 0 }))
        const allowed = (replicas * latency) / (replicas - 1) < 200
        assert.strictEqual((floor?.replicas ?? 0) <= replicas - 1, allowed, `${replicas} at ${latency} ms`)
      }
    }
  })
})
