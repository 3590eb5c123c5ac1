/**
 * At most so many at once, in the order in which they came, and in constant time however many wait: Effect's
 * Semaphore copies its whole line at every release, which ten thousand late ticks make the main thing that is done.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

interface Waiter {
  state: "waiting" | "admitted" | "gone"
  enter: (() => void) | undefined
}

/** Places of the line that nobody needs any more are given back when there are so many. */
const SWEEP = 256

export class Gate {
  #room: number
  #line: Array<Waiter> = []
  /** The first in the line; all before it are admitted or gone. */
  #first = 0

  constructor(atOnce: number) {
    this.#room = atOnce
  }

  /** Runs the effect when there is room for it. Interrupted while it waits, it has never been there. */
  readonly pass = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.suspend(() => {
        const inside = Effect.onExit(restore(self), () => Effect.sync(this.#leave))
        if (this.#room > 0) {
          this.#room--
          return inside
        }
        const waiter: Waiter = { state: "waiting", enter: undefined }
        this.#line.push(waiter)
        const turn = Effect.callback<void>((resume) => {
          // Yielding, or whoever leaves would run the next one, and that the next, on one stack.
          waiter.enter = () => resume(Effect.yieldNow)
          if (waiter.state === "admitted") waiter.enter()
        })
        const admitted = Effect.onExit(restore(turn), (exit) =>
          Exit.isSuccess(exit) ? Effect.void : Effect.sync(() => this.#giveUp(waiter))
        )
        return Effect.andThen(admitted, inside)
      })
    )

  readonly #leave = (): void => {
    const next = this.#take()
    if (next === undefined) {
      this.#room++
      return
    }
    next.state = "admitted"
    next.enter?.()
  }

  #giveUp(waiter: Waiter): void {
    const { state } = waiter
    waiter.state = "gone"
    if (state === "admitted") this.#leave() // in the very moment in which it was interrupted
  }

  #take(): Waiter | undefined {
    let found: Waiter | undefined
    while (found === undefined && this.#first < this.#line.length) {
      const waiter = this.#line[this.#first]
      this.#first++
      if (waiter?.state === "waiting") found = waiter
    }
    if (this.#first >= SWEEP && this.#first * 2 >= this.#line.length) {
      this.#line = this.#line.slice(this.#first)
      this.#first = 0
    }
    return found
  }
}
