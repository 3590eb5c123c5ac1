/**
 * What must hold for any policy and any course of events. Ten thousand random policies are run once, a few ticks each, and
 * every property is asked about each tick that it says something of: no fewer than ten thousand, and it counts them.
 */
import { isDeepStrictEqual } from "node:util"
import { assert, describe, it } from "vitest"
import { readDump } from "#cli/explain/Dump"
import { replayAll } from "#cli/explain/replayAll"
import { decide } from "#domain/decide"
import { readMemory } from "#schemas/Memory"
import { Limiter } from "#schemas/Decision"
import type { ScalingRules } from "#schemas/Policy"
import { MissingReason } from "#schemas/Reading"
import * as Result from "effect/Result"
import { Dice } from "#test/domain/Dice"
import { Course, hpaRates, limitsOf, policyOf } from "#test/domain/policies"
import { type Ticked, wildCourse } from "#test/domain/wild"

const CASES = 10_000
const TICKS = 6

/** False: it says nothing about this tick. */
type Property = (ticked: Ticked) => boolean

/** What may end a decision on other terms than cooldown, step and rate: a bound, or a person's or an objective's word. */
const FREED: ReadonlySet<Limiter> = new Set([
  "RolledBack",
  "CostCap",
  "Schedule",
  "TooManyReplicas",
  "TooFewReplicas",
  "Paused"
])

const isFreed = ({ decided: { decision } }: Ticked): boolean => {
  const last = decision.steps.at(-1)
  return last !== undefined && FREED.has(last.limiter)
}

const allowance = (rules: ScalingRules, { at, from, writes }: Ticked, direction: 1 | -1): number => {
  if (rules.selectPolicy === "Disabled") return from
  const allowed = rules.policies.map(({ periodSeconds, type, value }) => {
    const within = writes.filter((write) => write.at > at - periodSeconds * 1000)
    const start = from - within.reduce((sum, { change }) => sum + change, 0)
    if (type === "Pods") return start + direction * value
    const moved = start * (1 + (direction * value) / 100)
    return direction > 0 ? Math.ceil(moved) : Math.trunc(moved)
  })
  const widest = (rules.selectPolicy === "Max") === direction > 0
  return widest ? Math.max(...allowed) : Math.min(...allowed)
}

const readAgain = <A>(value: A): unknown => JSON.parse(JSON.stringify(value))

/** Vitest is asked only about what does not hold: of half a million looks each would cost more than the decision itself. */
const atLeast = (value: number, least: number): void => {
  if (!(value >= least)) assert.isAtLeast(value, least)
}
const atMost = (value: number, most: number): void => {
  if (!(value <= most)) assert.isAtMost(value, most)
}
const equal = <A>(value: A, other: A): void => {
  if (!Object.is(value, other)) assert.strictEqual(value, other)
}

const PROPERTIES: Readonly<Record<string, Property>> = {
  "replicas stay inside the bounds, or where a person has put them": ({ decided: { decision }, from, policy }) => {
    const { max, min } = policy.bounds
    if (decision.limitedBy.includes("Paused") || decision.limitedBy.includes("Frozen")) {
      if (decision.desired === from) return true
    }
    atLeast(decision.desired, min)
    atMost(decision.desired, max)
    return true
  },

  "nothing is lowered while a signal is missing or stale, but to the maximum or to a person's count": (ticked) => {
    const { decided, from, policy, record } = ticked
    const { desired, limitedBy } = decided.decision
    const steering = policy.signals.filter(({ role, target }) => target !== undefined || role !== undefined)
    const readings = new Map(record.observation.readings.map(({ reading, signal }) => [signal, reading]))
    if (steering.every(({ name }) => readings.get(name)?._tag === "Measured")) return false
    const asked = policy.pause?.direction === "Both" && policy.pause.replicas !== undefined
    if (desired < from && !(asked && limitedBy.includes("Paused"))) {
      atLeast(from, policy.bounds.max + 1)
      equal(desired, policy.bounds.max)
    }
    return true
  },

  "cooldowns are kept": (ticked) => {
    const { at, decided, from, policy, writes } = ticked
    const { desired } = decided.decision
    const { downSeconds, upSeconds } = policy.limits.cooldown
    if (Math.max(downSeconds, upSeconds) === 0 || isFreed(ticked)) return false
    const since = (writes_: typeof writes) => at - (writes_.at(-1)?.at ?? -Infinity)
    if (desired > from) atLeast(since(writes.filter(({ change }) => change > 0)), upSeconds * 1000)
    if (desired < from) atLeast(since(writes), downSeconds * 1000)
    return true
  },

  "one write is never larger than the step allows": (ticked) => {
    const { decided, from, policy } = ticked
    const { down, up } = policy.limits.step
    if ((up === undefined && down === undefined) || isFreed(ticked)) return false
    atMost(decided.decision.desired - from, up ?? Infinity)
    atMost(from - decided.decision.desired, down ?? Infinity)
    return true
  },

  "no more is added or taken in a period than the rates allow, whatever the memory says": (ticked) => {
    const { decided, from, policy } = ticked
    const { rates } = policy.limits
    if (rates._tag !== "Behavior" || isFreed(ticked)) return false
    const { desired } = decided.decision
    // From zero one pod is always allowed, unless up is disabled.
    const lowest = from === 0 && rates.scaleUp.selectPolicy !== "Disabled" ? 1 : from
    if (desired > from) atMost(desired, Math.max(allowance(rates.scaleUp, ticked, 1), lowest))
    if (desired < from) atLeast(desired, Math.min(allowance(rates.scaleDown, ticked, -1), from))
    return true
  },

  "every step begins where the last one ended, and the last one ends at the decision": ({ decided, from }) => {
    const { action, desired, engine, limitedBy, reason, recommended, steps } = decided.decision
    let value = steps[0]?.before ?? desired
    for (const step of steps) {
      equal(step.before, value)
      value = step.after
    }
    equal(value, desired)
    equal([...new Set(steps.map(({ limiter }) => limiter))].join(), limitedBy.join())
    if (engine !== "hold" && engine !== "bounds") equal(steps[0]?.before ?? desired, recommended)
    equal(action, desired > from ? "scale_up" : desired < from ? "scale_down" : "no_action")
    atLeast(reason.length, 1)
    return true
  }
}

interface Asked {
  cases: number
  /** Of the first tick for which it does not hold; after it the property is asked no more. */
  failure?: unknown
}

interface Run {
  readonly asked: Readonly<Record<string, Asked>>
  readonly limiters: ReadonlySet<string>
  readonly reasons: ReadonlySet<string>
  readonly outcomes: ReadonlySet<string>
}

const askAll = (): Run => {
  const asked = Object.fromEntries(Object.keys(PROPERTIES).map((title): [string, Asked] => [title, { cases: 0 }]))
  const limiters = new Set<string>()
  const reasons = new Set<string>()
  const outcomes = new Set<string>()
  for (let seed = 1; seed <= CASES; seed++) {
    for (const ticked of wildCourse(new Dice(seed), seed, TICKS)) {
      for (const limiter of ticked.decided.decision.limitedBy) limiters.add(limiter)
      for (const { reading } of ticked.record.observation.readings) {
        if (reading._tag === "Missing") reasons.add(reading.why)
      }
      outcomes.add(ticked.record.outcome._tag)
      for (const [title, holds] of Object.entries(PROPERTIES)) {
        const about = asked[title]
        if (about === undefined || about.failure !== undefined) continue
        try {
          if (holds(ticked)) about.cases += 1
        } catch (error) {
          const message = error instanceof Error ? error.message : String(error)
          about.failure = new Error(`seed ${seed}: ${message}\n${JSON.stringify(ticked.record, undefined, 1)}`)
        }
      }
    }
  }
  return { asked, limiters, reasons, outcomes }
}

describe("whatever happens", { timeout: 120_000 }, () => {
  let run: Run | undefined
  const all = (): Run => (run ??= askAll())

  it.each(Object.keys(PROPERTIES))("%s", (title) => {
    const about = all().asked[title]
    if (about?.failure !== undefined) throw about.failure
    assert.isAtLeast(about?.cases ?? 0, CASES)
  })

  it("there was every limiter, every reason for which a signal is missing, and every outcome", () => {
    const { limiters, outcomes, reasons } = all()
    const lacking = (names: ReadonlyArray<string>, seen: ReadonlySet<string>) => names.filter((name) => !seen.has(name))
    assert.deepStrictEqual(lacking(Limiter.literals, limiters), [])
    assert.deepStrictEqual(lacking(MissingReason.literals, reasons), [])
    assert.deepStrictEqual(
      lacking(["Unchanged", "Withheld", "Scaled", "Refused", "Unknown", "Recovered"], outcomes),
      []
    )
  })

  it("a record that was written down gives the same decision, and its memory the same next memory", () => {
    let replayed = 0
    for (let seed = 1; replayed < CASES; seed++) {
      for (const { decided, engines, policy, record } of wildCourse(new Dice(seed), seed, 1 + (seed % TICKS))) {
        if (record.outcome._tag === "Recovered" || replayed >= CASES) continue
        const dump = readDump("case", JSON.stringify({ policies: [policy], records: [record] }))
        const { policies, records } = Result.getOrThrowWith(dump, (words) => new Error(words))
        const verdicts = [...replayAll(policies, records).values()]
        const isSame = verdicts.length === 1 && verdicts[0]?._tag === "Same"
        if (!isSame) assert.fail(`seed ${seed}: ${JSON.stringify(verdicts)}`)
        const memory = Result.getOrThrowWith(readMemory(readAgain(record.memory)), (why) => new Error(why))
        if (!isDeepStrictEqual(memory, record.memory)) assert.fail(`seed ${seed}: ${JSON.stringify(record.memory)}`)
        const again = decide({ policy, engines, observation: record.observation, memory })
        if (!isDeepStrictEqual(again, decided)) assert.fail(`seed ${seed}: ${JSON.stringify(again)}`)
        replayed += 1
      }
    }
    assert.strictEqual(replayed, CASES)
  })

  it("no more pods are added in a period than its policy allows, tick upon tick", () => {
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
