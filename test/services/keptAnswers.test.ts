import { Clock, Effect } from "effect"
import { assert, describe, it } from "@effect/vitest"
import { keptAnswers } from "#services/keptAnswers"

/** A machine whose clocks can be set, each for itself. */
class Machine implements Clock.Clock {
  wallMillis = 1_000_000
  steadyMillis = 0

  currentTimeMillisUnsafe = () => this.wallMillis
  currentTimeMillis = Effect.sync(this.currentTimeMillisUnsafe)
  currentTimeNanosUnsafe = () => BigInt(this.wallMillis) * 1_000_000n
  currentTimeNanos = Effect.sync(this.currentTimeNanosUnsafe)
  monotonicTimeNanosUnsafe = () => BigInt(this.steadyMillis) * 1_000_000n
  monotonicTimeNanos = Effect.sync(this.monotonicTimeNanosUnsafe)
  sleep = () => Effect.void

  pass(millis: number): void {
    this.wallMillis += millis
    this.steadyMillis += millis
  }
}

/** What is asked on it: each answer is the time at which it was given. */
const asking = (machine: Machine) =>
  Effect.map(
    keptAnswers({
      capacity: 10,
      timeToLive: () => "500 millis",
      lookup: (): typeof Clock.currentTimeMillis => Clock.currentTimeMillis
    }),
    ({ forget, get }) => {
      const on = Effect.provideService(Clock.Clock, machine)
      return { ask: () => on(get("a")), forget: () => on(forget("a")) }
    }
  ).pipe(Effect.provideService(Clock.Clock, machine))

describe("answers that are kept", () => {
  it.effect("are kept for their time and not a moment longer", () =>
    Effect.gen(function* () {
      const machine = new Machine()
      const { ask, forget } = yield* asking(machine)
      assert.strictEqual(yield* ask(), 1_000_000)
      machine.pass(499)
      assert.strictEqual(yield* ask(), 1_000_000)
      machine.pass(1)
      assert.strictEqual(yield* ask(), 1_000_500)
      machine.pass(1)
      yield* forget()
      assert.strictEqual(yield* ask(), 1_000_501)
    })
  )

  it.effect("do not live longer on a machine whose wall clock is put back", () =>
    Effect.gen(function* () {
      const machine = new Machine()
      const { ask } = yield* asking(machine)
      yield* ask()
      machine.wallMillis -= 600_000
      machine.pass(499)
      assert.strictEqual(yield* ask(), 1_000_000)
      machine.pass(1)
      assert.strictEqual(yield* ask(), 400_500)
    })
  )

  it.effect("do not live through the sleep of a machine", () =>
    Effect.gen(function* () {
      const machine = new Machine()
      const { ask } = yield* asking(machine)
      yield* ask()
      machine.wallMillis += 3_600_000
      assert.strictEqual(yield* ask(), 4_600_000)
    })
  )
})
