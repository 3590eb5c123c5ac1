/**
 * A workload under a load with pods of its own, for whoever asks hours of it in milliseconds: scale, advance, look at
 * the metrics as a scrape shows them. What happened in each second is kept.
 */
import { Fleet, startupTimes } from "./Fleet.ts"
import { firstReplicas, type Load } from "./Load.ts"
import { MessageQueue } from "./MessageQueue.ts"
import { RequestService } from "./RequestService.ts"
import { capacityOf } from "./Workload.ts"

/** Each second of a run. */
export interface Course {
  readonly ready: Float64Array
  /** Ready or starting: what is paid. */
  readonly pods: Float64Array
  readonly served: Float64Array
  readonly waiting: Float64Array
  /** Of the arrivals of this second. */
  readonly bad: Float64Array
  readonly dropped: Float64Array
  readonly p95Seconds: Float64Array
  readonly concurrency: Float64Array
}

/** Means over a window that ends at a scrape. */
export interface Scraped {
  readonly rps: number
  readonly servedRps: number
  /** Of what the ready pods request, 0..1, with the noise of measuring. */
  readonly utilization: number
  readonly memoryUtilization: number
  readonly waiting: number
  readonly concurrency: number
  readonly readyAvg: number
  readonly readyMin: number
  readonly errorRate: number
  readonly p95Seconds: number
  readonly badFraction: number
  /** The second of the scrape. */
  readonly at: number
}

const courseOf = (seconds: number): Course => ({
  ready: new Float64Array(seconds),
  pods: new Float64Array(seconds),
  served: new Float64Array(seconds),
  waiting: new Float64Array(seconds),
  bad: new Float64Array(seconds),
  dropped: new Float64Array(seconds),
  p95Seconds: new Float64Array(seconds),
  concurrency: new Float64Array(seconds)
})

const sumOf = (numbers: Float64Array, from: number, to: number): number => {
  let sum = 0
  for (let index = from; index < to; index++) sum += numbers[index] ?? 0
  return sum
}

/** A process uses memory also while it does nothing. */
export const memoryAt = (utilization: number): number => Math.min(1, 0.3 + 0.5 * utilization)

export class Plant {
  readonly load: Load
  readonly course: Course
  /** Now: the next second to come. */
  second = 0
  desired: number
  /** How often `desired` changed. */
  changes = 0
  readonly #fleet: Fleet
  readonly #requests: RequestService
  readonly #messages: MessageQueue
  readonly #capacity: number

  constructor(load: Load, replicas = firstReplicas(load)) {
    const { seconds, seed, workload } = load
    this.load = load
    this.course = courseOf(seconds)
    this.desired = Math.min(workload.maxReplicas, Math.max(workload.minReplicas, replicas))
    this.#fleet = new Fleet(this.desired, startupTimes(workload.startupSeconds, seed))
    this.#requests = new RequestService(workload)
    this.#messages = new MessageQueue(workload, (second, messages) => {
      this.course.bad[second] = messages
    })
    this.#capacity = capacityOf(workload)
  }

  get ready(): number {
    return this.#fleet.ready
  }

  get starting(): number {
    return this.#fleet.starting
  }

  get isOver(): boolean {
    return this.second >= this.load.seconds
  }

  scale(replicas: number): void {
    const { maxReplicas, minReplicas } = this.load.workload
    const desired = Math.trunc(Math.min(maxReplicas, Math.max(minReplicas, replicas)))
    if (desired !== this.desired) this.changes += 1
    this.desired = desired
    this.#fleet.scale(this.second, desired)
  }

  advance(seconds: number): void {
    const { arrivals, factors, rates, workload } = this.load
    const until = Math.min(this.second + seconds, this.load.seconds)
    for (; this.second < until; this.second++) {
      const { second } = this
      this.#fleet.step(second)
      const factor = factors[second] ?? 1
      if (workload.kind === "queue") this.#messages.step(arrivals[second] ?? 0, this.#fleet.ready, factor)
      else this.#requests.step(arrivals[second] ?? 0, rates[second] ?? 0, this.#fleet.ready, factor)
      this.#note(second)
    }
    if (this.isOver) this.#messages.finish()
  }

  #note(second: number): void {
    const { course } = this
    const { ready, starting } = this.#fleet
    course.ready[second] = ready
    course.pods[second] = ready + starting
    if (this.load.workload.kind === "queue") {
      course.served[second] = this.#messages.served
      course.waiting[second] = this.#messages.waiting
      course.concurrency[second] = this.#messages.concurrency
      course.p95Seconds[second] = this.#messages.ageSeconds
      return
    }
    course.served[second] = this.#requests.served
    course.waiting[second] = this.#requests.waiting
    course.concurrency[second] = this.#requests.concurrency
    course.p95Seconds[second] = this.#requests.p95Seconds
    course.bad[second] = this.#requests.bad
    course.dropped[second] = this.#requests.dropped
  }

  /** Of answers over the window; a queue has its age also while nothing comes. */
  #slowness(p95Seconds: Float64Array, to: number, mean: number | undefined): number {
    const { kind, serviceSeconds } = this.load.workload
    return (kind === "queue" ? p95Seconds[to - 1] : mean) ?? serviceSeconds
  }

  /** What a scrape every so many seconds shows now of the seconds before it; undefined when it was lost. */
  scraped(everySeconds: number, windowSeconds: number): Scraped | undefined {
    const { arrivals, factors, lost, noise } = this.load
    const { bad, concurrency, dropped, p95Seconds, ready, served, waiting } = this.course
    const to = Math.floor(this.second / everySeconds) * everySeconds
    const from = Math.max(0, to - windowSeconds)
    if (to <= from || lost[to - 1] === 1) return undefined
    const span = to - from
    const arrived = sumOf(arrivals, from, to)
    const done = sumOf(served, from, to)
    let [capacity, readyMin, weighted] = [0, Infinity, 0]
    for (let second = from; second < to; second++) {
      capacity += (ready[second] ?? 0) * this.#capacity * (factors[second] ?? 1)
      readyMin = Math.min(readyMin, ready[second] ?? 0)
      weighted += (p95Seconds[second] ?? 0) * (arrivals[second] ?? 0)
    }
    const used = capacity > 0 ? done / capacity : 0
    const utilization = Math.min(1, Math.max(0, used * (noise[to - 1] ?? 1)))
    return {
      rps: arrived / span,
      servedRps: done / span,
      utilization,
      memoryUtilization: memoryAt(utilization),
      waiting: waiting[to - 1] ?? 0,
      concurrency: sumOf(concurrency, from, to) / span,
      readyAvg: sumOf(ready, from, to) / span,
      readyMin,
      errorRate: arrived > 0 ? sumOf(dropped, from, to) / arrived : 0,
      p95Seconds: this.#slowness(p95Seconds, to, arrived > 0 ? weighted / arrived : undefined),
      badFraction: arrived > 0 ? sumOf(bad, from, to) / arrived : 0,
      at: to
    }
  }
}
