/**
 * Time for `dev --speed`: virtual time that follows the machine's at a given pace. It never passes a deadline before
 * whoever waited for it has been woken, so on a machine that is too slow the world runs later and not wrong.
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { SimClock } from "#simulation/SimClock"

/** What the clock needs of the machine; tests bring their own. */
export interface Machine {
  /** Never set back. */
  readonly nowMillis: () => number
  readonly later: (run: () => void, millis: number) => () => void
  /** When everything that is ready now has run. */
  readonly next: (run: () => void) => () => void
}

/** Most wake-ups hop two or three times before they rest: a turn of the event loop each. */
const TURNS = 3

const nextTurn = (run: () => void): (() => void) => {
  let left = TURNS
  const turn = (): void => {
    left--
    if (left === 0) run()
    else handle = setImmediate(turn)
  }
  let handle = setImmediate(turn)
  return () => clearImmediate(handle)
}

export const thisMachine: Machine = {
  nowMillis: () => performance.now(),
  later: (run, millis) => {
    const handle = setTimeout(run, millis)
    return () => clearTimeout(handle)
  },
  next: nextTurn
}

/** Further behind than this, time is let go: after a machine has slept, nobody wants the night in fast motion. */
const BEHIND_MILLIS = 1_000
/** Long sleeps are looked at again so often, for what is asked in between. */
const WAKE_MILLIS = 1_000

export class PacedClock implements Clock.Clock {
  readonly speed: number
  readonly #machine: Machine
  readonly #time: SimClock
  #anchorReal: number
  #anchorElapsed = 0
  #leapsTo: number | undefined
  #cancel: (() => void) | undefined
  #wakesAt = Number.POSITIVE_INFINITY
  /** While those run who have been woken, it is the moment they were woken for. */
  #held = false
  #closed = false

  constructor(epochMillis: number, speed: number, machine: Machine = thisMachine) {
    this.speed = speed
    this.#machine = machine
    const ready = { scheduleTask: (task: () => void) => task(), flush: () => undefined }
    this.#time = new SimClock(epochMillis, ready, () => this.#wakeInTime())
    this.#anchorReal = machine.nowMillis()
  }

  readonly currentTimeMillisUnsafe = (): number => {
    this.#flow()
    return this.#time.currentTimeMillisUnsafe()
  }
  readonly currentTimeNanosUnsafe = (): bigint => {
    this.#flow()
    return this.#time.currentTimeNanosUnsafe()
  }
  readonly monotonicTimeNanosUnsafe = (): bigint => {
    this.#flow()
    return this.#time.monotonicTimeNanosUnsafe()
  }
  readonly currentTimeMillis = Effect.sync(this.currentTimeMillisUnsafe)
  readonly currentTimeNanos = Effect.sync(this.currentTimeNanosUnsafe)
  readonly monotonicTimeNanos = Effect.sync(this.monotonicTimeNanosUnsafe)

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#flow()
      return this.#time.sleep(duration)
    })
  }

  /** Lets so much time pass as fast as the machine can; from there on it goes at its pace. */
  leap(duration: Duration.Input): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#flow()
      const millis = Duration.toMillis(duration)
      this.#leapsTo = this.#time.elapsed + millis
      this.#stop()
      this.#wakesAt = Number.NEGATIVE_INFINITY
      this.#cancel = this.#machine.next(this.#run)
      return this.#time.sleep(Duration.millis(millis))
    })
  }

  /** Nobody is woken any more. */
  close(): void {
    this.#closed = true
    this.#stop()
  }

  #stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  /** Where time should be by now, as far as the machine keeps up. */
  #due(): number {
    const real = this.#machine.nowMillis()
    if (this.#leapsTo !== undefined) {
      if (this.#time.elapsed < this.#leapsTo) return this.#leapsTo
      this.#leapsTo = undefined
      this.#anchorReal = real
      this.#anchorElapsed = this.#time.elapsed
    }
    const due = this.#anchorElapsed + (real - this.#anchorReal) * this.speed
    const late = this.#time.nextDeadline !== undefined && due - this.#time.elapsed > BEHIND_MILLIS * this.speed
    if (!late) return due
    this.#anchorReal = real
    this.#anchorElapsed = this.#time.elapsed
    return this.#anchorElapsed
  }

  /** Up to now, or to the next deadline that nobody has been woken for yet. */
  #flow(): void {
    if (this.#held || this.#leapsTo !== undefined) return
    this.#time.skipTo(Math.min(this.#due(), this.#time.nextDeadline ?? Number.POSITIVE_INFINITY))
  }

  readonly #run = (): void => {
    this.#cancel = undefined
    this.#wakesAt = Number.POSITIVE_INFINITY
    if (this.#closed) return
    const due = this.#due()
    this.#held = true
    if (this.#time.advance(due)) {
      this.#stop()
      this.#wakesAt = Number.NEGATIVE_INFINITY
      this.#cancel = this.#machine.next(this.#run)
      return
    }
    this.#held = false
    this.#time.skipTo(due)
    this.#schedule()
  }

  #schedule(): void {
    const deadline = this.#time.nextDeadline
    if (deadline === undefined || this.#closed) return
    this.#wakesAt = deadline
    const millis = Math.min(WAKE_MILLIS, (deadline - this.#time.elapsed) / this.speed)
    this.#cancel = this.#machine.later(this.#run, millis)
  }

  /** A sleep that begins now may end before all others. */
  #wakeInTime(): void {
    if ((this.#time.nextDeadline ?? Number.POSITIVE_INFINITY) >= this.#wakesAt) return
    this.#stop()
    this.#schedule()
  }
}
