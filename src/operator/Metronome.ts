/**
 * When each actor ticks. One fiber and one heap for all of them, because ten thousand sleeping fibers are what an
 * idle operator would otherwise consist of. It only offers `Ticked`; what a tick is, the actor knows.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import type { Millis } from "#schemas/Reading"

/** One actor's place in the schedule. */
export class Beat {
  dueAt: Millis = Number.POSITIVE_INFINITY
  /** Its place in the heap; -1: not scheduled. */
  index = -1
  readonly due: (dueAt: Millis) => void

  constructor(due: (dueAt: Millis) => void) {
    this.due = due
  }
}

/**
 * Beats handed out in one turn of the event loop. Few, because each turn takes in what the sources and the API server
 * have answered meanwhile: where turns become long, fewer ticks begin than end, and a crowd that is more than the
 * core can carry is late in the heap, where it costs nothing, and not half done in memory.
 */
const BATCH = 8

export class Metronome {
  readonly #heap: Array<Beat> = []
  /** Open: the earliest beat has changed, or time is up. */
  readonly #changed = Latch.makeUnsafe(false)

  get size(): number {
    return this.#heap.length
  }

  /** Moves the beat; a beat is due once per call. */
  readonly schedule = (beat: Beat, dueAt: Millis): void => {
    this.cancel(beat)
    beat.dueAt = dueAt
    this.#up(beat, this.#heap.push(beat) - 1)
    if (beat.index === 0) this.#changed.openUnsafe()
  }

  readonly cancel = (beat: Beat): void => {
    const { index } = beat
    if (index < 0) return
    beat.index = -1
    const last = this.#heap.pop()
    if (last === undefined || last === beat) return
    this.#up(last, index)
    this.#down(last, last.index)
  }

  /** Runs for ever. */
  readonly run: Effect.Effect<never> = Effect.forever(
    Effect.suspend(() => {
      this.#changed.closeUnsafe()
      const [first] = this.#heap
      if (first === undefined) return this.#changed.await
      return Effect.flatMap(Clock.currentTimeMillis, (now) =>
        first.dueAt <= now ? this.#fire(now) : this.#sleep(first.dueAt - now)
      )
    })
  )

  /** Nearly always until time is up: a race of two fibers would be the most that a quiet operator does. */
  readonly #sleep = (millis: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      let isUp = false
      const ring = () => {
        isUp = true
        this.#changed.openUnsafe()
      }
      return Effect.flatMap(
        Effect.forkChild(Effect.andThen(Effect.sleep(millis), Effect.sync(ring)), { startImmediately: true }),
        (alarm) =>
          Effect.andThen(
            this.#changed.await,
            Effect.suspend(() => (isUp ? Effect.void : Fiber.interrupt(alarm)))
          )
      )
    })

  readonly #fire = (now: Millis): Effect.Effect<void> =>
    Effect.suspend(() => {
      for (let count = 0; count < BATCH; count++) {
        const [first] = this.#heap
        if (first === undefined || first.dueAt > now) break
        this.cancel(first)
        first.due(first.dueAt)
      }
      return Effect.yieldNow
    })

  #up(beat: Beat, from: number): void {
    let at = from
    while (at > 0) {
      const parent = this.#heap[(at - 1) >> 1]
      if (parent === undefined || parent.dueAt <= beat.dueAt) break
      this.#put(parent, at)
      at = (at - 1) >> 1
    }
    this.#put(beat, at)
  }

  #down(beat: Beat, from: number): void {
    let at = from
    while (true) {
      const left = this.#heap[2 * at + 1]
      const right = this.#heap[2 * at + 2]
      const child = right !== undefined && left !== undefined && right.dueAt < left.dueAt ? right : left
      if (child === undefined || child.dueAt >= beat.dueAt) break
      const next = child.index
      this.#put(child, at)
      at = next
    }
    this.#put(beat, at)
  }

  #put(beat: Beat, at: number): void {
    this.#heap[at] = beat
    beat.index = at
  }
}
