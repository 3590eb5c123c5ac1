import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Ref from "effect/Ref"
import { assert, describe, it } from "vitest"
import * as Prng from "#simulation/Prng"
import { runSimulation, Simulation } from "#simulation/runSimulation"
import { type Preemption, SimScheduler } from "#simulation/SimScheduler"

const seeds = Array.from({ length: 300 }, (_, index) => index)
const none: Preemption = { between: 0, onWake: 0 }

const scheduler = (seed: number) => new SimScheduler(Prng.make(seed, "scheduler"), none)

const valueOf = <A, E>(exit: Exit.Exit<A, E>): A => {
  if (Exit.isSuccess(exit)) return exit.value
  throw new Error(String(exit))
}

/** Read, then write: two increments make 1 whenever both read before either writes. */
const lostUpdate = Effect.gen(function* () {
  const counter = yield* Ref.make(0)
  const increment = Ref.get(counter).pipe(Effect.flatMap((count) => Ref.set(counter, count + 1)))
  yield* Effect.all([increment, increment], { concurrency: "unbounded", discard: true })
  return yield* Ref.get(counter)
})

const lostUpdates = (preemption: Preemption) =>
  seeds.filter((seed) => valueOf(runSimulation(lostUpdate, { seed, preemption }).exit) === 1).length

describe("SimScheduler", () => {
  it("ends a fiber that is interrupted before it has begun, as Effect does", () => {
    const program = Effect.flatMap(Effect.forkDetach(Effect.sleep("1 hour")), Fiber.interrupt)
    for (const seed of seeds) {
      const { virtualMillis } = runSimulation(program, { seed, preemption: { between: 0, onWake: 0.9 } })
      assert.strictEqual(virtualMillis, 0, `seed ${seed}`)
    }
  })

  it("runs ready tasks in an order that the seed chooses", () => {
    const order = (seed: number) => {
      const ran: Array<number> = []
      const subject = scheduler(seed)
      for (const task of [1, 2, 3, 4]) subject.scheduleTask(() => ran.push(task), 0)
      subject.flush()
      return ran.join("")
    }
    assert.strictEqual(order(5), order(5))
    const seen = new Set(seeds.map(order))
    assert.strictEqual(seen.size, 24, "300 seeds should show all 24 orders of four tasks")
  })

  it("runs the most urgent priority first, whatever chance says", () => {
    for (const seed of seeds.slice(0, 20)) {
      const ran: Array<number> = []
      const subject = scheduler(seed)
      for (const priority of [10, 0, -5, 10, 0, 3]) subject.scheduleTask(() => ran.push(priority), priority)
      subject.flush()
      assert.deepStrictEqual(ran, [-5, 0, 0, 3, 10, 10])
      assert.strictEqual(subject.size, 0)
    }
  })

  it("takes no more tasks once it is closed, and drops those it has", () => {
    const subject = scheduler(1)
    const refuse = () => assert.fail("a task ran in a closed scheduler")
    subject.scheduleTask(refuse, 0)
    subject.close()
    subject.scheduleTask(refuse, 0)
    assert.isFalse(subject.step())
  })

  // These two are the alarm for upgrades of Effect: should `shouldYield` lose its meaning, simulations would go on
  // passing and find nothing.
  it("finds the lost update by pre-empting between two operations", () => {
    assert.isAbove(lostUpdates({ between: 0.2, onWake: 0 }), seeds.length / 20)
    assert.isAbove(lostUpdates({ between: 0.02, onWake: 0 }), 0)
  })

  it("never loses an update without pre-emption", () => {
    assert.strictEqual(lostUpdates(none), 0)
  })

  it("keeps an atomic update atomic at any rate of pre-emption", () => {
    const atomic = Effect.gen(function* () {
      const counter = yield* Ref.make(0)
      const increment = Ref.update(counter, (count) => count + 1)
      yield* Effect.all([increment, increment, increment], { concurrency: "unbounded", discard: true })
      return yield* Ref.get(counter)
    })
    for (const seed of seeds) {
      assert.strictEqual(valueOf(runSimulation(atomic, { seed, preemption: { between: 0.9, onWake: 0.9 } }).exit), 3)
    }
  })

  it("lets the waker go before the fiber it woke only when waking may pre-empt", () => {
    const handshake = Effect.gen(function* () {
      const { log } = yield* Simulation
      const signal = yield* Deferred.make<void>()
      const waiter = yield* Deferred.await(signal).pipe(
        Effect.andThen(Effect.sync(() => log("waiter"))),
        Effect.forkChild({ startImmediately: true })
      )
      yield* Deferred.succeed(signal, undefined)
      yield* Effect.sync(() => log("waker"))
      yield* Fiber.join(waiter)
    })
    const wakerFirst = (preemption: Preemption) =>
      seeds.filter((seed) => runSimulation(handshake, { seed, preemption }).log[0]?.endsWith("waker")).length
    assert.strictEqual(wakerFirst(none), 0)
    const some = wakerFirst({ between: 0, onWake: 0.5 })
    assert.isTrue(some > seeds.length / 10 && some < seeds.length, `${some} of ${seeds.length}`)
  })
})
