import * as Result from "effect/Result"
import { assert, describe, it } from "vitest"
import { bindEngine, runs } from "#engines/index"
import type { Policy, Role } from "#schemas/Policy"
import { missing } from "#schemas/Reading"
import { observe, policyOf, stateOf, type Values, watched } from "#test/domain/policies"
import { learnsBesideAPendingPod, learnsFromNoOtherPods, learnsWithoutOneSample } from "#test/engines/otherPods"

const ROLES: ReadonlyArray<Role> = ["demand", "served", "utilization", "backlog", "badFraction"]
const without = (...roles: ReadonlyArray<Role>) =>
  ROLES.filter((role) => !roles.includes(role)).map((role) => watched(role, { role, worksAtZero: role === "demand" }))

const web = policyOf({
  signals: without("backlog"),
  engines: [{ engine: "capacity", options: {} }],
  objectives: { latency: { targetMs: 500, goodFraction: 0.99 } }
})

const tickWith = (policy: Policy, options: unknown = {}) => {
  const engine = Result.getOrThrow(bindEngine({ engine: "capacity", options }))
  let memory: unknown
  return (at: number, replicas: number, values: Values) => {
    const observation = observe(at, stateOf(replicas), values)
    const signals = policy.signals.map((signal) => ({
      signal,
      reading: observation.readings.find((each) => each.signal === signal.name)?.reading ?? missing("NotGiven", "none")
    }))
    const output = engine.propose({ policy, observation, signals, resumed: false, memory })
    memory = output.memory
    return output.proposals[0]
  }
}

/** Pods that serve 40 each, and whose answers go bad as exp(-18 x what is free). */
const serving = (demand: number, replicas: number): Values => {
  const load = demand / (40 * replicas)
  return { demand, served: demand, utilization: load * 100, badFraction: Math.exp(-18 * (1 - load)) }
}

const after = (policy: Policy, options: unknown, demand: number) => {
  const tick = tickWith(policy, options)
  let proposal = tick(0, 20, serving(demand, 20))
  for (let at = 15_000; at < 1_800_000; at += 15_000) proposal = tick(at, 20, serving(demand, 20))
  return proposal?.replicas ?? -1
}

describe("capacity", () => {
  it("finds the fewest pods whose answers are good enough, and keeps the headroom free beyond them", () => {
    const fewest = after(web, { headroomPercent: 0 }, 560)
    const badWith = (pods: number) => Math.exp(-18 * (1 - 560 / (40 * pods)))
    assert.isAtMost(badWith(fewest), 0.0101)
    assert.isAbove(badWith(fewest - 1), 0.01)
    assert.strictEqual(after(web, { headroomPercent: 50 }, 560), Math.ceil((fewest - 0.3) * 2))
    assert.isAbove(after(web, {}, 560), fewest)
  })

  it("staffs by Erlang's formula where bad answers are not measured", () => {
    const blind = { ...web, signals: without("backlog", "badFraction", "served") }
    // Fourteen pods' worth of work: one in a hundred waits with 25 servers.
    assert.strictEqual(after(blind, { headroomPercent: 0 }, 560), 25)
  })

  it("drains a queue within its objective", () => {
    const queue = {
      ...web,
      signals: without("badFraction"),
      objectives: { queue: { drainSeconds: 60 }, startupSeconds: 20 }
    }
    const tick = tickWith(queue, { headroomPercent: 0 })
    const busy = { demand: 200, served: 200, utilization: 50, backlog: 0 }
    for (let at = 0; at < 300_000; at += 15_000) tick(at, 10, busy)
    const calm = tick(300_000, 10, busy)?.replicas ?? 0
    assert.isAtMost(calm, 5)
    assert.isAbove(tick(315_000, 10, { ...busy, backlog: 20_000 })?.replicas ?? 0, calm + 5)
  })

  it("learns what a pod serves from no samples that look back to when there were other pods", () => {
    learnsFromNoOtherPods("capacity", web, (ready) => serving(280, ready))
  })

  it("learns what the ready pods serve however long another finds no node", () => {
    learnsBesideAPendingPod("capacity", web, (ready) => serving(280, ready))
  })

  it("learns what the ready pods serve though one of them has no sample", () => {
    learnsWithoutOneSample("capacity", web, (ready) => serving(280, ready))
  })

  it("takes the signal that it is told for the demand", () => {
    const named = { ...web, signals: [...web.signals, watched("orders")] }
    const tick = tickWith(named, { signal: "orders", headroomPercent: 0 })
    for (let at = 0; at < 300_000; at += 15_000) tick(at, 20, { ...serving(560, 20), orders: 280 })
    assert.match(tick(300_000, 20, { ...serving(560, 20), orders: 280 })?.reason ?? "", /^280 of demand/u)
  })

  it("holds nothing up while it learns, starts the first pod for work, and waits for what is missing", () => {
    const tick = tickWith(web)
    const first = tick(0, 20, serving(560, 20))
    assert.isUndefined(first?.replicas)
    assert.isUndefined(first?.signal)
    const none = { served: null, utilization: null, badFraction: null }
    assert.strictEqual(tickWith(web)(0, 0, { ...none, demand: 3 })?.replicas, 1)
    assert.strictEqual(tick(15_000, 20, { ...serving(560, 20), demand: null })?.signal, "demand")
  })

  it("runs where the use of the pods is measured", () => {
    assert.isTrue(runs("capacity", web))
    assert.isFalse(runs("capacity", { ...web, signals: without("utilization") }))
  })
})
