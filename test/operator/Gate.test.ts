import { Effect, Exit, Fiber, Random } from "effect"
import { assert, describe } from "vitest"
import { Gate } from "#operator/Gate"
import { simulated } from "#test/simulation/inSimulation"

describe("Gate", () => {
  simulated(
    "lets in so many at once, and the others in the order in which they came",
    Effect.gen(function* () {
      const gate = new Gate(3)
      const order: Array<number> = []
      let inside = 0
      let most = 0
      const one = (index: number) =>
        Effect.gen(function* () {
          order.push(index)
          most = Math.max(most, ++inside)
          yield* Effect.sleep(10)
          inside--
        }).pipe(gate.pass)
      yield* Effect.forEach(
        Array.from({ length: 1000 }, (_, index) => index),
        (index) =>
          Effect.andThen(Effect.sleep(index / 1000), Effect.forkScoped(one(index), { startImmediately: true })),
        { discard: true }
      )
      yield* Effect.sleep("1 minute")
      assert.deepStrictEqual(
        order,
        Array.from({ length: 1000 }, (_, index) => index)
      )
      assert.deepStrictEqual([most, inside], [3, 0])
    })
  )

  simulated(
    "loses no room to whoever fails, dies or is interrupted, inside or in the line",
    Effect.gen(function* () {
      const gate = new Gate(2)
      let inside = 0
      let most = 0
      const stay = Effect.gen(function* () {
        most = Math.max(most, ++inside)
        yield* Effect.sleep(yield* Random.nextIntBetween(0, 5))
        const chance = yield* Random.next
        if (chance < 0.2) return yield* Effect.fail("failed")
        if (chance < 0.4) return yield* Effect.die("died")
        return undefined
      }).pipe(Effect.ensuring(Effect.sync(() => inside--)))
      const fibers = yield* Effect.forEach(Array.from({ length: 400 }), () =>
        Effect.forkScoped(Effect.exit(gate.pass(stay)))
      )
      yield* Effect.forEach(
        fibers,
        (fiber) =>
          Effect.gen(function* () {
            if ((yield* Random.next) < 0.5) return
            yield* Effect.sleep(yield* Random.nextIntBetween(0, 300))
            yield* Fiber.interrupt(fiber)
          }),
        { concurrency: "unbounded", discard: true }
      )
      yield* Effect.forEach(fibers, Fiber.await, { discard: true })
      assert.deepStrictEqual([most, inside], [2, 0])
      // Both places are free again, and a third is not.
      const started: Array<number> = []
      const late = yield* Effect.forEach([1, 2, 3], (index) =>
        Effect.forkScoped(
          gate.pass(
            Effect.andThen(
              Effect.sync(() => started.push(index)),
              Effect.sleep("1 second")
            )
          )
        )
      )
      yield* Effect.sleep(500)
      assert.strictEqual(started.length, 2)
      const exits = yield* Effect.forEach(late, Fiber.await)
      assert.isTrue(exits.every(Exit.isSuccess))
      assert.strictEqual(started.length, 3)
    }),
    { seeds: 20 }
  )

  simulated(
    "holds ten thousand in its line without a stack or a copy of it",
    Effect.gen(function* () {
      const gate = new Gate(1)
      let done = 0
      yield* Effect.forEach(Array.from({ length: 10_000 }), () => gate.pass(Effect.sync(() => done++)), {
        concurrency: "unbounded",
        discard: true
      })
      assert.strictEqual(done, 10_000)
    }),
    { seeds: 1 }
  )
})
