/**
 * Who knows the whole load beforehand: a very strong reference, not a proved bound. It plans in steps of five seconds by
 * a model without a backlog, and plans again with more demand where the plant, tried, still shows bad answers.
 */
import type { Load } from "#workload/Load"
import { waitingChance } from "#workload/waiting"
import { capacityOf } from "#workload/Workload"
import { paretoFront, podHoursAt } from "./front.ts"
import { cheapest, tautString } from "./planning.ts"
import type { MakeRival } from "./Rival.ts"
import { run, type Run } from "./run.ts"
import { BUDGET, type Outcome, scored } from "./score.ts"

const STEP_SECONDS = 5
/** Prices that fit into memory; longer runs are planned in longer steps. */
const PRICES_MAX = 3e7
const NEVER = 1e6
/** A change by itself, in pod-seconds, so that it does not tremble. */
const PER_CHANGE = 1
/** Pods are ordered so many start-up times ahead. */
const AHEAD = 1.5

interface Grid {
  readonly stepSeconds: number
  readonly steps: number
  /** Numbers of pods, from none to as many as could ever be of use. */
  readonly sizes: number
}

/** Nobody plans beyond so many times what the peak keeps busy. */
const ROOM = 3.2

const gridOf = ({ factors, rates, seconds, workload }: Load): Grid => {
  let peak = 0
  rates.forEach((rate, second) => {
    peak = Math.max(peak, rate / (capacityOf(workload) * (factors[second] ?? 1)))
  })
  const useful = Math.max(workload.minReplicas, Math.ceil(ROOM * peak) + 4)
  const sizes = Math.min(workload.maxReplicas, useful) + 1
  const stepSeconds = STEP_SECONDS * Math.ceil(((seconds / STEP_SECONDS) * sizes) / PRICES_MAX)
  return { stepSeconds, steps: Math.max(1, Math.floor(seconds / stepSeconds)), sizes }
}

interface Plan {
  readonly stepSeconds: number
  readonly replicas: Int32Array
}

interface Step {
  readonly rate: number
  readonly factor: number
  readonly arrivals: number
}

const stepOf = ({ arrivals, factors, rates }: Load, step: number, stepSeconds: number): Step => {
  const at = { rate: 0, factor: Infinity, arrivals: 0 }
  for (let second = step * stepSeconds; second < (step + 1) * stepSeconds; second++) {
    at.rate = Math.max(at.rate, rates[second] ?? 0)
    at.factor = Math.min(at.factor, factors[second] ?? 1)
    at.arrivals += arrivals[second] ?? 0
  }
  return at
}

/** How many answers of each step would be bad, by the number of pods and the demand that is planned for. */
class Foresight {
  readonly #load: Load
  readonly #grid: Grid
  readonly #steps: ReadonlyArray<Step>
  readonly #bad: Float64Array
  readonly #boost: Float64Array
  readonly #chances: ReadonlyArray<(load: number) => number>

  constructor(load: Load) {
    this.#load = load
    this.#grid = gridOf(load)
    const { sizes, stepSeconds, steps } = this.#grid
    this.#steps = Array.from({ length: steps }, (_, step) => stepOf(load, step, stepSeconds))
    this.#bad = new Float64Array(steps * sizes)
    this.#boost = new Float64Array(this.#steps.length).fill(1)
    this.#chances = Array.from({ length: load.workload.pool }, (_, index) =>
      waitingChance(load.workload.workers * (index + 1))
    )
    this.#steps.forEach((_, step) => this.#look(step))
  }

  reset(): void {
    this.#boost.forEach((boost, step) => {
      if (boost !== 1) this.#raise(step, 1)
    })
  }

  /** More demand where it went wrong, and in the minute before. False where nothing went wrong. */
  raise(bad: Float64Array): boolean {
    const { stepSeconds } = this.#grid
    const before = Math.ceil(MINUTE_SECONDS / stepSeconds)
    let [last, any] = [Infinity, false]
    for (let step = this.#steps.length - 1; step >= 0; step--) {
      let sum = 0
      for (let second = step * stepSeconds; second < (step + 1) * stepSeconds; second++) sum += bad[second] ?? 0
      if (sum > WRONG * Math.max(this.#steps[step]?.arrivals ?? 0, 1e-9)) last = step
      any ||= last === step
      if (last - step <= before) this.#raise(step, Math.min((this.#boost[step] ?? 1) * RAISE, RAISE_MAX))
    }
    return any
  }

  /** `price`: what a bad answer costs, in seconds of the pod that it would have kept busy. */
  plan(price: number): Plan {
    const { minReplicas, startupSeconds } = this.#load.workload
    const { sizes, stepSeconds, steps } = this.#grid
    const perBad = price / capacityOf(this.#load.workload)
    const prices = new Float64Array(this.#bad.length)
    for (let step = 0, index = 0; step < steps; step++) {
      for (let pods = 0; pods < sizes; pods++, index++) {
        prices[index] = pods * stepSeconds + perBad * (this.#bad[index] ?? 0) + (pods < minReplicas ? NEVER : 0)
      }
    }
    const replicas = cheapest({ steps, sizes, prices, perPodAdded: startupSeconds, perPodChanged: PER_CHANGE })
    return { stepSeconds, replicas }
  }

  #raise(step: number, boost: number): void {
    this.#boost[step] = boost
    this.#look(step)
  }

  #look(at: number): void {
    const { objectiveSeconds, pool, serviceSeconds, workers } = this.#load.workload
    const step = this.#steps[at]
    if (step === undefined) return
    const perPod = capacityOf(this.#load.workload) * step.factor
    const serving = serviceSeconds / step.factor
    const rate = step.rate * (this.#boost[at] ?? 1)
    const { sizes } = this.#grid
    const base = at * sizes
    this.#bad[base] = step.arrivals
    for (let pods = 1; pods < sizes; pods++) {
      const load = Math.min(0.995, rate / (pods * perPod))
      const pooled = Math.min(pool, pods)
      const chance = this.#chances[pooled - 1]?.(load) ?? 1
      const decay = (workers * pooled * (1 - load)) / serving
      const late = rate >= pods * perPod ? 1 : chance * Math.exp(-decay * Math.max(0, objectiveSeconds - serving))
      this.#bad[base + pods] = late * step.arrivals
    }
  }
}

const WRONG = 0.1
const RAISE = 1.12
const RAISE_MAX = 2.2
const MINUTE_SECONDS = 60

/** Follows a plan, ahead of the time that pods need to be ready. */
const following =
  ({ replicas, stepSeconds }: Plan): MakeRival =>
  ({ workload }) => {
    const ahead = Math.ceil((workload.startupSeconds * AHEAD) / stepSeconds)
    const most = (step: number) => {
      let largest = 0
      for (let at = step; at <= Math.min(step + ahead, replicas.length - 1); at++) {
        largest = Math.max(largest, replicas[at] ?? 0)
      }
      return largest
    }
    return {
      intervalSeconds: stepSeconds,
      begins: replicas[0] ?? 0,
      decide: ({ second }) => most(Math.min(Math.floor(second / stepSeconds), replicas.length - 1))
    }
  }

/** Messages done by then, if each is to wait at most `share` of what it may. */
const queuePlan = (load: Load, share: number): Plan => {
  const { minReplicas, objectiveSeconds, startupSeconds } = load.workload
  const { sizes, stepSeconds, steps } = gridOf(load)
  const arrived = new Float64Array(steps + 1)
  for (let step = 0; step < steps; step++) {
    arrived[step + 1] = (arrived[step] ?? 0) + stepOf(load, step, stepSeconds).arrivals
  }
  const slack = Math.max(1, Math.trunc((objectiveSeconds * share) / stepSeconds))
  const due = arrived.map((_, step) => (step < slack ? 0 : (arrived[step - slack] ?? 0)))
  const need = tautString(due, arrived).map((work) => Math.ceil(work / stepSeconds / capacityOf(load.workload) - 1e-6))
  const prices = new Float64Array(steps * sizes)
  for (let index = 0; index < prices.length; index++) {
    const pods = index % sizes
    const short = Math.max(0, (need[Math.floor(index / sizes)] ?? 0) - pods)
    prices[index] = pods * stepSeconds + 1e5 * short + (pods < minReplicas ? NEVER : 0)
  }
  const replicas = cheapest({ steps, sizes, prices, perPodAdded: startupSeconds, perPodChanged: PER_CHANGE })
  return { stepSeconds, replicas }
}

const PRICES = [5, 10, 30, 100]
const TRIES = 5

interface Tried extends Outcome {
  readonly plan: Plan
}

const tried = (load: Load): ReadonlyArray<Tried> => {
  const foresight = new Foresight(load)
  return PRICES.flatMap((price) => {
    const all: Array<Tried> = []
    foresight.reset()
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const plan = foresight.plan(price)
      const { changesPerHour, course, podHours, violations } = run(load, following(plan))
      all.push({ plan, violations, podHours, changesPerHour })
      if (!foresight.raise(course.bad)) break
    }
    return all
  })
}

export interface Reference {
  /** Pod-hours that everybody's are divided by. */
  readonly podHours: number
  /** The clairvoyant's own run. */
  readonly run: Run
}

/** For requests: the clairvoyant's pod-hours at 1 % bad answers. For messages: the work there is, divided by a pod's. */
export const referenceOf = (load: Load): Reference => {
  if (load.workload.kind === "queue") {
    let work = 0
    load.arrivals.forEach((count, second) => {
      work += count / (capacityOf(load.workload) * (load.factors[second] ?? 1))
    })
    return { podHours: work / 3600, run: run(load, following(queuePlan(load, QUEUE_SHARE))) }
  }
  const front = paretoFront(tried(load))
  const podHours = podHoursAt(front, BUDGET) ?? front.at(-1)?.podHours ?? 0
  const within = front.filter(({ violations }) => violations <= BUDGET)
  const [best] = (within.length > 0 ? within : front).toSorted(
    (a, b) => scored(a, podHours).cost - scored(b, podHours).cost
  )
  return {
    podHours,
    run: run(load, following(best?.plan ?? { stepSeconds: STEP_SECONDS, replicas: new Int32Array(1) }))
  }
}

const QUEUE_SHARE = 0.8
