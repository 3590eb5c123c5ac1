import { assert, describe, it } from "vitest"
import { target } from "#engines/target"
import type { Policy } from "#schemas/Policy"
import { missing } from "#schemas/Reading"
import { boundEngines, observe, policyOf, signalOf, stateOf, type Values, watched } from "#test/domain/policies"

const propose = (policy: Policy, replicas: number, values: Values) => {
  const [engine] = boundEngines(policy)
  if (engine === undefined) throw new Error("no engine")
  const observation = observe(0, stateOf(replicas), values)
  const signals = policy.signals.map((signal) => ({
    signal,
    reading: observation.readings.find((each) => each.signal === signal.name)?.reading ?? missing("NotGiven", "none")
  }))
  return engine.propose({ policy, observation, signals, resumed: false, memory: undefined }).proposals
}
const shapes = (...input: Parameters<typeof propose>) =>
  propose(...input).map(({ replicas, signal }) => [signal, replicas])

describe("target", () => {
  const queue = signalOf({ name: "jobs", target: { type: "AverageValue", milli: 10_000 }, worksAtZero: true })

  it("proposes once for each signal with a target, and not for those without", () => {
    const policy = policyOf({ signals: [signalOf(), watched("network"), queue] })
    assert.deepStrictEqual(shapes(policy, 5, { rps: 900, network: 1, jobs: 30 }), [
      ["rps", 9],
      ["jobs", 3]
    ])
  })

  it("keeps to the signals that it is told", () => {
    const policy = policyOf({
      signals: [signalOf(), queue],
      engines: [{ engine: "target", options: { signals: ["jobs"] } }]
    })
    assert.deepStrictEqual(shapes(policy, 5, { rps: 900, jobs: 30 }), [["jobs", 3]])
  })

  it("gives no number for what is missing, and says why", () => {
    const [proposal] = propose(policyOf(), 5, { rps: null })
    assert.deepStrictEqual(proposal, {
      engine: "target",
      signal: "rps",
      raiseOnly: false,
      reason: "rps is missing: connection refused"
    })
  })

  it("asks at zero only what is true with nobody running", () => {
    const policy = policyOf({ bounds: { min: 0, max: 9 }, signals: [signalOf(), queue] })
    assert.deepStrictEqual(shapes(policy, 0, { rps: 900, jobs: 30 }), [["jobs", 3]])
  })

  it("leaves the last replica to the signals that can see at zero", () => {
    const signals = [signalOf(), queue]
    const values = { rps: 20, jobs: 0 }
    assert.deepStrictEqual(shapes(policyOf({ bounds: { min: 0, max: 9 }, signals }), 1, values), [
      ["rps", 0],
      ["jobs", 0]
    ])
    assert.deepStrictEqual(shapes(policyOf({ bounds: { min: 1, max: 9 }, signals }), 1, values), [
      ["rps", 1],
      ["jobs", 0]
    ])
    assert.deepStrictEqual(shapes(policyOf({ bounds: { min: 0, max: 9 } }), 1, { rps: 20 }), [["rps", 1]])
  })

  it("is built", () => assert.isTrue(target.built))
})
