/**
 * A queue of messages that pods take first in, first out, second by second. Nothing is dropped. Each second's messages
 * are one cohort, and its age is exact: it is late when its middle waits longer than the objective.
 */
import { capacityOf, type Workload } from "./Workload.ts"

interface Cohort {
  readonly second: number
  readonly messages: number
  /** How many messages had come in all when half of these, and when all of these had. */
  readonly middle: number
  readonly end: number
}

/** Sums of many fractions are not exact. */
const ROUNDING = 1e-9

export class MessageQueue {
  /** Messages waiting at the end of the last second. */
  waiting = 0
  /** Of the last second: */
  served = 0
  /** Messages of which it turned out in the last second that they began too late. */
  bad = 0
  utilization = 0
  concurrency = 0

  #second = 0
  #arrived = 0
  #departed = 0
  /** What has not left entirely; before #undecided it is known whether it was late. */
  #cohorts: Array<Cohort> = []
  #oldest = 0
  #undecided = 0
  readonly #capacity: number
  readonly #workload: Workload
  readonly #onLate: (second: number, messages: number) => void

  /** `onLate` hears of the messages that came in a second and were too late. */
  constructor(workload: Workload, onLate: (second: number, messages: number) => void = () => {}) {
    this.#workload = workload
    this.#capacity = capacityOf(workload)
    this.#onLate = onLate
  }

  /** How long the oldest message has waited; 0 when there is none. */
  get ageSeconds(): number {
    const oldest = this.#cohorts[this.#oldest]
    return oldest === undefined ? 0 : this.#second - oldest.second
  }

  /** One second in which `arrivals` came and `ready` pods serve, each `factor` times the usual. */
  step(arrivals: number, ready: number, factor = 1): void {
    const capacity = ready * this.#capacity * factor
    const before = this.waiting
    const work = before + arrivals
    this.served = Math.min(work, capacity)
    this.waiting = work - this.served
    this.utilization = capacity > 0 ? this.served / capacity : 0
    this.concurrency = (before + this.waiting) / 2 + this.served * this.#workload.serviceSeconds
    this.#departed += this.served
    const end = this.#arrived + arrivals
    if (arrivals > 0) {
      this.#cohorts.push({ second: this.#second, messages: arrivals, middle: end - arrivals / 2, end })
      this.#arrived = end
    }
    this.bad = 0
    for (let next = this.#cohorts[this.#undecided]; next !== undefined; next = this.#cohorts[this.#undecided]) {
      if (next.middle - ROUNDING > this.#departed) break
      if (this.#second - next.second > this.#workload.objectiveSeconds) this.#late(next)
      this.#undecided += 1
    }
    while ((this.#cohorts[this.#oldest]?.end ?? Infinity) - ROUNDING <= this.#departed) this.#oldest += 1
    if (this.#oldest > FORGET) this.#forget()
    this.#second += 1
  }

  /** The end: what waits and has waited too long is late, too. */
  finish(): void {
    this.bad = 0
    for (const cohort of this.#cohorts.slice(this.#undecided)) {
      if (this.#second - cohort.second > this.#workload.objectiveSeconds) this.#late(cohort)
    }
    this.#undecided = this.#cohorts.length
  }

  #late({ messages, second }: Cohort): void {
    this.bad += messages
    this.#onLate(second, messages)
  }

  #forget(): void {
    this.#cohorts = this.#cohorts.slice(this.#oldest)
    this.#undecided -= this.#oldest
    this.#oldest = 0
  }
}

/** So many cohorts that are gone are kept at most: to drop each by itself would move all others. */
const FORGET = 4096
