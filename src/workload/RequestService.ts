/**
 * A service of pods that answer requests, second by second. Who asks for how many pods, and when they are ready, is
 * somebody else's: each second is told how many serve. What does not fit into a second waits for the next; within a
 * second requests wait as in an M/M/k queue; what would wait beyond the time-out is dropped.
 */
import { LOAD_MAX, waitingChance } from "./waiting.ts"
import { capacityOf, type Workload } from "./Workload.ts"

export class RequestService {
  /** Requests waiting at the end of the last second. */
  waiting = 0
  /** Of the last second: */
  served = 0
  dropped = 0
  /** Not answered, or not within the objective. */
  bad = 0
  p95Seconds = 0
  /** Requests in the system, waiting and in service. */
  concurrency = 0
  /** 0..1 of what the ready pods can do: their use of the CPU. */
  utilization = 0

  /** How the last second's answers were spread: all took the one, a share of them longer, by exponential waiting. */
  #least = 0
  #share = 1
  #decay = 0
  readonly #capacity: number
  readonly #workload: Workload
  /** By how many pods pool their workers, less one. */
  readonly #chances: ReadonlyArray<(load: number) => number>

  constructor(workload: Workload) {
    this.#workload = workload
    this.#capacity = capacityOf(workload)
    this.#chances = Array.from({ length: workload.pool }, (_, index) => waitingChance(workload.workers * (index + 1)))
  }

  /** One second in which `arrivals` came where `rate` were expected, `ready` pods serve, each `factor` times the usual. */
  step(arrivals: number, rate: number, ready: number, factor = 1): void {
    const { objectiveSeconds, pool, serviceSeconds, timeoutSeconds, workers } = this.#workload
    const perPod = this.#capacity * factor
    const capacity = ready * perPod
    const before = this.waiting
    const work = before + arrivals
    const served = Math.min(work, capacity)
    const most = capacity > 0 ? capacity * timeoutSeconds : EMPTY_PODS * perPod
    const waiting = Math.min(work - served, most)
    const dropped = work - served - waiting
    this.waiting = waiting
    this.served = served
    this.dropped = dropped
    this.utilization = capacity > 0 ? served / capacity : 0
    const answered = Math.max(0, arrivals - dropped)
    if (capacity <= 0) {
      this.#spread(timeoutSeconds, 1, 0)
      this.bad = answered + dropped
      this.p95Seconds = timeoutSeconds
      this.concurrency = (before + waiting) / 2
      return
    }
    const behind = waiting > 0 || before > 0 ? (before + waiting) / 2 / capacity : 0
    const load = Math.min(LOAD_MAX, Math.max(rate, served) / capacity)
    const pooled = Math.min(pool, ready)
    const serving = serviceSeconds / factor
    const chance = this.#chances[pooled - 1]?.(load) ?? 1
    const decay = (workers * pooled * (1 - load)) / serving
    this.#spread(serving + behind, chance, decay)
    const late = this.slowerThan(objectiveSeconds)
    const tail = chance > 0.05 ? Math.log(chance / 0.05) / decay : 0
    this.bad = late * answered + dropped
    this.p95Seconds = Math.min(timeoutSeconds, serving + behind + tail)
    this.concurrency = (before + waiting) / 2 + served * (serviceSeconds + chance / decay)
  }

  /** Which share of the last second's answers took longer than this. */
  slowerThan(seconds: number): number {
    const slack = seconds - this.#least
    return slack <= 0 ? 1 : this.#share * Math.exp(-this.#decay * slack)
  }

  /** How long they took on average. */
  get meanSeconds(): number {
    return this.#least + (this.#decay > 0 ? this.#share / this.#decay : 0)
  }

  #spread(least: number, share: number, decay: number): void {
    this.#least = least
    this.#share = share
    this.#decay = decay
  }
}

/** Without a pod, so many pods' worth of a second wait at the door. */
const EMPTY_PODS = 10
