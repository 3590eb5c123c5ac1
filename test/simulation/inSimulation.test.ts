import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Ref from "effect/Ref"
import { assert, describe, it } from "vitest"
import { Simulation } from "#simulation/runSimulation"
import { check, type Program, simulated, type SimulatedOptions } from "#test/simulation/inSimulation"

const failureOf = (program: Program, options?: SimulatedOptions): Error => {
  try {
    check(program, options)
  } catch (error) {
    if (error instanceof Error) return error
    throw error
  }
  throw new Error("the program was expected to fail")
}

const racy = Effect.gen(function* () {
  const counter = yield* Ref.make(0)
  const increment = Ref.get(counter).pipe(Effect.flatMap((count) => Ref.set(counter, count + 1)))
  yield* Effect.all([increment, increment], { concurrency: "unbounded", discard: true })
  yield* Effect.logInfo("counted", yield* Ref.get(counter))
  assert.strictEqual(yield* Ref.get(counter), 2)
})

describe("a simulated test", () => {
  simulated(
    "runs on its seeds, with a scope and virtual time",
    Effect.gen(function* () {
      const fiber = yield* Effect.forkScoped(Effect.sleep("1 hour"))
      yield* Fiber.join(fiber)
      assert.strictEqual((yield* Simulation).clock.elapsed, 3_600_000)
    })
  )

  it("runs five seeds unless told otherwise", () => {
    assert.strictEqual(check(Effect.void).length, 5)
    assert.strictEqual(check(Effect.void, { seeds: 12 }).length, 12)
    assert.strictEqual(check(Effect.void, { seeds: ["a", 99] }).length, 2)
    assert.match(failureOf(Effect.void, { seeds: [] }).message, /no seeds/u)
  })

  it("finds a race, and tells the seed, the assertion and the last log lines", () => {
    const error = failureOf(racy, { seeds: 200 })
    assert.match(error.message, /^seed \d+ failed: AssertionError: expected 1 to equal 2/u)
    assert.match(error.message, /the last 1 of 1 log lines:\n {2}000:00:00\.000 Info {2}counted 1/u)
    for (const [key, value] of [
      ["actual", 1],
      ["expected", 2]
    ] as const)
      assert.strictEqual(Reflect.get(error, key), value)
  })

  it("tells of a stall, an endless program and an escape", () => {
    assert.match(failureOf(Effect.never).message, /Stalled/u)
    assert.match(failureOf(Effect.forever(Effect.sleep("1 hour"))).message, /Overdue/u)
    assert.match(failureOf(Effect.promise(() => Promise.resolve())).message, /Escaped/u)
  })

  it("takes the interruption at `until` for a good end", () => {
    assert.strictEqual(check(Effect.forever(Effect.sleep("1 hour")), { until: "2 hours" })[0]?.virtualMillis, 7_200_000)
    assert.match(failureOf(Effect.interrupt).message, /interrupt/iu)
  })

  it("counts leaked fibers as a failure unless they are allowed", () => {
    const leaky = Effect.forkDetach(Effect.never)
    assert.match(failureOf(leaky).message, /1 fibers outlived the program/u)
    assert.strictEqual(check(leaky, { leakedFibers: 1 }).length, 5)
  })

  it("sees state that is remembered from one run to the next", () => {
    let runs = 0
    const forgetful = Effect.suspend(() => Effect.logInfo(`run ${++runs}`))
    assert.match(
      failureOf(forgetful).message,
      /seed 1 failed: .*state outlives a run.*line 1, which first read:\n {2}.*run 1\n/u
    )
  })
})
