/**
 * Courses of ticks that are drawn to hit every edge of the HPA's rules (windows and periods to the millisecond, ratios
 * on the tolerance, changes from outside, edits, gaps, failing metrics, pods in all their states), and what the product
 * decides at each. Held against a second reading of the rules (hpa.test.ts) and against Kubernetes' own code
 * (test/integration/hpaRace.test.ts).
 */
import type { BoundEngine } from "#domain/Engine"
import { initialMemory } from "#domain/memory"
import { play } from "#domain/play"
import type { Decision } from "#schemas/Decision"
import type { TargetState } from "#schemas/Observation"
import type { Limits, Policy, Rates, ScalingRules, Signal } from "#schemas/Policy"
import { measured, missing, type PodSample, type Reading } from "#schemas/Reading"
import { Dice } from "./Dice.ts"
import type { HpaMetric, HpaPod, HpaRules, HpaSpec, HpaTick } from "./hpaReference.ts"
import { boundEngines, limitsOf, observe, policyOf, signalOf, stateOf } from "./policies.ts"

export interface DrawnTick {
  /** The policy in force. */
  readonly policy: Policy
  /** It was edited right before this tick. */
  readonly edited: boolean
  readonly tick: HpaTick
  /** The target's, for those who ask for them beside the metrics. */
  readonly pods: ReadonlyArray<HpaPod>
  readonly decision: Decision
}

export interface DrawnCourse {
  readonly seed: number
  readonly ticks: ReadonlyArray<DrawnTick>
}

const PERIODS = [1, 15, 30, 60, 90, 300, 1800]
const WINDOWS = [0, 1, 15, 60, 300, 600, 3600]

const drawRules = (dice: Dice): ScalingRules => ({
  stabilizationSeconds: dice.of(WINDOWS),
  selectPolicy: dice.of(["Max", "Max", "Min", "Min", "Disabled"] as const),
  policies: dice.many(1, 3, () => ({
    type: dice.of(["Pods", "Percent"] as const),
    value: dice.of([1, 2, 4, 10, 12, 25, 33, 50, 100, 200]),
    periodSeconds: dice.of(PERIODS)
  }))
})

const drawRates = (dice: Dice): Rates =>
  dice.chance(0.2)
    ? { _tag: "Absent", downSeconds: dice.of([0, 15, 300]) }
    : { _tag: "Behavior", scaleUp: drawRules(dice), scaleDown: drawRules(dice) }

/** Without behavior there is one tolerance: a flag of the HPA's controller. */
const drawTolerance = (dice: Dice, rates: Rates): Limits["toleranceMilli"] =>
  dice.of([
    { up: 100, down: 100 },
    { up: 0, down: 0 },
    ...(rates._tag === "Absent"
      ? [{ up: 15, down: 15 }]
      : [
          { up: 50, down: 200 },
          { up: 9, down: 15 }
        ])
  ])

const drawBounds = (dice: Dice): Policy["bounds"] => {
  const min = dice.of([1, 1, 2, 5])
  return { min, max: min + dice.int(0, dice.of([3, 20, 200])) }
}

/** The HPA lists the pods once, so at most CPU and memory of the same pods. */
const RESOURCES_MAX = 2

/** Thousandths of a core, or of a byte: there a double no longer holds every product. */
const UNITS = [1, 1, 1_073_741_824]

const drawPolicy = (dice: Dice, unit: number): Policy => {
  let resources = 0
  const signals = dice.many(1, dice.of([1, 1, 2, 3]), (index): Signal => {
    const pods = resources < RESOURCES_MAX && dice.chance(0.25)
    if (pods) resources += 1
    const type = dice.of(pods ? (["Utilization", "AverageValue"] as const) : (["Value", "AverageValue"] as const))
    const total = dice.of([1000, 100_000, 7300, 33_333])
    const milli = type === "Utilization" ? dice.of([30, 70, 100, 150]) : total * (pods ? unit : 1)
    return signalOf({ name: `m${index}`, source: pods ? "resource" : "prometheus", target: { type, milli } })
  })
  const rates = drawRates(dice)
  return policyOf({
    bounds: drawBounds(dice),
    signals,
    limits: limitsOf({ rates, toleranceMilli: drawTolerance(dice, rates) }),
    safety: { rolloutGuard: true, disruptionFloor: false, rollback: false, freezeOnFailingPods: true }
  })
}

const windows = (rates: Rates): { readonly up: number; readonly down: number } =>
  rates._tag === "Behavior"
    ? { up: rates.scaleUp.stabilizationSeconds, down: rates.scaleDown.stabilizationSeconds }
    : { up: 0, down: rates._tag === "Absent" ? rates.downSeconds : 0 }

const shortened = (rates: Rates, before: Rates): Rates => {
  const { down, up } = windows(before)
  const atMost = (rules: ScalingRules, most: number): ScalingRules => ({
    ...rules,
    stabilizationSeconds: Math.min(rules.stabilizationSeconds, most)
  })
  return rates._tag === "Behavior"
    ? { ...rates, scaleUp: atMost(rates.scaleUp, up), scaleDown: atMost(rates.scaleDown, down) }
    : { _tag: "Absent", downSeconds: Math.min(windows(rates).down, down) }
}

/** Bounds, rates or tolerance. A longer window is a divergence of its own (docs/HPA.md), so windows only get shorter. */
const edit = (dice: Dice, policy: Policy): Policy => {
  const rates = dice.chance(0.6) ? shortened(drawRates(dice), policy.limits.rates) : policy.limits.rates
  const isOfOneKind = rates._tag === policy.limits.rates._tag
  return {
    ...policy,
    bounds: dice.chance(0.5) ? drawBounds(dice) : policy.bounds,
    limits: {
      ...policy.limits,
      rates,
      toleranceMilli: isOfOneKind && dice.chance(0.7) ? policy.limits.toleranceMilli : drawTolerance(dice, rates)
    }
  }
}

const hpaRulesOf = ({ policies, selectPolicy, stabilizationSeconds }: ScalingRules): HpaRules => ({
  window: stabilizationSeconds * 1000,
  select: selectPolicy,
  policies: policies.map(({ periodSeconds, type, value }) => ({ type, value, period: periodSeconds * 1000 }))
})

/** The policy as an HPA is told it. */
export const hpaSpecOf = ({ bounds, limits }: Policy): HpaSpec => {
  const { rates, toleranceMilli } = limits
  return {
    ...bounds,
    toleranceUp: toleranceMilli.up * 0.001,
    toleranceDown: toleranceMilli.down * 0.001,
    behavior:
      rates._tag === "Behavior" ? { up: hpaRulesOf(rates.scaleUp), down: hpaRulesOf(rates.scaleDown) } : undefined,
    legacyWindow: rates._tag === "Absent" ? rates.downSeconds * 1000 : 0
  }
}

/** To the next edge of some window or period, or just beside it, or any time at all. */
const drawPause = (dice: Dice): number =>
  dice.pick([
    () => 15_000,
    () => dice.of(PERIODS) * 1000 + dice.of([-1, 0, 0, 1]),
    () => dice.of([1000, 5000, 14_999, 15_001]),
    () => dice.int(1, 400_000)
  ])

/** A pod as both metrics see it: all but what it uses. */
const drawPod = (dice: Dice, unit: number, now: number, index: number): HpaPod => {
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
    request: dice.chance(0.02) ? undefined : dice.of([100, 250, 1000]) * unit,
    usage: undefined,
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

interface Replicas {
  readonly current: number
  readonly status: number
  readonly ready: number
  readonly pods: ReadonlyArray<HpaPod>
}

const PODS_MAX = 12

const drawReplicas = (dice: Dice, unit: number, policy: Policy, now: number, current: number): Replicas => {
  const surge = dice.chance(0.1) ? dice.of([1, 2]) : 0
  const status = current === 0 ? 0 : current + surge
  if (policy.signals.every(({ source }) => source !== "resource")) {
    return { current, status, ready: dice.chance(0.8) ? current : dice.int(0, current), pods: [] }
  }
  const pods = Array.from({ length: Math.min(status, PODS_MAX) }, (_, index) => drawPod(dice, unit, now, index))
  const ready = pods.filter((pod) => pod.phase === "Running" && pod.ready === "True").length
  return { current, status: pods.length, ready, pods }
}

interface Drawn {
  readonly metric: HpaMetric
  readonly reading: Reading
}

const FAILED = missing("Unreachable", "down")

const drawFromPods = (dice: Dice, policy: Policy, signal: Signal, now: number, { pods: shared }: Replicas): Drawn => {
  const { milli, type } = signal.target ?? { type: "AverageValue", milli: 1 }
  const tolerance = policy.limits.toleranceMilli.up / 1000
  const kind = type === "Utilization" ? "Utilization" : "Average"
  const level = dice.of([0.3, 1 - tolerance, 1, 1 + tolerance, 1.5])
  const pods = shared.map((pod): HpaPod => {
    const full = kind === "Average" ? milli : ((pod.request ?? 0) * milli) / 100
    const usage = Math.max(0, Math.round(full * level * dice.of([0, 0.5, 0.9, 1, 1, 1.1, 2])) + dice.of([-1, 0, 0, 1]))
    return dice.chance(0.15) ? pod : { ...pod, usage }
  })
  // CPU and memory take turns, so that each is told apart by its name.
  const cpu = policy.signals.filter(({ source }) => source === "resource").indexOf(signal) === 0
  const failed = dice.chance(0.08)
  return {
    metric: { type: "Pods", kind, cpu, target: milli, pods: failed ? "failed" : pods },
    reading: failed ? FAILED : { ...measured(0, now, 1, pods.map(sampleOf)), ...(cpu ? { warmUp: true } : {}) }
  }
}

const drawTotal = (dice: Dice, policy: Policy, signal: Signal, now: number, replicas: Replicas): Drawn => {
  const { milli: target, type } = signal.target ?? { type: "Value", milli: 1 }
  const { down, up } = policy.limits.toleranceMilli
  const perPod = target * (type === "AverageValue" ? replicas.status : 1)
  const milli = dice.pick([
    () => Math.round(perPod * dice.of([1 - down / 1000, 1, 1 + up / 1000])) + dice.of([-1, 0, 1]),
    () => Math.round(perPod * dice.float() * dice.of([0.5, 2, 5])),
    () => dice.of([0, 1, 1_000_000_000_000])
  ])
  const value = Math.max(0, milli)
  const failed = dice.chance(0.08)
  return {
    metric: { type: type === "Value" ? "Value" : "AverageValue", target, milli: failed ? "failed" : value },
    reading: failed ? FAILED : measured(value / 1000, now)
  }
}

/** Where the HPA would answer with the extra pods of a rollout (docs/HPA.md), the metric fails instead. */
const withoutSurge = (drawn: Drawn, policy: Policy, { current, status }: Replicas): Drawn => {
  const { metric } = drawn
  if (metric.type !== "AverageValue" || metric.milli === "failed" || status === current) return drawn
  const { down, up } = policy.limits.toleranceMilli
  const ratio = metric.milli / (metric.target * status)
  const isNear = ratio >= 1 - down * 0.001 && ratio <= 1 + up * 0.001
  return isNear ? { metric: { ...metric, milli: "failed" }, reading: FAILED } : drawn
}

export interface CourseOptions {
  /** Leaves out the ticks that show the HPA's surge bug. */
  readonly masksSurge?: boolean
}

const START = 1_700_000_000_000

/** The whole course follows from its seed. Replicas follow our decisions, unless somebody else changes them. */
export const drawCourse = (seed: number, count: number, { masksSurge = false }: CourseOptions = {}): DrawnCourse => {
  const dice = new Dice(seed)
  const unit = dice.of(UNITS)
  let policy = drawPolicy(dice, unit)
  const engines: ReadonlyArray<BoundEngine> = boundEngines(policy)
  let memory = initialMemory(policy, 0)
  let current = dice.int(policy.bounds.min, policy.bounds.max)
  let now = START + dice.int(0, 1000)
  const ticks: Array<DrawnTick> = []
  for (let index = 0; index < count; index += 1) {
    now += drawPause(dice)
    const edited = dice.chance(0.02)
    if (edited) policy = edit(dice, policy)
    if (dice.chance(0.06)) current = dice.int(0, policy.bounds.max + 3)
    const replicas = drawReplicas(dice, unit, policy, now, current)
    const drawn = policy.signals.map((signal) => {
      const draw = signal.source === "resource" ? drawFromPods : drawTotal
      const one = draw(dice, policy, signal, now, replicas)
      return masksSurge ? withoutSurge(one, policy, replicas) : one
    })
    const state: TargetState = stateOf(current, { statusReplicas: replicas.status, readyReplicas: replicas.ready })
    const readings = policy.signals.map(({ name }, at) => [name, drawn[at]?.reading ?? FAILED] as const)
    const observation = observe(now, state, Object.fromEntries(readings))
    const { decision, memory: after } = play({ policy, engines, observation, memory })
    const tick: HpaTick = {
      now,
      spec: current,
      status: replicas.status,
      ready: replicas.ready,
      metrics: drawn.map(({ metric }) => metric)
    }
    ticks.push({ policy, edited, tick, pods: replicas.pods, decision })
    memory = after
    current = decision.desired
  }
  return { seed, ticks }
}
