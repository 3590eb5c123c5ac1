import { assert, describe, it } from "vitest"
import { apply, CLAMPS, LIMITS, SWITCHES } from "#domain/limit"
import { cool } from "#domain/cooldown"
import type { Limiter, Step } from "#schemas/Decision"
import type { Situation } from "#domain/Situation"
import { hpaRates, limitsOf, memoryOf, observe, policyOf, situationOf, stateOf, watched } from "#test/domain/policies"

const through = (value: number, situation: Situation) => {
  const steps: Array<Step> = []
  const left = [CLAMPS, LIMITS, SWITCHES].reduce((before, limits) => apply(limits, before, situation, steps), value)
  return { left, limiters: steps.map(({ limiter }): Limiter => limiter), steps }
}

const policy = policyOf({
  bounds: { min: 1, max: 30 },
  signals: [watched("latency", { role: "latency" })],
  limits: limitsOf({
    rates: hpaRates({ policies: [{ type: "Pods", value: 40, periodSeconds: 15 }], stabilizationSeconds: 60 }),
    step: { up: 9 },
    cooldown: { upSeconds: 60, downSeconds: 60 }
  }),
  objectives: {
    latency: { targetMs: 200, goodFraction: 0.99 },
    cost: { maxMonthlyCost: 36.5 * 25, costPerPodPerHour: 0.05, preferredScaleDirection: "balanced" }
  }
})
const at = 1_000_000
const upwards = situationOf({
  policy,
  observation: observe(at, stateOf(10, { failingPodsSince: 0 }), { latency: 10 }),
  memory: memoryOf(policy, { recommendations: [{ at: at - 1, replicas: 22 }], lastUpAt: at - 1, frozenUntil: at + 1 }),
  schedules: { ceiling: { replicas: 28, name: "night" } }
})

describe("the limiters", () => {
  it("come in their order: clamps, windows, speed, cooldown", () => {
    const { left, limiters } = through(99, upwards)
    assert.deepStrictEqual(limiters, ["Schedule", "CostCap", "ScaleUpStabilized", "ScaleUpLimit", "Cooldown"])
    assert.strictEqual(left, 10)
  })

  it("come in their order after the cooldown, too", () => {
    const limits = LIMITS.filter((limit) => limit !== cool)
    const steps: Array<Step> = []
    apply(limits, 99, { ...upwards, held: true }, steps)
    assert.deepStrictEqual(
      steps.map(({ limiter }) => limiter),
      ["ScaleUpLimit", "Frozen"]
    )
    const open = situationOf({
      ...upwards,
      observation: observe(at, stateOf(20), { latency: 10 }),
      at,
      current: 20,
      held: true
    })
    const more: Array<Step> = []
    assert.strictEqual(apply(limits, 99, open, more), 25)
    assert.deepStrictEqual(
      more.map(({ limiter }) => limiter),
      ["ScaleUpLimit", "CostCap"]
    )
  })

  it("let the budget and a ceiling go below what the windows, the rollout and the budget of disruptions hold", () => {
    const situation = situationOf({
      policy,
      observation: observe(at, stateOf(29, { rollingOut: true, disruptionFloor: 28 }), { latency: 10 }),
      memory: memoryOf(policy, { recommendations: [{ at: at - 1, replicas: 29 }] }),
      schedules: { ceiling: { replicas: 20, name: "night" } }
    })
    const { left, limiters } = through(3, situation)
    assert.deepStrictEqual(limiters, ["ScaleDownStabilized", "CostCap", "Schedule"])
    assert.strictEqual(left, 20)
  })

  it("write down where each began and ended", () => {
    const { steps } = through(99, upwards)
    assert.deepStrictEqual(
      steps.map(({ after, before }) => [before, after]),
      [
        [99, 28],
        [28, 25],
        [25, 22],
        [22, 19],
        [19, 10]
      ]
    )
  })
})
