/**
 * Answers that are kept for a while, by whichever of the machine's clocks makes them older: a wall clock that is put
 * back would keep what is old for as long, and nobody would see it; the steady one stands still while a machine sleeps.
 */
import * as Cache from "effect/Cache"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"

export interface Keeping<Key, A, E> {
  readonly capacity: number
  readonly timeToLive: (exit: Exit.Exit<A, E>) => Duration.Input
  readonly lookup: (key: Key) => Effect.Effect<A, E>
}

export const keptAnswers = <Key, A, E>({ capacity, lookup, timeToLive }: Keeping<Key, A, E>) =>
  Effect.gen(function* () {
    const real = yield* Clock.Clock
    const ageing = new AgeingClock(real)
    const inRealTime = (key: Key) => Effect.provideService(lookup(key), Clock.Clock, real)
    // Made in no context: of the one that it is made in, each look would be given a copy, with all services of the process.
    const nowhere: (own: Context.Context<never>) => Context.Context<never> = () => Context.empty()
    const cache = yield* Effect.updateContext(Cache.makeWith(inRealTime, { capacity, timeToLive }), nowhere)
    return {
      get: (key: Key) => Effect.provideService(Cache.get(cache, key), Clock.Clock, ageing),
      forget: (key: Key) => Cache.invalidate(cache, key)
    }
  })

/** Between two looks at it as much time has passed as by the clock that went on further. */
class AgeingClock implements Clock.Clock {
  readonly #real: Clock.Clock
  #wall: number
  #steady: bigint
  #millis: number

  constructor(real: Clock.Clock) {
    this.#real = real
    this.#wall = real.currentTimeMillisUnsafe()
    this.#steady = real.monotonicTimeNanosUnsafe()
    this.#millis = this.#wall
  }

  currentTimeMillisUnsafe(): number {
    const wall = this.#real.currentTimeMillisUnsafe()
    const steady = this.#real.monotonicTimeNanosUnsafe()
    this.#millis += Math.max(wall - this.#wall, Number(steady - this.#steady) / 1e6)
    this.#wall = wall
    this.#steady = steady
    return this.#millis
  }

  get currentTimeMillis() {
    return Effect.sync(() => this.currentTimeMillisUnsafe())
  }

  currentTimeNanosUnsafe(): bigint {
    return this.#real.currentTimeNanosUnsafe()
  }

  get currentTimeNanos() {
    return this.#real.currentTimeNanos
  }

  monotonicTimeNanosUnsafe(): bigint {
    return this.#real.monotonicTimeNanosUnsafe()
  }

  get monotonicTimeNanos() {
    return this.#real.monotonicTimeNanos
  }

  sleep(duration: Duration.Duration) {
    return this.#real.sleep(duration)
  }
}
