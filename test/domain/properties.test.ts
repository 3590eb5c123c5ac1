/** What must hold for any policy and any course of events, over thousands of random ones. */
import { assert, describe, it } from "vitest"
import { decide } from "#domain/decide"
import { noteReplicas } from "#domain/memory"
import { settle } from "#domain/settle"
import { readMemory } from "#schemas/Memory"
import type { Limiter } from "#schemas/Decision"
import type { TargetState } from "#schemas/Observation"
import type { EngineSpec, Policy, Rates } from "#schemas/Policy"
import { missing, type Reading } from "#schemas/Reading"
import { Dice } from "#test/domain/Dice"
import {
  boundEngines,
  Course,
  FREE,
  hpaRates,
  limitsOf,
  observe,
  policyOf,
  rules,
  signalOf,
  stateOf,
  type Values,
  watched
} from "#test/domain/policies"

const STEP: EngineSpec = {
  engine: "step",
  options: {
    rules: [{ signal: "rps", up: { op: "gt", thresholdMilli: 900_000 }, downBelowMilli: 300_000 }],
    up: "ratio",
    down: "one",
    downAfterSeconds: 60
  }
}

const ratesOf = (dice: Dice): Rates =>
  dice.pick<Rates>([
    () => FREE,
    () => ({ _tag: "Windows", upSeconds: dice.of([0, 30]), downSeconds: dice.of([0, 300]) }),
    () => ({ _tag: "Absent", downSeconds: 300 }),
    () => hpaRates(),
    () =>
      hpaRates(
        rules({ policies: [{ type: "Pods", value: dice.int(1, 4), periodSeconds: 60 }], stabilizationSeconds: 30 }),
        rules({ policies: [{ type: "Pods", value: 1, periodSeconds: 60 }], stabilizationSeconds: dice.of([0, 120]) })
      )
  ])

const policyFor = (dice: Dice): Policy => {
  const min = dice.int(0, 5)
  const max = Math.max(1, min) + dice.int(0, 30)
  const objective = dice.chance(0.4)
  const share = () => dice.chance(0.5)
  return policyOf({
    bounds: { min, max },
    mode: dice.of(["Active", "Active", "Active", "Recommend"] as const),
    signals: [
      signalOf({ onMissing: dice.of(["Hold", "Fallback"] as const), worksAtZero: true }),
      signalOf({ name: "busy", target: { type: "Value", milli: 10_000 } }),
      ...(objective ? [watched("latency", { role: "latency" }), watched("errorRate", { role: "errorRate" })] : [])
    ],
    engines: dice.of([
      [{ engine: "target", options: {} }],
      [
        { engine: "target", options: {} },
        { engine: "slo", options: {} }
      ],
      [STEP],
      [STEP, { engine: "target", options: {} }]
    ]),
    limits: limitsOf({
      rates: ratesOf(dice),
      cooldown: { upSeconds: dice.of([0, 0, 45]), downSeconds: dice.of([0, 60, 300]) },
      step: { ...(share() ? { up: dice.int(1, 5) } : {}), ...(share() ? { down: dice.int(1, 5) } : {}) }
    }),
    objectives: {
      ...(objective ? { latency: { targetMs: 200, goodFraction: 0.99 }, errorRate: { target: 0.01 } } : {}),
      ...(dice.chance(0.3)
        ? {
            cost: {
              maxMonthlyCost: 36.5 * dice.int(1, 20),
              costPerPodPerHour: 0.05,
              preferredScaleDirection: "balanced" as const
            }
          }
        : {})
    },
    schedules: dice.chance(0.3)
      ? [{ name: "day", start: "*/20 * * * *", end: "10-59/20 * * * *", timeZone: "UTC", floor: 3, ceiling: 12 }]
      : [],
    ...(dice.chance(0.3) ? { fallback: { afterSeconds: 120, replicas: dice.int(1, 20) } } : {}),
    safety: { rolloutGuard: share(), disruptionFloor: share(), rollback: share(), freezeOnFailingPods: share() }
  })
}

const readingOf = (dice: Dice, value: number, at: number): number | Reading =>
  dice.pick<number | Reading>([
    () => value,
    () => value,
    () => value,
    () => value,
    () => missing("Timeout", "no answer"),
    () => ({ _tag: "Stale", value, at: at - 1, ageMillis: 1, detail: "old" })
  ])

const worldOf = (
  dice: Dice,
  at: number,
  current: number,
  calm: boolean
): { readonly values: Record<string, number | Reading>; readonly state: TargetState } => {
  const reading = (value: number) => (calm ? value : readingOf(dice, value, at))
  return {
    values: {
      rps: reading(dice.of([0, 100, 500, 2000, 9000]) * dice.float()),
      busy: reading(20 * dice.float()),
      latency: reading(dice.of([50, 150, 300]) * dice.float()),
      errorRate: reading(0.02 * dice.float())
    },
    state: stateOf(current, {
      readyReplicas: dice.chance(0.8) ? current : dice.int(0, current),
      rollingOut: dice.chance(0.1),
      ...(dice.chance(0.2) ? { disruptionFloor: dice.int(1, 10) } : {}),
      ...(dice.chance(0.1) ? { failingPodsSince: at - dice.int(0, 400_000) } : {})
    })
  }
}

interface Ticked {
  readonly policy: Policy
  readonly before: Course
  readonly at: number
  readonly from: number
  readonly state: TargetState
  readonly values: Values
  readonly decision: ReturnType<Course["tick"]>
  readonly lastUpAt: number | undefined
  readonly lastWriteAt: number | undefined
  readonly foreign: boolean
}

const courses = (count: number, ticks: number, look: (ticked: Ticked) => void): number => {
  let looked = 0
  for (let seed = 1; seed <= count; seed++) {
    const dice = new Dice(seed)
    const policy = policyFor(dice)
    const course = new Course(policy, dice.int(policy.bounds.min, policy.bounds.max))
    let at = 1_750_000_000_000
    for (let tick = 0; tick < ticks; tick++) {
      at += dice.of([5000, 15_000, 15_000, 60_000, 301_000])
      const foreign = dice.chance(0.04)
      if (foreign) course.replicas = dice.int(0, policy.bounds.max + 5)
      const from = course.replicas
      const { state, values } = worldOf(dice, at, from, dice.chance(0.5))
      const { lastUpAt, lastWriteAt } = course.memory
      const decision = course.tick(at, values, state)
      look({ policy, before: course, at, from, state, values, decision, lastUpAt, lastWriteAt, foreign })
      looked += 1
    }
  }
  return looked
}

const isSeen = (value: Values[string] | undefined): boolean => typeof value === "number"
const OUT_OF_BOUNDS: ReadonlyArray<Limiter> = ["TooManyReplicas", "TooFewReplicas"]

describe("whatever happens", () => {
  it("replicas stay inside the bounds, or where a person has put them", () => {
    const looked = courses(400, 40, ({ decision, from, policy }) => {
      const { max, min } = policy.bounds
      if (decision.limitedBy.includes("Paused")) return assert.strictEqual(decision.desired, from)
      assert.isAtLeast(decision.desired, min)
      assert.isAtMost(decision.desired, max)
    })
    assert.strictEqual(looked, 16_000)
  })

  it("nothing is lowered while a signal is missing or stale, but to the maximum", () => {
    let blind = 0
    courses(400, 40, ({ decision, from, policy, values }) => {
      const steering = policy.signals.filter(({ role, target }) => target !== undefined || role !== undefined)
      if (steering.every(({ name }) => isSeen(values[name]))) return
      blind += 1
      if (decision.desired < from)
        assert.deepStrictEqual([decision.engine, decision.desired], ["bounds", policy.bounds.max])
    })
    assert.isAbove(blind, 2000)
  })

  it("cooldowns are kept", () => {
    let cooled = 0
    courses(300, 40, ({ at, decision, from, lastUpAt, lastWriteAt, policy }) => {
      const { downSeconds, upSeconds } = policy.limits.cooldown
      const freed = decision.limitedBy.some((limiter) =>
        ["RolledBack", "CostCap", "Schedule", ...OUT_OF_BOUNDS].includes(limiter)
      )
      if (freed || decision.desired === from) return
      cooled += 1
      if (decision.desired > from) assert.isAtLeast(at - (lastUpAt ?? -Infinity), upSeconds * 1000)
      else assert.isAtLeast(at - (lastWriteAt ?? -Infinity), downSeconds * 1000)
    })
    assert.isAbove(cooled, 1000)
  })

  it("one write is never larger than the step allows", () => {
    let stepped = 0
    courses(300, 40, ({ decision, from, policy }) => {
      const { down, up } = policy.limits.step
      const freed = decision.limitedBy.some((limiter) =>
        ["RolledBack", "CostCap", "Schedule", ...OUT_OF_BOUNDS].includes(limiter)
      )
      if (freed) return
      stepped += 1
      assert.isAtMost(decision.desired - from, up ?? Infinity)
      assert.isAtMost(from - decision.desired, down ?? Infinity)
    })
    assert.isAbove(stepped, 5000)
  })

  it("no more pods are added in a period than its policy allows", () => {
    let periods = 0
    for (let seed = 1; seed <= 200; seed++) {
      const dice = new Dice(seed)
      const value = dice.int(1, 6)
      const periodSeconds = dice.of([15, 60, 300])
      const policy = policyOf({
        bounds: { min: 1, max: 1000 },
        limits: limitsOf({
          rates: hpaRates({ policies: [{ type: "Pods", value, periodSeconds }] }, { selectPolicy: "Disabled" })
        })
      })
      const course = new Course(policy, 1)
      const writes: Array<{ readonly at: number; readonly added: number }> = []
      let at = 0
      for (let tick = 0; tick < 60; tick++) {
        at += dice.int(1, 40) * 1000
        const from = course.replicas
        course.tick(at, { rps: 100_000 * dice.float() })
        writes.push({ at, added: course.replicas - from })
        const within = writes.filter((write) => write.at > at - periodSeconds * 1000)
        assert.isAtMost(
          within.reduce((sum, { added }) => sum + added, 0),
          value
        )
        periods += 1
      }
    }
    assert.strictEqual(periods, 12_000)
  })

  it("every step begins where the last one ended, and the last one ends at the decision", () => {
    courses(200, 40, ({ decision, from }) => {
      const { desired, engine, limitedBy, recommended, steps } = decision
      let value = steps[0]?.before ?? desired
      for (const step of steps) {
        assert.strictEqual(step.before, value)
        value = step.after
      }
      assert.strictEqual(value, desired)
      assert.deepStrictEqual([...new Set(steps.map(({ limiter }) => limiter))], limitedBy)
      if (engine !== "hold" && engine !== "bounds") assert.strictEqual(steps[0]?.before ?? desired, recommended)
      assert.strictEqual(decision.action, desired > from ? "scale_up" : desired < from ? "scale_down" : "no_action")
      assert.isAbove(decision.reason.length, 0)
    })
  })

  it("a decision can be run again from what was written down, with the same outcome", () => {
    for (let seed = 1; seed <= 150; seed++) {
      const dice = new Dice(seed)
      const policy = policyFor(dice)
      const engines = boundEngines(policy)
      let course = new Course(policy, dice.int(policy.bounds.min, policy.bounds.max))
      let at = 1_750_000_000_000
      for (let tick = 0; tick < 30; tick++) {
        at += dice.of([5000, 15_000, 60_000, 301_000])
        const { state, values } = worldOf(dice, at, course.replicas, dice.chance(0.5))
        const observation = observe(at, state, values)
        const memory = noteReplicas(course.memory, observation)
        const first = decide({ policy, engines, observation, memory })
        const written = JSON.parse(JSON.stringify({ policy, observation, memory })) as {
          policy: Policy
          observation: typeof observation
          memory: unknown
        }
        const read = readMemory(written.memory)
        if (read._tag === "Failure") throw new Error(read.failure)
        assert.deepStrictEqual(read.success, memory)
        const again = decide({
          policy: written.policy,
          engines: boundEngines(written.policy),
          observation: written.observation,
          memory: read.success
        })
        assert.deepStrictEqual(again, first)
        const { decision } = first
        const next = Object.assign(new Course(policy, decision.desired), { at })
        next.memory =
          decision.desired === state.specReplicas
            ? first.memory
            : settle({
                policy,
                observation,
                decision,
                memory: first.memory,
                outcome: { _tag: "Scaled", from: state.specReplicas, to: decision.desired, resourceVersion: "" }
              })
        course = next
      }
    }
  })

  it("memory stays small however long it runs", () => {
    const policy = policyOf({
      bounds: { min: 1, max: 1000 },
      limits: limitsOf({ rates: hpaRates({ stabilizationSeconds: 3600 }, { stabilizationSeconds: 3600 }) })
    })
    const course = new Course(policy, 10)
    const dice = new Dice(1)
    let largest = 0
    for (let tick = 1; tick <= 10_000; tick++) {
      course.tick(tick * 1000, { rps: 100_000 * dice.float() })
      largest = Math.max(largest, JSON.stringify(course.memory).length)
    }
    assert.isBelow(largest, 5000)
  })
})
