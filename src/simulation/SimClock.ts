/**
 * Virtual time: a heap of deadlines. Time moves only when the driver says so, and everything due at one
 * instant becomes ready together, so that chance and not the order of the calls decides who goes first.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scheduler from "effect/Scheduler"

interface Timer {
  readonly deadline: number
  readonly sequence: number
  /** Its place in the heap; -1 once it is out. */
  index: number
  resume: (() => void) | undefined
}

export class SimClock implements Clock.Clock {
  readonly epoch: number
  wakeups = 0

  readonly #ready: Scheduler.SchedulerDispatcher
  readonly #onSleep: () => void
  readonly #heap: Array<Timer> = []
  #elapsed = 0
  #sequence = 0

  /** `onSleep` is told of each sleep as it begins: whoever drives time by another clock may have to wake earlier. */
  constructor(epoch: number, ready: Scheduler.SchedulerDispatcher, onSleep: () => void = () => undefined) {
    this.epoch = epoch
    this.#ready = ready
    this.#onSleep = onSleep
  }

  /** The first deadline of those that sleep. */
  get nextDeadline(): number | undefined {
    return this.#heap[0]?.deadline
  }

  /** Sleeps that nobody has ended yet. */
  get pending(): number {
    return this.#heap.length
  }

  /** Virtual milliseconds since the start. */
  get elapsed(): number {
    return this.#elapsed
  }

  readonly currentTimeMillisUnsafe = (): number => this.epoch + Math.floor(this.#elapsed)
  readonly monotonicTimeNanosUnsafe = (): bigint => BigInt(Math.round(this.#elapsed * 1_000_000))
  readonly currentTimeNanosUnsafe = (): bigint => BigInt(this.epoch) * 1_000_000n + this.monotonicTimeNanosUnsafe()
  readonly currentTimeMillis = Effect.sync(this.currentTimeMillisUnsafe)
  readonly currentTimeNanos = Effect.sync(this.currentTimeNanosUnsafe)
  readonly monotonicTimeNanos = Effect.sync(this.monotonicTimeNanosUnsafe)

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    const millis = Duration.toMillis(duration)
    if (millis <= 0) return Effect.yieldNow
    if (!Number.isFinite(millis)) return Effect.never
    return Effect.callback<void>((resume) => {
      const timer: Timer = {
        deadline: this.#elapsed + millis,
        sequence: this.#sequence++,
        index: -1,
        resume: () => resume(Effect.void)
      }
      this.#up(timer, this.#heap.push(timer) - 1)
      this.#onSleep()
      return Effect.sync(() => {
        timer.resume = undefined
        if (timer.index >= 0) this.#remove(timer)
      })
    })
  }

  /** The same timeline as read by a machine whose wall clock is so many milliseconds off; its monotonic clock is right. */
  skewed(offset: number | (() => number)): Clock.Clock {
    const offsetMillis = typeof offset === "number" ? () => offset : offset
    const millis = () => this.currentTimeMillisUnsafe() + offsetMillis()
    const nanos = () => this.currentTimeNanosUnsafe() + BigInt(Math.round(offsetMillis() * 1_000_000))
    return {
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: this.monotonicTimeNanosUnsafe,
      monotonicTimeNanos: this.monotonicTimeNanos,
      sleep: (duration) => this.sleep(duration)
    }
  }

  /** Jumps to the next deadline, at most to `limit`. False when there is none before it. */
  advance(limit: number): boolean {
    const next = this.#heap[0]
    if (next === undefined || next.deadline > limit) return false
    this.skipTo(next.deadline)
    for (let due: Timer | undefined = next; due !== undefined && due.deadline <= this.#elapsed; due = this.#heap[0]) {
      const timer = due
      this.#remove(timer)
      this.wakeups++
      // Looked up when its turn comes, for the sleep may be cancelled between now and then.
      this.#ready.scheduleTask(() => timer.resume?.(), 0)
    }
    return true
  }

  /** Moves time without waking anybody. */
  skipTo(elapsedMillis: number): void {
    this.#elapsed = Math.max(this.#elapsed, elapsedMillis)
  }

  #remove(timer: Timer): void {
    const last = this.#heap.pop()
    if (last !== undefined && last !== timer) {
      const parent = this.#heap[(timer.index - 1) >> 1]
      if (parent !== undefined && before(last, parent)) this.#up(last, timer.index)
      else this.#down(last, timer.index)
    }
    timer.index = -1
  }

  #up(timer: Timer, start: number): void {
    let index = start
    while (index > 0) {
      const parentIndex = (index - 1) >> 1
      const parent = this.#heap[parentIndex]
      if (parent === undefined || !before(timer, parent)) break
      this.#put(parent, index)
      index = parentIndex
    }
    this.#put(timer, index)
  }

  #down(timer: Timer, start: number): void {
    let index = start
    while (true) {
      const left = this.#heap[2 * index + 1]
      const right = this.#heap[2 * index + 2]
      const child = left !== undefined && right !== undefined && before(right, left) ? right : left
      if (child === undefined || !before(child, timer)) break
      const childIndex = child.index
      this.#put(child, index)
      index = childIndex
    }
    this.#put(timer, index)
  }

  #put(timer: Timer, index: number): void {
    this.#heap[index] = timer
    timer.index = index
  }
}

const before = (a: Timer, b: Timer): boolean =>
  a.deadline < b.deadline || (a.deadline === b.deadline && a.sequence < b.sequence)
