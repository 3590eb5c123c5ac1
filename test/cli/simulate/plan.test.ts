import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { readFileSync } from "node:fs"
import { type Over, planOf, type Said } from "#cli/simulate/plan"
import { readPolicyFile } from "#judge/policyFile"
import { readTrace } from "#workload/trace"
import { capacityOf } from "#workload/Workload"

const SAID: Said = {
  plant: undefined,
  workers: undefined,
  serviceMs: undefined,
  startupSeconds: undefined,
  sloMs: undefined,
  drainSeconds: undefined,
  good: undefined,
  minReplicas: undefined,
  maxReplicas: undefined,
  lostPercent: 0,
  rate: undefined,
  hours: undefined,
  seed: 7,
  rivals: ["hpa"]
}
const STEADY: Over = { _tag: "Pattern", text: "steady" }

const plan = (said: Partial<Said> = {}, over: Over = STEADY, policy?: string) => {
  const file = policy === undefined ? undefined : Result.getOrThrow(readPolicyFile("file", policy, undefined))
  return Result.getOrThrow(planOf({ ...SAID, ...said }, over, file))
}
const refusal = (said: Partial<Said>, over: Over = STEADY) => {
  const made = planOf({ ...SAID, ...said }, over, undefined)
  return Result.isFailure(made) ? made.failure : ""
}

const example = (path: string) => readFileSync(new URL(`../../fixtures/crd/${path}`, import.meta.url).pathname, "utf8")

const QUEUE = `apiVersion: nimbusguard.io/v1
kind: ScalingPolicy
metadata: {name: mails, namespace: default}
spec:
  target: {apiVersion: apps/v1, kind: Deployment, name: mails}
  scaling: {minReplicas: 2, maxReplicas: 9}
  signals:
    - {name: waiting, redis: {host: redis, queueName: mails}, target: {type: AverageValue, value: "50"}}
  objectives: {queue: {drainSeconds: 90}, startupSeconds: 12}
`

describe("what is simulated", () => {
  it("tells of times of which a trace has no line", () => {
    const minutes = [0, 1, 2, 3, 4, 5, 40, 41, 42, 43, 44, 45]
    const trace = Result.getOrThrow(readTrace(minutes.map((minute) => `${60 * minute},100`).join("\n")))
    const { notes } = plan({}, { _tag: "Trace", name: "x.csv", trace })
    assert.include(
      notes,
      "The trace has no lines for 34 min in all; there the rate follows from the lines beside them."
    )
  })

  it("is a web service for six hours where nothing is said, under the default alone", () => {
    const { entrants, scenario, title } = plan()
    assert.deepStrictEqual([scenario.seconds, scenario.workload.kind, title], [21_600, "http", "6 h of steady, seed 7"])
    assert.deepStrictEqual(
      entrants.map(({ title }) => title),
      ["NimbusGuard", "HPA"]
    )
  })

  it("takes the kind, the bounds, the objective and the start-up from the policy, and what is said over them", () => {
    const { entrants, scenario } = plan({}, STEADY, QUEUE)
    const { kind, maxReplicas, minReplicas, objectiveSeconds, startupSeconds } = scenario.workload
    assert.deepStrictEqual([kind, minReplicas, maxReplicas, objectiveSeconds, startupSeconds], ["queue", 2, 9, 90, 12])
    assert.deepStrictEqual(
      entrants.map(({ title }) => title),
      ["mails", "NimbusGuard's default", "HPA"]
    )
    const said = plan({ maxReplicas: 30, drainSeconds: 20, startupSeconds: 3 }, STEADY, QUEUE).scenario.workload
    assert.deepStrictEqual([said.maxReplicas, said.objectiveSeconds, said.startupSeconds], [30, 20, 3])
  })

  it("says what it assumes of a signal that does not say what it measures", () => {
    const { notes } = plan({}, STEADY, example("valid/seed-5-generalscaler.yaml"))
    assert.match(notes.join("\n"), /The signal metric is taken to measure .*\./u)
  })

  it("has pods that can carry what the policy wants them to, unless it is told what they do", () => {
    const { notes, scenario } = plan({}, STEADY, example("valid/seed-5-generalscaler.yaml"))
    assert.closeTo(capacityOf(scenario.workload), 100 / 0.7, 1e-6)
    assert.match(notes.join("\n"), /follows from what the policy wants it to carry/u)
    const told = plan({ workers: 2, serviceMs: 50 }, STEADY, example("valid/seed-5-generalscaler.yaml"))
    assert.strictEqual(capacityOf(told.scenario.workload), 40)
    assert.notMatch(told.notes.join("\n"), /follows from/u)
  })

  it("plays a trace as it is, or with another mean", () => {
    const trace = Result.getOrThrow(readTrace("0,100\n60,200\n120,300\n"))
    const over: Over = { _tag: "Trace", name: "shop.csv", trace }
    assert.strictEqual(plan({}, over).scenario.traffic(150), 300)
    assert.strictEqual(plan({ rate: 20 }, over).scenario.traffic(150), 30)
    assert.strictEqual(plan({}, over).scenario.seconds, 180)
    const cut = plan({ hours: 0.025 }, over)
    assert.strictEqual(cut.scenario.seconds, 90)
    assert.match(cut.notes.join("\n"), /the rest is left out/u)
  })

  it("warns of a peak that no allowed number of pods can serve", () => {
    assert.match(
      plan({ maxReplicas: 3, rate: 1_000 }).notes.join("\n"),
      /The peak keeps \d+ pods busy, and no more than 3 may run/u
    )
  })

  it("refuses what cannot be, with what to change", () => {
    assert.match(refusal({ plant: "mainframe" }), /There is no plant mainframe: choose one of web, fast, /u)
    assert.match(refusal({ sloMs: 100, serviceMs: 200 }), /no number of pods can do that\. Raise --slo-ms/u)
    assert.match(refusal({ workers: 0 }), /--workers must be more than 0/u)
    assert.match(refusal({ workers: 2.5 }), /--workers must be a whole number, and is 2\.5/u)
    assert.match(refusal({ minReplicas: 1.5 }), /--min must be a whole number/u)
    assert.match(refusal({ maxReplicas: 2.5 }), /--max must be a whole number/u)
    assert.match(refusal({ hours: 1000 }), /--hours is 1000: give from 0\.02 \(a minute\) to 168/u)
    assert.match(refusal({ hours: 0.001 }), /--hours is 0\.001: give from/u)
    assert.match(refusal({ minReplicas: 9, maxReplicas: 3 }), /leave nothing between them/u)
    assert.match(refusal({ good: 99 }), /--good is 99: give a share/u)
    assert.match(refusal({ lostPercent: 101 }), /--lost is 101: give percent/u)
    assert.match(refusal({}, { _tag: "Pattern", text: "spikes" }), /^--pattern: there is no pattern spikes/u)
    const short = Result.getOrThrow(readTrace("0,1\n5,1\n"))
    assert.match(refusal({}, { _tag: "Trace", name: "x.csv", trace: short }), /x\.csv is 10 s long/u)
  })
})
