import { it as effectIt } from "@effect/vitest"
import * as Config from "effect/Config"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Cause from "effect/Cause"
import * as Metric from "effect/Metric"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import { assert, describe, it } from "vitest"
import { type Reason, runSimulation, Simulation, SimulationError, stamp } from "#simulation/runSimulation"

const say = (...parts: ReadonlyArray<unknown>) => Simulation.use(({ log }) => Effect.sync(() => log(parts.join(" "))))

/** A little of everything that could make two runs differ. */
const busy = Effect.gen(function* () {
  const queue = yield* Queue.bounded<string>(2)
  const worker = (name: string) =>
    Effect.gen(function* () {
      yield* Effect.sleep(yield* Random.nextIntBetween(1, 50))
      yield* Queue.offer(queue, name)
      const span = yield* Effect.currentSpan
      yield* Effect.logInfo("offered", name, span.traceId).pipe(Effect.annotateLogs("chance", Math.random()))
    }).pipe(
      Effect.withSpan("work"),
      Effect.repeat(Schedule.exponential(10).pipe(Schedule.jittered, Schedule.upTo({ times: 5 })))
    )
  yield* Effect.forEach([1, 2], () =>
    Queue.take(queue).pipe(
      Effect.flatMap((name) => say("took", name)),
      Effect.forever,
      Effect.forkChild
    )
  )
  yield* Effect.forEach(["a", "b", "c", "d"], worker, { concurrency: "unbounded", discard: true })
})

const reasonOf = (
  program: Effect.Effect<unknown, unknown, Simulation>,
  options: { readonly within?: string } = {}
): Reason => {
  const { exit } = runSimulation(program, { seed: 1, patience: 5000, within: options.within as "1 hour" | undefined })
  if (Exit.isSuccess(exit)) throw new Error("the program ended well")
  const error = Cause.squash(exit.cause)
  if (error instanceof SimulationError) return error.reason
  throw error
}

describe("runSimulation", () => {
  it("repeats a run byte for byte from its seed, also after other seeds", () => {
    const first = runSimulation(busy, { seed: 7 })
    runSimulation(busy, { seed: 8 })
    const again = runSimulation(busy, { seed: 7 })
    assert.isTrue(Exit.isSuccess(first.exit), String(first.exit))
    assert.isAbove(first.log.length, 40)
    assert.strictEqual(again.log.join("\n"), first.log.join("\n"))
    assert.strictEqual(again.hash, first.hash)
    assert.strictEqual(again.operations, first.operations)
  })

  it("gives every seed a run of its own", () => {
    const hashes = Array.from({ length: 30 }, (_, seed) => runSimulation(busy, { seed }).hash)
    assert.strictEqual(new Set(hashes).size, 30)
  })

  it("hashes the order of events even where nothing is logged", () => {
    const silent = Effect.all([Effect.yieldNow, Effect.yieldNow, Effect.yieldNow], { concurrency: "unbounded" })
    const hashes = Array.from({ length: 20 }, (_, seed) => runSimulation(silent, { seed }).hash)
    assert.isAbove(new Set(hashes).size, 3)
  })

  it("answers with the program's own value, failure or defect", () => {
    assert.deepStrictEqual(runSimulation(Effect.succeed(42), { seed: 1 }).exit, Exit.succeed(42))
    assert.deepStrictEqual(runSimulation(Effect.fail("no"), { seed: 1 }).exit, Exit.fail("no"))
    assert.match(String(runSimulation(Effect.die("broken"), { seed: 1 }).exit), /broken/u)
  })

  it("says Stalled where nothing would ever wake the program", () => {
    const waiting = Deferred.make<void>().pipe(Effect.flatMap(Deferred.await), Effect.delay("3 seconds"))
    assert.strictEqual(reasonOf(waiting), "Stalled")
    assert.match(String(runSimulation(waiting, { seed: 1 }).exit), /000:00:03\.000/u)
  })

  it("says Overdue where the program goes on past its time", () => {
    const endless = Effect.forever(Effect.sleep("1 minute"))
    assert.strictEqual(reasonOf(endless, { within: "1 hour" }), "Overdue")
  })

  it("says Livelock where work goes on and time does not", () => {
    assert.strictEqual(reasonOf(Effect.forever(Effect.yieldNow)), "Livelock")
  })

  it("says Escaped where the program touches the real event loop", () => {
    assert.strictEqual(reasonOf(Effect.promise(() => Promise.resolve(1))), "Escaped")
  })

  it("lets a program use exactly its patience", () => {
    const turns = Effect.yieldNow.pipe(Effect.repeat(Schedule.recurs(100)))
    const { exit, tasks } = runSimulation(turns, { seed: 1, preemption: { between: 0, onWake: 0 } })
    assert.isTrue(Exit.isSuccess(exit))
    const preemption = { between: 0, onWake: 0 }
    assert.isTrue(Exit.isSuccess(runSimulation(turns, { seed: 1, preemption, patience: tasks }).exit))
    assert.match(String(runSimulation(turns, { seed: 1, preemption, patience: tasks - 1 }).exit), /Livelock/u)
  })

  it("interrupts the program at `until` and lets it tidy up", () => {
    const program = say("tick").pipe(
      Effect.repeat(Schedule.spaced("1 hour")),
      Effect.onInterrupt(() =>
        say("closing").pipe(Effect.andThen(Effect.sleep("5 seconds")), Effect.andThen(say("closed")))
      )
    )
    const outcome = runSimulation(program, { seed: 1, until: "24 hours" })
    assert.isTrue(Exit.isFailure(outcome.exit) && Cause.hasInterruptsOnly(outcome.exit.cause))
    assert.deepStrictEqual(outcome.log.slice(-3), [
      "024:00:00.000 tick",
      "024:00:00.000 closing",
      "024:00:05.000 closed"
    ])
    assert.strictEqual(outcome.log.length, 27)
  })

  it("reports a program that will not end after its interruption", () => {
    const stubborn = Effect.uninterruptible(Effect.forever(Effect.sleep("1 second")))
    assert.match(String(runSimulation(stubborn, { seed: 1, until: "1 minute" }).exit), /Overdue.*interruption/u)
    assert.match(
      String(runSimulation(Effect.uninterruptible(Effect.never), { seed: 1, until: "1 minute" }).exit),
      /Stalled/u
    )
  })

  it("counts the fibers that outlive the program, and no others", () => {
    const leaky = Effect.forEach([1, 2, 3], () => Effect.forkDetach(Effect.never), { discard: true })
    assert.strictEqual(runSimulation(leaky, { seed: 1 }).leakedFibers, 3)
    const tidy = Effect.forEach([1, 2, 3], () => Effect.forkScoped(Effect.never), { discard: true }).pipe(Effect.scoped)
    assert.strictEqual(runSimulation(tidy, { seed: 1 }).leakedFibers, 0)
    assert.strictEqual(runSimulation(busy, { seed: 1 }).leakedFibers, 0)
  })

  it("knows at any moment how many fibers live", () => {
    const program = Effect.gen(function* () {
      const { liveFibers } = yield* Simulation
      const alone = liveFibers()
      yield* Effect.forkChild(Effect.never)
      yield* Effect.forkChild(Effect.void)
      const three = liveFibers()
      yield* Effect.sleep(1)
      return [alone, three, liveFibers()]
    })
    assert.deepStrictEqual(runSimulation(program, { seed: 1 }).exit, Exit.succeed([1, 3, 2]))
  })

  it("cannot be woken by a late callback once it has ended", () => {
    let late: ((effect: Effect.Effect<void>) => void) | undefined
    const log: Array<string> = []
    const haunted = Effect.callback<void>((resume) => void (late = resume)).pipe(
      Effect.andThen(Effect.sync(() => log.push("woken"))),
      Effect.andThen(Effect.sync(() => log.push("and went on")))
    )
    const { exit } = runSimulation(haunted, { seed: 1, preemption: { between: 0, onWake: 0 } })
    assert.match(String(exit), /Stalled/u)
    late?.(Effect.void)
    assert.deepStrictEqual(log, [])
    assert.isDefined(late)
  })

  it("shares neither metrics nor this machine's settings between runs", () => {
    process.env["SIMULATION_TEST"] = "set on this machine"
    const counter = Metric.counter("simulation_test_total")
    const program = Effect.gen(function* () {
      yield* Metric.update(counter, 1)
      return [
        (yield* Metric.value(counter)).count,
        yield* Config.String("SIMULATION_TEST").pipe(Config.withDefault("unset"))
      ]
    })
    for (const seed of [1, 2]) {
      assert.deepStrictEqual(runSimulation(program, { seed }).exit, Exit.succeed([1, "unset"]))
    }
    delete process.env["SIMULATION_TEST"]
  })

  it("draws the rates of pre-emption from the seed, so that some runs are calm and some are not", () => {
    const tempers = Array.from({ length: 100 }, (_, seed) =>
      JSON.stringify(runSimulation(Effect.void, { seed }).preemption)
    )
    assert.strictEqual(new Set(tempers).size, 12)
  })

  it("stamps lines so that they align up to 999 hours", () => {
    assert.strictEqual(stamp(0), "000:00:00.000")
    assert.strictEqual(stamp(999 * 3_600_000 + 59 * 60_000 + 58_999.7), "999:59:58.999")
  })

  effectIt.effect("runs inside a test with a clock of its own, which never notices", () =>
    Effect.gen(function* () {
      const { virtualMillis } = runSimulation(Effect.sleep("1 hour"), { seed: 1 })
      assert.strictEqual(virtualMillis, 3_600_000)
      assert.strictEqual(yield* Effect.clockWith((clock) => clock.currentTimeMillis), 0)
    })
  )
})
