import { assert, describe, it } from "vitest"
import { slo } from "#engines/slo"
import type { Policy } from "#schemas/Policy"
import { measured, missing } from "#schemas/Reading"
import { observe, policyOf, signalOf, stateOf, type Values, watched } from "#test/domain/policies"

const policy = policyOf({
  signals: [signalOf(), watched("latency", { role: "latency" }), watched("errorRate", { role: "errorRate" })],
  engines: [
    { engine: "target", options: {} },
    { engine: "slo", options: {} }
  ],
  objectives: { latency: { targetMs: 200, goodFraction: 0.99 }, errorRate: { target: 0.01 } }
})
const propose = (values: Values, given: Policy = policy, replicas = 10) => {
  const observation = observe(0, stateOf(replicas), values)
  const signals = given.signals.map((signal) => ({
    signal,
    reading: observation.readings.find((each) => each.signal === signal.name)?.reading ?? missing("NotGiven", "none")
  }))
  return slo.propose({ policy: given, observation, signals, resumed: false, options: {}, memory: null }).proposals
}
const replicas = (...input: Parameters<typeof propose>) => propose(...input).map((proposal) => proposal.replicas)

describe("slo", () => {
  it.each([
    {
      title: "at the objective nothing is asked",
      values: { rps: 1000, latency: 200, errorRate: 0.01 },
      want: [10, 10]
    },
    { title: "latency asks in proportion", values: { rps: 1000, latency: 250, errorRate: 0 }, want: [13, 10] },
    { title: "at most double", values: { rps: 1000, latency: 9000, errorRate: 0 }, want: [20, 10] },
    { title: "errors ask for half of the excess", values: { rps: 1000, latency: 1, errorRate: 0.015 }, want: [10, 13] },
    { title: "at most half more", values: { rps: 1000, latency: 1, errorRate: 0.5 }, want: [10, 15] },
    { title: "errors at half the load count", values: { rps: 500, latency: 1, errorRate: 0.5 }, want: [10, 15] },
    {
      title: "errors below half the load are somebody else's",
      values: { rps: 499, latency: 1, errorRate: 0.5 },
      want: [10, 10]
    },
    {
      title: "errors under an unknown load are somebody else's",
      values: { rps: null, latency: 1, errorRate: 0.5 },
      want: [10, 10]
    },
    {
      title: "what is not measured gets no number",
      values: { rps: 1000, latency: null, errorRate: 0 },
      want: [undefined, 10]
    }
  ])("$title", ({ values, want }) => {
    assert.deepStrictEqual(replicas(values), want)
    assert.isTrue(propose(values).every(({ raiseOnly }) => raiseOnly))
  })

  it("asks for whole numbers where they are whole", () => {
    assert.deepStrictEqual(replicas({ rps: 10_000, latency: 220, errorRate: 0.012 }, policy, 100), [110, 110])
  })

  it("says when it cannot tell whether load is the cause", () => {
    const reason = (rps: number | null) => propose({ rps, latency: 1, errorRate: 0.5 })[1]?.reason
    assert.strictEqual(reason(499), "errorRate 50 % is over its objective of 1 %, but not because of load")
    assert.strictEqual(
      reason(null),
      "errorRate 50 % is over its objective of 1 %, and no signal with a target tells whether load is the cause"
    )
  })

  it("adds no more than it is told", () => {
    const observation = observe(0, stateOf(10), { latency: 9000 })
    const signals = [{ signal: watched("latency"), reading: measured(9000, 0) }]
    const given = { ...policy, objectives: { latency: { signal: "latency", targetMs: 200, goodFraction: 0.99 } } }
    const ask = (maxRaisePercent: number) =>
      slo.propose({ policy: given, observation, signals, resumed: false, options: { maxRaisePercent }, memory: null })
        .proposals[0]?.replicas
    assert.deepStrictEqual([ask(30), ask(400)], [13, 50])
  })

  it("alone takes all but the last replica, since nothing could bring that one back", () => {
    const alone = {
      ...policy,
      bounds: { min: 0, max: 10 },
      engines: [{ engine: "slo", options: {} }],
      objectives: { errorRate: { target: 0.01 } }
    }
    const last = (count: number) => replicas({ errorRate: 0 }, alone, count).at(-1)
    assert.deepStrictEqual([last(3), last(2), last(1), last(0)], [2, 1, 1, 0])
  })

  it("takes an objective of zero for broken by anything", () => {
    const strict = { ...policy, objectives: { errorRate: { target: 0 } } }
    assert.deepStrictEqual(replicas({ rps: 1000, errorRate: 0.001 }, strict), [15])
    assert.deepStrictEqual(replicas({ rps: 1000, errorRate: 0 }, strict), [10])
  })

  it("alone lets one replica go while the objectives are calm, and none while they are near or unknown", () => {
    const alone = { ...policy, engines: [{ engine: "slo", options: {} }] }
    assert.deepStrictEqual(replicas({ rps: 1, latency: 100, errorRate: 0 }, alone), [10, 10, 9])
    assert.deepStrictEqual(replicas({ rps: 1, latency: 180, errorRate: 0 }, alone), [10, 10, 10])
    assert.deepStrictEqual(replicas({ rps: 1, latency: null, errorRate: 0 }, alone), [undefined, 10])
  })

  it("asks nothing where nothing measures the objectives", () => {
    assert.deepStrictEqual(
      propose({ rps: 1 }, policyOf({ objectives: { latency: { targetMs: 1, goodFraction: 0.99 } } })),
      []
    )
  })
})
