/**
 * Random policies in random worlds: every kind of rate, limit, pause and schedule; readings that fail in every way; people
 * who scale by hand; writes that are refused, and writes whose answer is lost. What was written is written down beside
 * the memory, so that a property need not believe the memory that it is about.
 */
import { decide, type Decided } from "#domain/decide"
import type { BoundEngine } from "#domain/Engine"
import { adopt, initialMemory, noteReplicas, restored } from "#domain/memory"
import { settle } from "#domain/settle"
import type { DecisionRecord, Outcome } from "#schemas/Decision"
import type { Memory } from "#schemas/Memory"
import type { Observation, TargetState } from "#schemas/Observation"
import type { EngineSpec, Pause, Policy, Rates, ScalingRules, Schedule } from "#schemas/Policy"
import { measured, missing, MissingReason, type PodSample, type Reading } from "#schemas/Reading"
import type { Dice } from "#test/domain/Dice"
import {
  boundEngines,
  FREE,
  hpaRates,
  limitsOf,
  MINUTE,
  observe,
  policyOf,
  rules,
  signalOf,
  stateOf,
  watched
} from "#test/domain/policies"

/** A quarter of an hour before the clocks of Europe skip an hour. */
const START = Date.UTC(2026, 2, 29, 0, 45)

const stepEngine = (dice: Dice): EngineSpec => ({
  engine: "step",
  options: {
    rules: [{ signal: "rps", up: { op: "gt", thresholdMilli: 900_000 }, downBelowMilli: 300_000 }],
    up: dice.pick<unknown>([() => "one", () => "ratio", () => ({ perReplicaMilli: 200_000 })]),
    down: dice.pick<unknown>([() => "one", () => ({ perReplicaMilli: 200_000 })]),
    downAfterSeconds: dice.of([0, 20, 60])
  }
})

const rulesOf = (dice: Dice): ScalingRules =>
  rules({
    stabilizationSeconds: dice.of([0, 0, 30, 300]),
    selectPolicy: dice.of(["Max", "Max", "Min", "Min", "Disabled"] as const),
    policies: dice.many(1, 3, () => ({
      type: dice.of(["Pods", "Percent"] as const),
      value: dice.of([1, 2, 4, 10, 50, 100]),
      periodSeconds: dice.of([15, 60, 300])
    }))
  })

const ratesOf = (dice: Dice): Rates =>
  dice.pick<Rates>([
    () => FREE,
    () => ({ _tag: "Windows", upSeconds: dice.of([0, 30]), downSeconds: dice.of([0, 300]) }),
    () => ({ _tag: "Absent", downSeconds: 300 }),
    () => hpaRates(rulesOf(dice), rulesOf(dice)),
    () => hpaRates(rulesOf(dice), rulesOf(dice))
  ])

const schedulesOf = (dice: Dice): ReadonlyArray<Schedule> =>
  dice.many(1, 2, (index) => ({
    name: `window${index}`,
    start: dice.of(["*/20 * * * *", "30 2 * * *", "0 0 * * *"]),
    end: dice.of(["10-59/20 * * * *", "30 3 * * *", "0 12 * * *"]),
    timeZone: dice.of(["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/New_York"]),
    ...dice.pick<{ floor?: number; ceiling?: number }>([
      () => ({ floor: dice.int(1, 12) }),
      () => ({ ceiling: dice.int(3, 20) }),
      () => ({ floor: 3, ceiling: 12 })
    ])
  }))

const pauseOf = (dice: Dice): Pause => ({
  direction: dice.of(["Both", "Up", "Down"] as const),
  ...(dice.chance(0.3) ? { replicas: dice.int(0, 30) } : {}),
  ...(dice.chance(0.7) ? { until: START + dice.int(0, 10) * MINUTE } : {})
})

export const wildPolicy = (dice: Dice): Policy => {
  const min = dice.int(0, 5)
  const max = Math.max(1, min) + dice.int(0, 30)
  const objective = dice.chance(0.4)
  const share = () => dice.chance(0.5)
  const target = { engine: "target", options: {} }
  return policyOf({
    bounds: { min, max },
    mode: dice.chance(0.03) ? "Paused" : "Active",
    signals: [
      signalOf({ onMissing: dice.of(["Hold", "Fallback"] as const), worksAtZero: true }),
      signalOf({ name: "busy", target: { type: dice.of(["Value", "Utilization"] as const), milli: 60 } }),
      ...(objective ? [watched("latency", { role: "latency" }), watched("errorRate", { role: "errorRate" })] : [])
    ],
    engines: dice.pick<ReadonlyArray<EngineSpec>>([
      () => [target],
      () => [target, { engine: "slo", options: {} }],
      () => [stepEngine(dice)],
      () => [stepEngine(dice), target]
    ]),
    limits: limitsOf({
      rates: ratesOf(dice),
      cooldown: { upSeconds: dice.of([0, 0, 45]), downSeconds: dice.of([0, 60, 300]) },
      step: { ...(share() ? { up: dice.int(1, 5) } : {}), ...(share() ? { down: dice.int(1, 5) } : {}) },
      toleranceMilli: { up: dice.of([0, 50, 100]), down: dice.of([0, 100, 200]) }
    }),
    objectives: {
      ...(objective ? { latency: { targetMs: 200, goodFraction: 0.99 }, errorRate: { target: 0.01 } } : {}),
      ...(dice.chance(0.2)
        ? {
            cost: {
              maxMonthlyCost: 36.5 * dice.int(1, 20),
              costPerPodPerHour: 0.05,
              preferredScaleDirection: "balanced" as const
            }
          }
        : {})
    },
    schedules: dice.chance(0.05) ? schedulesOf(dice) : [],
    ...(dice.chance(0.3) ? { fallback: { afterSeconds: dice.of([0, 120]), replicas: dice.int(1, 20) } } : {}),
    ...(dice.chance(0.1) ? { pause: pauseOf(dice) } : {}),
    safety: { rolloutGuard: share(), disruptionFloor: share(), rollback: share(), freezeOnFailingPods: share() }
  })
}

const podsOf = (dice: Dice, at: number, replicas: number): ReadonlyArray<PodSample> =>
  Array.from({ length: Math.min(replicas, 6) }, (_, index) => ({
    name: `web-${index}`,
    phase: dice.of(["Running", "Running", "Running", "Pending", "Failed"]),
    deleting: dice.chance(0.05),
    ready: dice.chance(0.9),
    readyChangedAt: at - dice.int(0, 600_000),
    startedAt: at - 600_000,
    requestMilli: 1000,
    ...(dice.chance(0.9) ? { usageMilli: dice.int(0, 2000), sampledAt: at, windowMillis: 30_000 } : {})
  }))

const readingOf = (dice: Dice, value: number, at: number): Reading =>
  dice.pick<Reading>([
    () => measured(value, at),
    () => measured(value, at, dice.of([1, 0.5])),
    () => missing(dice.of(MissingReason.literals), "no answer"),
    () => ({ _tag: "Stale", value, at: at - 1, ageMillis: 1, detail: "old" })
  ])

const observationOf = (dice: Dice, policy: Policy, at: number, current: number): Observation => {
  const calm = dice.chance(0.6)
  const reading = (value: number) => (calm ? measured(value, at) : readingOf(dice, value, at))
  const busy = reading(120 * dice.float())
  const sampled = busy._tag === "Measured" && policy.signals[1]?.target?.type === "Utilization" && dice.chance(0.5)
  const state: TargetState = stateOf(current, {
    statusReplicas: dice.chance(0.9) ? current : current + 1,
    readyReplicas: dice.chance(0.8) ? current : dice.int(0, current),
    rollingOut: dice.chance(0.1),
    ...(dice.chance(0.2) ? { disruptionFloor: dice.int(1, 10) } : {}),
    ...(dice.chance(0.1) ? { failingPodsSince: at - dice.int(0, 400_000) } : {})
  })
  return observe(at, state, {
    rps: reading(dice.of([0, 100, 500, 2000, 9000]) * dice.float()),
    busy: sampled ? { ...busy, pods: podsOf(dice, at, current) } : busy,
    latency: reading(dice.of([50, 150, 300]) * dice.float()),
    errorRate: reading(0.02 * dice.float())
  })
}

export interface Write {
  readonly at: number
  readonly change: number
}

/** One decision, what it was made of, and what was really written before it. */
export interface Ticked {
  readonly seed: number
  readonly policy: Policy
  readonly engines: ReadonlyArray<BoundEngine>
  readonly at: number
  readonly from: number
  readonly record: DecisionRecord
  readonly decided: Decided
  readonly writes: ReadonlyArray<Write>
}

const recordOf = (policy: Policy, observation: Observation, memory: Memory, decided: Decided, outcome: Outcome) => ({
  version: 1 as const,
  id: `${policy.ref.uid}.${observation.at}`,
  policy: policy.ref,
  observation,
  memory,
  decision: decided.decision,
  outcome,
  finishedAt: observation.at
})

const outcomeOf = (dice: Dice, from: number, to: number): Outcome => {
  if (from === to) return { _tag: "Unchanged" }
  if (dice.chance(0.9)) return { _tag: "Scaled", from, to, resourceVersion: "" }
  return dice.pick<Outcome>([
    () => ({ _tag: "Refused", reason: "Conflict", message: "Changed meanwhile." }),
    () => ({ _tag: "Withheld", why: "NotLeader", message: "The lease has ended." }),
    () => ({ _tag: "Unknown", message: "The answer was lost." })
  ])
}

/** One policy and its target through so many ticks. */
export function* wildCourse(dice: Dice, seed: number, ticks: number): Generator<Ticked> {
  const policy = wildPolicy(dice)
  const engines = boundEngines(policy)
  const { max, min } = policy.bounds
  const writes: Array<Write> = []
  // As the operator, which freezes where it is fought, or as the command line, which follows.
  const note = dice.chance(0.3) ? adopt : noteReplicas
  let at = START
  let memory = initialMemory(policy, at)
  let replicas = dice.int(min, max)
  let lost: { readonly from: number; readonly to: number } | undefined
  for (let tick = 0; tick < ticks; tick++) {
    at += dice.of([5000, 15_000, 15_000, 15_000, 60_000, 301_000])
    if (lost === undefined && dice.chance(0.08)) replicas = dice.chance(0.1) ? 0 : dice.int(0, max + 5)
    if (dice.chance(0.02)) memory = restored(memory)
    const from = replicas
    const observation = observationOf(dice, policy, at, from)
    const before = note(memory, observation)
    const decided = decide({ policy, engines, observation, memory: before })
    const { decision } = decided
    // What was lost is settled before anything else is written.
    const outcome: Outcome =
      lost === undefined
        ? outcomeOf(dice, from, decision.desired)
        : { _tag: "Recovered", from: lost.from, to: lost.to, by: "nimbusguard" }
    yield {
      seed,
      policy,
      engines,
      at,
      from,
      record: recordOf(policy, observation, before, decided, outcome),
      decided,
      writes
    }
    memory = settle({ policy, memory: decided.memory, observation, decision, outcome })
    lost = undefined
    if (outcome._tag === "Scaled" || outcome._tag === "Recovered") {
      writes.push({ at, change: outcome.to - outcome.from })
      replicas = outcome._tag === "Scaled" ? outcome.to : replicas
    }
    if (outcome._tag === "Unknown" && dice.chance(0.5)) {
      lost = { from, to: decision.desired }
      replicas = decision.desired
    }
  }
}
