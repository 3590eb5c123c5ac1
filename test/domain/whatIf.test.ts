import { assert, describe, it } from "vitest"
import type { BoundEngine } from "#domain/Engine"
import { play } from "#domain/play"
import { initialMemory } from "#domain/memory"
import { whatIf } from "#domain/whatIf"
import { bindEngine } from "#engines/index"
import type { DecisionRecord } from "#schemas/Decision"
import type { Memory } from "#schemas/Memory"
import type { Policy } from "#schemas/Policy"
import { measured, missing, type Reading } from "#schemas/Reading"
import { makeRecord, policyOf, state } from "#test/operator/records"

const enginesOf = (policy: Policy): ReadonlyArray<BoundEngine> =>
  policy.engines.map(bindEngine).flatMap((bound) => (bound._tag === "Success" ? [bound.success] : []))

/** What the policy did at this course of the signal, with pods that are ready at the next look. */
const lived = (policy: Policy, course: ReadonlyArray<(replicas: number) => Reading>, from = 2) => {
  const records: Array<DecisionRecord> = []
  let memory: Memory = initialMemory(policy, 0)
  let replicas = from
  course.forEach((reading, index) => {
    const at = index * 15_000
    const made = makeRecord({ uid: "web", id: `web.${index}`, at, outcome: { _tag: "Unchanged" } })
    const observation = {
      ...made.observation,
      state: state(replicas),
      readings: [{ signal: "load", reading: reading(replicas) }]
    }
    const played = play({ policy, engines: enginesOf(policy), observation, memory })
    records.push({ ...made, observation, memory, decision: played.decision })
    memory = played.memory
    replicas = played.decision.desired
  })
  return records
}

const total = (...values: ReadonlyArray<number>) => values.map((value) => () => measured(value, 0))

const replicasOf = (policy: Policy, records: ReadonlyArray<DecisionRecord>) =>
  whatIf(policy, enginesOf(policy), records).points.map(({ replicas }) => replicas)

describe("what if", () => {
  const policy = policyOf("web")
  const course = total(20, 45, 80, 80, 60, 30, 30, 90, 20, 20)

  it("comes to what happened, where nothing is changed", () => {
    const records = lived(policy, course)
    assert.deepStrictEqual(
      replicasOf(policy, records),
      records.map(({ observation }) => observation.state.specReplicas)
    )
  })

  it("keeps to other bounds, and leaves what was recorded beside it", () => {
    const records = lived(policy, course)
    const { points } = whatIf({ ...policy, bounds: { min: 3, max: 5 } }, enginesOf(policy), records)
    assert.deepStrictEqual(
      points.map(({ recorded }) => recorded),
      records.map(({ observation }) => observation.state.specReplicas)
    )
    assert.isTrue(points.slice(1).every(({ replicas }) => replicas >= 3 && replicas <= 5))
    assert.isTrue(points.some(({ replicas }) => replicas === 5))
  })

  it("holds a total at another target by its own pods", () => {
    const [load] = policy.signals
    assert.isDefined(load)
    const signals = [{ ...load, target: { type: "AverageValue" as const, milli: 20_000 } }]
    const wanted = replicasOf({ ...policy, signals }, lived(policy, total(100, 100, 100, 100)))
    assert.deepStrictEqual(wanted.slice(1), [5, 5, 5])
  })

  it("spreads a utilization over the pods that there would have been", () => {
    const [load] = policy.signals
    assert.isDefined(load)
    const signals = [
      { ...load, role: "utilization" as const, target: { type: "Utilization" as const, milli: 50 }, source: "resource" }
    ]
    const busy = { ...policy, signals }
    const records = lived(
      busy,
      Array.from({ length: 12 }, () => (replicas: number) => measured(300 / replicas, 0))
    )
    assert.strictEqual(records.at(-1)?.observation.state.specReplicas, 6)
    const wider = [{ ...signals[0]!, target: { type: "Utilization" as const, milli: 75 } }]
    assert.strictEqual(replicasOf({ ...busy, signals: wider }, records).at(-1), 4)
  })

  it("lowers nothing where the signal was missing", () => {
    const gone = () => missing("Timeout", "no answer")
    const records = lived(policy, [...total(80, 80), gone, gone, gone])
    assert.deepStrictEqual(replicasOf({ ...policy, bounds: { min: 1, max: 9 } }, records).slice(1), [8, 8, 8, 8])
  })

  it("says what it takes for granted, and of what", () => {
    const signals = (["demand", "utilization", "latency", "age"] as const).map((role) => ({
      ...policy.signals[0]!,
      name: role,
      role
    }))
    const { assumptions } = whatIf({ ...policy, signals, objectives: { startupSeconds: 45 } }, [], [])
    assert.match(assumptions[0] ?? "", /^demand: what came in does not depend on the replicas/u)
    assert.match(assumptions[1] ?? "", /^utilization: the sum over the ready pods is held/u)
    assert.match(assumptions[2] ?? "", /^latency, age: held as it was read\. With fewer pods it would have been worse/u)
    assert.include(assumptions[3] ?? "", "ready after 45 s")
  })
})
