/**
 * The product against an independent reading of the HPA, over ticks drawn to hit every edge: windows and periods to
 * the millisecond, ratios on the tolerance, changes from outside, gaps, failing metrics, pods in all their states.
 */
import { assert, describe, it } from "vitest"
import type { Policy, ScalingRules, Signal } from "#schemas/Policy"
import { measured, missing, type PodSample, type Reading } from "#schemas/Reading"
import { Dice } from "#test/domain/Dice"
import { Hpa, type HpaMetric, type HpaPod, type HpaRules, type HpaSpec } from "#test/domain/hpaReference"
import { Course, limitsOf, policyOf, signalOf, type Values } from "#test/domain/policies"

const PERIODS = [1, 15, 30, 60, 90, 300, 1800]
const WINDOWS = [0, 1, 15, 60, 300, 600, 3600]

const rulesOf = (dice: Dice): ScalingRules => ({
  stabilizationSeconds: dice.of(WINDOWS),
  selectPolicy: dice.of(["Max", "Max", "Min", "Min", "Disabled"] as const),
  policies: dice.many(1, 3, () => ({
    type: dice.of(["Pods", "Percent"] as const),
    value: dice.of([1, 2, 4, 10, 12, 25, 33, 50, 100, 200]),
    periodSeconds: dice.of(PERIODS)
  }))
})

const hpaRulesOf = ({ policies, selectPolicy, stabilizationSeconds }: ScalingRules): HpaRules => ({
  window: stabilizationSeconds * 1000,
  select: selectPolicy,
  policies: policies.map(({ periodSeconds, type, value }) => ({ type, value, period: periodSeconds * 1000 }))
})

const policyFor = (dice: Dice): Policy => {
  const min = dice.of([1, 1, 2, 5])
  const max = min + dice.int(0, dice.of([3, 20, 200]))
  const count = dice.of([1, 1, 2, 3])
  const signals = dice.many(count, count, (index): Signal => {
    const pods = dice.chance(0.25)
    const type = dice.of(pods ? (["Utilization", "AverageValue"] as const) : (["Value", "AverageValue"] as const))
    const milli = type === "Utilization" ? dice.of([30, 70, 100, 150]) : dice.of([1000, 100_000, 7300, 33_333])
    return signalOf({ name: `m${index}`, source: pods ? "resource" : "prometheus", target: { type, milli } })
  })
  return policyOf({
    bounds: { min, max },
    signals,
    limits: limitsOf({
      rates: dice.chance(0.2)
        ? { _tag: "Absent", downSeconds: dice.of([0, 15, 300]) }
        : { _tag: "Behavior", scaleUp: rulesOf(dice), scaleDown: rulesOf(dice) },
      toleranceMilli: dice.of([
        { up: 100, down: 100 },
        { up: 0, down: 0 },
        { up: 50, down: 200 },
        { up: 9, down: 15 }
      ])
    }),
    safety: { rolloutGuard: true, disruptionFloor: false, rollback: false, freezeOnFailingPods: true }
  })
}

const hpaSpecOf = ({ bounds, limits }: Policy): HpaSpec => {
  const { rates } = limits
  return {
    ...bounds,
    toleranceUp: limits.toleranceMilli.up * 0.001,
    toleranceDown: limits.toleranceMilli.down * 0.001,
    behavior:
      rates._tag === "Behavior" ? { up: hpaRulesOf(rates.scaleUp), down: hpaRulesOf(rates.scaleDown) } : undefined,
    legacyWindow: rates._tag === "Absent" ? rates.downSeconds * 1000 : 0
  }
}

/** To the next edge of some window or period, or just beside it, or any time at all. */
const pauseOf = (dice: Dice): number =>
  dice.pick([
    () => 15_000,
    () => dice.of(PERIODS) * 1000 + dice.of([-1, 0, 0, 1]),
    () => dice.of([1000, 5000, 14_999, 15_001]),
    () => dice.int(1, 400_000)
  ])

const podOf = (dice: Dice, now: number, index: number, typical: number): HpaPod => {
  const start = dice.chance(0.05) ? undefined : now - dice.of([1000, 29_000, 299_999, 300_000, 300_001, 900_000])
  const window = dice.of([15_000, 30_000])
  const transition = (start ?? now) + dice.of([0, 1000, 29_999, 30_000, 30_001, 200_000])
  return {
    name: `p${index}`,
    phase: dice.of(["Running", "Running", "Running", "Running", "Running", "Pending", "Failed", "Succeeded"]),
    deleting: dice.chance(0.05),
    ready: dice.of(["True", "True", "True", "False", undefined]),
    transition,
    start,
    request: dice.chance(0.02) ? undefined : dice.of([100, 250, 1000]),
    usage: dice.chance(0.15) ? undefined : Math.max(0, Math.round(typical * dice.of([0, 0.5, 0.9, 1, 1, 1.1, 2]))),
    stamp: transition + dice.of([0, window - 1, window, window + 1, 60_000]),
    window
  }
}

const sampleOf = (pod: HpaPod): PodSample => ({
  name: pod.name,
  phase: pod.phase,
  deleting: pod.deleting,
  ...(pod.ready === undefined ? {} : { ready: pod.ready === "True" }),
  readyChangedAt: pod.transition,
  ...(pod.start === undefined ? {} : { startedAt: pod.start }),
  ...(pod.request === undefined ? {} : { requestMilli: pod.request }),
  ...(pod.usage === undefined ? {} : { usageMilli: pod.usage }),
  sampledAt: pod.stamp,
  windowMillis: pod.window
})

interface Drawn {
  readonly metric: HpaMetric
  readonly reading: Reading
}

const draw = (dice: Dice, signal: Signal, now: number, current: number, { tolerance }: Edge): Drawn => {
  const target = signal.target ?? { type: "Value", milli: 1 }
  const failed = dice.chance(0.08)
  if (signal.source === "resource") {
    const kind = target.type === "Utilization" ? "Utilization" : "Average"
    const cpu = dice.chance(0.7)
    const typical = kind === "Average" ? target.milli : (250 * target.milli) / 100
    const level = typical * dice.of([0.3, 1 - tolerance, 1, 1 + tolerance, 1.5])
    const pods = Array.from({ length: Math.min(current + dice.of([0, 0, 1, 2]), 12) }, (_, index) =>
      podOf(dice, now, index, level)
    )
    return {
      metric: { type: "Pods", kind, cpu, target: target.milli, pods: failed ? "failed" : pods },
      reading: failed
        ? missing("Unreachable", "down")
        : { ...measured(0, now, 1, pods.map(sampleOf)), ...(cpu ? { warmUp: true } : {}) }
    }
  }
  const perPod = target.type === "AverageValue" ? current : 1
  const edge = target.milli * perPod * dice.of([1 - tolerance, 1, 1 + tolerance])
  const milli = dice.pick([
    () => Math.round(edge) + dice.of([-1, 0, 1]),
    () => Math.round(target.milli * perPod * dice.float() * dice.of([0.5, 2, 5])),
    () => dice.of([0, 1, 1_000_000_000_000])
  ])
  const kept = Math.max(0, milli)
  return {
    metric: {
      type: target.type === "Value" ? "Value" : "AverageValue",
      target: target.milli,
      milli: failed ? "failed" : kept
    },
    reading: failed ? missing("Unreachable", "down") : measured(kept / 1000, now)
  }
}

interface Edge {
  readonly tolerance: number
}

/** Both through the same ticks; the first tick that differs, if any does. */
const race = (seed: number, ticks: number): { readonly compared: number; readonly difference?: string } => {
  const dice = new Dice(seed)
  const policy = policyFor(dice)
  const hpa = new Hpa(hpaSpecOf(policy))
  const course = new Course(policy, dice.int(policy.bounds.min, policy.bounds.max))
  let now = 1_700_000_000_000
  for (let tick = 0; tick < ticks; tick++) {
    now += pauseOf(dice)
    if (dice.chance(0.06)) course.replicas = dice.int(0, policy.bounds.max + 3)
    const current = course.replicas
    const surge = dice.chance(0.1) ? dice.of([1, 2]) : 0
    const ready = dice.chance(0.8) ? current : dice.int(0, current)
    const status = current === 0 ? 0 : current + surge
    const drawn = policy.signals.map((signal) =>
      draw(dice, signal, now, current, { tolerance: policy.limits.toleranceMilli.up / 1000 })
    )
    const wanted = hpa.tick({ now, spec: current, status, ready, metrics: drawn.map(({ metric }) => metric) })
    const values: Values = Object.fromEntries(
      policy.signals.map(({ name }, index) => [name, drawn[index]?.reading ?? null])
    )
    const decision = course.tick(now, values, { statusReplicas: status, readyReplicas: ready })
    if (decision.desired !== wanted) {
      const metrics = JSON.stringify(drawn.map(({ metric }) => metric))
      const difference = `seed ${seed} tick ${tick}: from ${current} the HPA wants ${wanted}, we ${decision.desired} (${decision.reason}) ${JSON.stringify(policy.limits)} ${metrics}`
      return { compared: tick, difference }
    }
  }
  return { compared: ticks }
}

describe("decide", () => {
  it("decides as the HPA does, over 30,000 ticks of 600 policies", () => {
    let compared = 0
    for (let seed = 1; seed <= 600; seed++) {
      const result = race(seed, 50)
      assert.isUndefined(result.difference)
      compared += result.compared
    }
    assert.strictEqual(compared, 30_000)
  })
})
