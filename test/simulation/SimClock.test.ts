import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { assert, describe, it } from "vitest"
import { runSimulation, Simulation } from "#simulation/runSimulation"

const seeds = [1, 2, 3, 4, 5, 6, 7, 8]

const valueOf = <A, E>(program: Effect.Effect<A, E, Simulation>, seed: number): A => {
  const { exit } = runSimulation(program, { seed })
  if (Exit.isSuccess(exit)) return exit.value
  throw new Error(String(exit))
}

describe("SimClock", () => {
  it("wakes sleepers in the order of their deadlines, at their deadlines, while others are cancelled", () => {
    const program = Effect.gen(function* () {
      const { clock, prng } = yield* Simulation
      const chance = prng("sleeps")
      const woken: Array<{ readonly at: number; readonly due: number; readonly index: number }> = []
      const sleeper = (index: number, millis: number) => {
        const due = clock.elapsed + millis
        return Effect.sleep(millis).pipe(
          Effect.andThen(Effect.sync(() => woken.push({ at: clock.elapsed, due, index })))
        )
      }
      const fibers: Array<Fiber.Fiber<unknown>> = []
      const cancelled = new Set<number>()
      for (let index = 0; index < 400; index++) {
        fibers.push(yield* Effect.forkChild(sleeper(index, 1 + chance.below(500)), { startImmediately: true }))
        const victim = chance.below(fibers.length)
        const fiber = fibers[victim]
        if (fiber !== undefined && chance.chance(0.4) && fiber.pollUnsafe() === undefined) {
          cancelled.add(victim)
          yield* Fiber.interrupt(fiber)
        }
        if (chance.chance(0.1)) yield* Effect.sleep(chance.below(40))
      }
      yield* Effect.forEach(fibers, Fiber.await, { discard: true })
      return { woken, cancelled, pending: clock.pending }
    })
    for (const seed of seeds) {
      const { cancelled, pending, woken } = valueOf(program, seed)
      assert.isAbove(cancelled.size, 50)
      assert.strictEqual(woken.length + cancelled.size, 400, "every sleeper woke once or was cancelled")
      assert.strictEqual(pending, 0, "a cancelled sleep leaves no timer behind")
      for (const { at, due, index } of woken) {
        assert.strictEqual(at, due)
        assert.isFalse(cancelled.has(index))
      }
      const times = woken.map(({ at }) => at)
      assert.deepStrictEqual(
        times,
        times.toSorted((a, b) => a - b)
      )
    }
  })

  it("lets the seed choose among sleepers that are due at the same instant", () => {
    const program = Effect.gen(function* () {
      const woken: Array<number> = []
      const sleeper = (index: number) =>
        Effect.sleep("1 second").pipe(Effect.andThen(Effect.sync(() => woken.push(index))))
      yield* Effect.forEach([1, 2, 3], sleeper, { concurrency: "unbounded", discard: true })
      return woken.join("")
    })
    const orders = new Set(Array.from({ length: 100 }, (_, seed) => valueOf(program, seed)))
    assert.strictEqual(orders.size, 6)
  })

  it("starts at the epoch, moves only while everyone sleeps, and reads the same in every unit", () => {
    const epochMillis = Date.UTC(2031, 4, 5)
    const program = Effect.gen(function* () {
      for (let index = 0; index < 1000; index++) yield* Effect.yieldNow
      const start = yield* Clock.currentTimeMillis
      yield* Effect.sleep("90 minutes")
      const end = yield* Clock.currentTimeMillis
      return { start, end, nanos: yield* Clock.currentTimeNanos, monotonic: yield* Clock.monotonicTimeNanos }
    })
    const { exit } = runSimulation(program, { seed: 1, epochMillis })
    const end = epochMillis + 5_400_000
    const want = { start: epochMillis, end, nanos: BigInt(end) * 1_000_000n, monotonic: 5_400_000_000_000n }
    assert.deepStrictEqual(exit, Exit.succeed(want))
  })

  it("shows a machine with a wrong wall clock the wrong time, but lets it sleep and measure rightly", () => {
    const read = Effect.gen(function* () {
      const wall = yield* Clock.currentTimeMillis
      const wallNanos = yield* Clock.currentTimeNanos
      const monotonic = yield* Clock.monotonicTimeNanos
      yield* Effect.sleep("1 minute")
      return { wall, wallNanos, elapsed: (yield* Clock.monotonicTimeNanos) - monotonic }
    })
    const program = Effect.gen(function* () {
      const { clock } = yield* Simulation
      const right = yield* read
      const behind = yield* read.pipe(Effect.provideService(Clock.Clock, clock.skewed(-45_000)))
      return { right, behind }
    })
    for (const seed of seeds) {
      const { behind, right } = valueOf(program, seed)
      assert.strictEqual(behind.wall - right.wall, 60_000 - 45_000)
      assert.strictEqual(behind.wallNanos - right.wallNanos, 15_000_000_000n)
      assert.strictEqual(right.elapsed, 60_000_000_000n)
      assert.strictEqual(behind.elapsed, 60_000_000_000n)
    }
  })

  it("treats no duration as a turn and an endless one as for ever", () => {
    const program = Effect.gen(function* () {
      const { clock } = yield* Simulation
      yield* Effect.sleep(0)
      const atOnce = clock.elapsed
      const never = yield* Effect.sleep(Duration.infinity).pipe(Effect.timeoutOption("400 days"))
      return { atOnce, never: never._tag, days: clock.elapsed / 86_400_000 }
    })
    assert.deepStrictEqual(valueOf(program, 1), { atOnce: 0, never: "None", days: 400 })
  })
})
