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
const NEVER = 1e6
/** A change by itself, in pod-seconds, so that it does not tremble. */
const PER_CHANGE = 1
/** Pods are ordered so many start-up times ahead. */
const AHEAD = 1.5

const steps = ({ seconds }: Load): number => Math.floor(seconds / STEP_SECONDS)

interface Step {
  readonly rate: number
  readonly factor: number
  readonly arrivals: number
}

const stepOf = ({ arrivals, factors, rates }: Load, step: number): Step => {
  const at = { rate: 0, factor: Infinity, arrivals: 0 }
  for (let second = step * STEP_SECONDS; second < (step + 1) * STEP_SECONDS; second++) {
    at.rate = Math.max(at.rate, rates[second] ?? 0)
    at.factor = Math.min(at.factor, factors[second] ?? 1)
    at.arrivals += arrivals[second] ?? 0
  }
  return at
}

/** How many answers of each step would be bad, by the number of pods and the demand that is planned for. */
class Foresight {
  readonly #load: Load
  readonly #sizes: number
  readonly #steps: ReadonlyArray<Step>
  readonly #bad: Float64Array
  readonly #boost: Float64Array
  readonly #chances: ReadonlyArray<(load: number) => number>

  constructor(load: Load) {
    this.#load = load
    this.#sizes = load.workload.maxReplicas + 1
    this.#steps = Array.from({ length: steps(load) }, (_, step) => stepOf(load, step))
    this.#bad = new Float64Array(this.#steps.length * this.#sizes)
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
    const wrong = this.#steps.map(({ arrivals }, step) => {
      let sum = 0
      for (let second = step * STEP_SECONDS; second < (step + 1) * STEP_SECONDS; second++) sum += bad[second] ?? 0
      return sum > WRONG * Math.max(arrivals, 1e-9)
    })
    const last = wrong.lastIndexOf(true)
    wrong.forEach((_, step) => {
      if (step > last || !wrong.slice(step, step + MINUTE_STEPS + 1).includes(true)) return
      this.#raise(step, Math.min((this.#boost[step] ?? 1) * RAISE, RAISE_MAX))
    })
    return last >= 0
  }

  /** `price`: what a bad answer costs, in seconds of the pod that it would have kept busy. */
  plan(price: number): Int32Array {
    const { minReplicas, startupSeconds } = this.#load.workload
    const perBad = price / capacityOf(this.#load.workload)
    const prices = new Float64Array(this.#bad.length)
    for (let index = 0; index < prices.length; index++) {
      const pods = index % this.#sizes
      prices[index] = pods * STEP_SECONDS + perBad * (this.#bad[index] ?? 0) + (pods < minReplicas ? NEVER : 0)
    }
    const sizes = this.#sizes
    return cheapest({
      steps: this.#steps.length,
      sizes,
      prices,
      perPodAdded: startupSeconds,
      perPodChanged: PER_CHANGE
    })
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
    const base = at * this.#sizes
    this.#bad[base] = step.arrivals
    for (let pods = 1; pods < this.#sizes; pods++) {
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
const MINUTE_STEPS = 12

/** Follows a plan, ahead of the time that pods need to be ready. */
const following =
  (plan: Int32Array): MakeRival =>
  ({ workload }) => {
    const ahead = Math.ceil((workload.startupSeconds * AHEAD) / STEP_SECONDS)
    const soonest = plan.map((_, step) => plan.subarray(step, step + ahead + 1).reduce((a, b) => Math.max(a, b), 0))
    return {
      intervalSeconds: STEP_SECONDS,
      begins: plan[0] ?? 0,
      decide: ({ second }) => soonest[Math.min(Math.floor(second / STEP_SECONDS), soonest.length - 1)]
    }
  }

/** Messages done by then, if each is to wait at most `share` of what it may. */
const queuePlan = (load: Load, share: number): Int32Array => {
  const { maxReplicas, minReplicas, objectiveSeconds, startupSeconds } = load.workload
  const count = steps(load)
  const arrived = new Float64Array(count + 1)
  for (let step = 0; step < count; step++) arrived[step + 1] = (arrived[step] ?? 0) + stepOf(load, step).arrivals
  const slack = Math.max(1, Math.trunc((objectiveSeconds * share) / STEP_SECONDS))
  const due = arrived.map((_, step) => (step < slack ? 0 : (arrived[step - slack] ?? 0)))
  const need = tautString(due, arrived).map((work) => Math.ceil(work / STEP_SECONDS / capacityOf(load.workload) - 1e-6))
  const sizes = maxReplicas + 1
  const prices = new Float64Array(count * sizes)
  for (let index = 0; index < prices.length; index++) {
    const pods = index % sizes
    const short = Math.max(0, (need[Math.floor(index / sizes)] ?? 0) - pods)
    prices[index] = pods * STEP_SECONDS + 1e5 * short + (pods < minReplicas ? NEVER : 0)
  }
  return cheapest({ steps: count, sizes, prices, perPodAdded: startupSeconds, perPodChanged: PER_CHANGE })
}

const PRICES = [5, 10, 30, 100]
const TRIES = 5

interface Tried extends Outcome {
  readonly plan: Int32Array
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
  return { podHours, run: run(load, following(best?.plan ?? new Int32Array(1))) }
}

const QUEUE_SHARE = 0.8
