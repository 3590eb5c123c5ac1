import { assert, describe, it } from "vitest"
import { play } from "#domain/play"
import { initialMemory, noteReplicas } from "#domain/memory"
import { firstDifference, replay } from "#domain/replay"
import type { DecisionRecord } from "#schemas/Decision"
import type { EngineSpec, Policy } from "#schemas/Policy"
import { Dice } from "#test/domain/Dice"
import {
  boundEngines,
  FREE,
  hpaRates,
  limitsOf,
  observe,
  policyOf,
  rules,
  signalOf,
  stateOf,
  watched
} from "#test/domain/policies"

const TARGET: EngineSpec = { engine: "target", options: {} }
const STEP: EngineSpec = {
  engine: "step",
  options: {
    rules: [{ signal: "rps", up: { op: "gt", thresholdMilli: 900_000 }, downBelowMilli: 300_000 }],
    up: "ratio",
    down: "one",
    downAfterSeconds: 30
  }
}

const policyFor = (dice: Dice): Policy =>
  policyOf({
    bounds: { min: dice.int(0, 4), max: dice.int(5, 40) },
    signals: [signalOf({ worksAtZero: true }), watched("latency", { role: "latency" })],
    engines: dice.of([[TARGET], [STEP], [STEP, TARGET], [TARGET, { engine: "slo", options: {} }]]),
    limits: limitsOf({
      rates: dice.of([
        FREE,
        hpaRates(),
        hpaRates({}, rules({ stabilizationSeconds: 60 })),
        { _tag: "Absent", downSeconds: 300 }
      ]),
      cooldown: { upSeconds: dice.of([0, 45]), downSeconds: dice.of([0, 60]) },
      step: dice.of([{}, { up: 3, down: 1 }])
    }),
    objectives: dice.of([{}, { latency: { targetMs: 200, goodFraction: 0.99 } }]),
    schedules: dice.of([
      [],
      [{ name: "day", start: "*/20 * * * *", end: "10-59/20 * * * *", timeZone: "UTC", floor: 3, ceiling: 12 }]
    ])
  })

/** Records as the operator makes them: with the memory as it was before, replicas of strangers noted. */
const recordsOf = (seed: number): { readonly policy: Policy; readonly records: ReadonlyArray<DecisionRecord> } => {
  const dice = new Dice(seed)
  const policy = policyFor(dice)
  const engines = boundEngines(policy)
  let memory = initialMemory(policy, 0)
  let replicas = dice.int(0, 45)
  let at = 0
  const records = dice.many(20, 20, (): DecisionRecord => {
    at += dice.of([1_000, 15_000, 15_000, 30_001, 400_000])
    if (dice.chance(0.1)) replicas = dice.int(0, 45)
    const rps = dice.chance(0.15) ? null : dice.float() * 5_000
    const latency = dice.chance(0.2) ? null : dice.float() * 400
    const state = stateOf(replicas, { readyReplicas: dice.int(0, replicas), rollingOut: dice.chance(0.1) })
    const observation = observe(at, state, { rps, latency })
    const before = noteReplicas(memory, observation)
    const played = play({ policy, engines, observation, memory })
    const from = replicas
    const { decision } = played
    memory = played.memory
    replicas = decision.desired
    return {
      version: 1,
      id: `${seed}.${at}`,
      policy: policy.ref,
      observation,
      memory: before,
      decision,
      outcome:
        from === replicas ? { _tag: "Unchanged" } : { _tag: "Scaled", from, to: replicas, resourceVersion: `${at}` },
      finishedAt: at + 5
    }
  })
  return { policy, records }
}

const json = <A>(value: A): A => JSON.parse(JSON.stringify(value)) as A

describe("a replay", () => {
  it("makes any of 10,000 random decisions again, also after it has been written down", () => {
    let scaled = 0
    for (let seed = 1; seed <= 500; seed += 1) {
      const { policy, records } = recordsOf(seed)
      const engines = boundEngines(json(policy))
      for (const record of records) {
        if (record.outcome._tag === "Scaled") scaled += 1
        const again = replay(json(policy), engines, json(record))
        if (again._tag !== "Same") assert.fail(`seed ${seed}, ${record.id}: ${JSON.stringify(again)}`)
      }
    }
    assert.isAbove(scaled, 2_000)
  })

  it("finds what was changed in a record, and where", () => {
    const { policy, records } = recordsOf(3)
    const record = records.find(({ decision }) => decision.steps.length > 0)
    const step = record?.decision.steps[0]
    if (record === undefined || step === undefined) throw new Error("nothing was limited")
    const steps = [{ ...step, after: step.after + 1 }, ...record.decision.steps.slice(1)]
    const tampered = { ...record, decision: { ...record.decision, steps } }
    assert.deepStrictEqual(replay(policy, boundEngines(policy), tampered), {
      _tag: "Different",
      first: { path: "steps[0].after", recorded: step.after + 1, replayed: step.after }
    })
  })

  it("is refused for another generation of the policy, another policy, and what nobody decided", () => {
    const { policy, records } = recordsOf(1)
    const [record] = records
    if (record === undefined) throw new Error("no record")
    const engines = boundEngines(policy)
    const edited = { ...policy, ref: { ...policy.ref, generation: 2 } }
    assert.deepStrictEqual(replay(edited, engines, record), {
      _tag: "NotReplayable",
      why: "it was decided by generation 1 of the policy, and only generation 2 is held"
    })
    assert.strictEqual(
      replay({ ...policy, ref: { ...policy.ref, uid: "other" } }, engines, record)._tag,
      "NotReplayable"
    )
    const found = { ...record, outcome: { _tag: "Recovered", from: 1, to: 2, by: "nimbusguard" } as const }
    assert.strictEqual(replay(policy, engines, found)._tag, "NotReplayable")
  })
})

describe("the first difference", () => {
  it.each([
    { recorded: { a: 1 }, replayed: { a: 1, b: undefined }, want: undefined },
    { recorded: { a: [1, { b: 2 }] }, replayed: { a: [1, { b: 3 }] }, want: "a[1].b" },
    { recorded: { a: [1] }, replayed: { a: [1, 2] }, want: "a[1]" },
    { recorded: { a: {} }, replayed: { a: [] }, want: "a" },
    { recorded: { a: null }, replayed: { a: {} }, want: "a" },
    { recorded: { a: 0 }, replayed: { a: -0 }, want: undefined },
    { recorded: { a: 1 }, replayed: {}, want: "a" },
    { recorded: {}, replayed: { a: 1 }, want: "a" }
  ])("of $recorded and $replayed is at $want", ({ recorded, replayed, want }) => {
    assert.strictEqual(firstDifference(recorded, replayed)?.path, want)
  })
})
