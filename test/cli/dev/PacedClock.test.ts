/** Paced time on a machine that the test moves by hand. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Scheduler from "effect/Scheduler"
import { assert, describe, it } from "vitest"
import { type Machine, PacedClock } from "#cli/dev/PacedClock"

const EPOCH = 1_700_000_000_000

interface Job {
  readonly at: number
  readonly run: () => void
}

/** A machine whose time stands still until it is told to move; what is due runs in order. */
const makeMachine = () => {
  let now = 0
  let jobs: ReadonlyArray<Job> = []
  const later: Machine["later"] = (run, millis) => {
    const job = { at: now + millis, run }
    jobs = [...jobs, job]
    return () => void (jobs = jobs.filter((each) => each !== job))
  }
  const machine: Machine = { nowMillis: () => now, later, next: (run) => later(run, 0) }
  const pass = (millis: number) => {
    const until = now + millis
    while (true) {
      const [job] = jobs.filter(({ at }) => at <= until).toSorted((left, right) => left.at - right.at)
      if (job === undefined) break
      jobs = jobs.filter((each) => each !== job)
      now = Math.max(now, job.at)
      job.run()
    }
    now = until
  }
  /** Time during which nothing runs: the machine is busy, or sleeps. */
  const stall = (millis: number) => void (now += millis)
  return { machine, pass, stall, pending: () => jobs.length }
}

/** Runs everything at once, so that no turn of the real event loop is needed. */
const atOnce: Scheduler.Scheduler = {
  executionMode: "sync",
  shouldYield: () => false,
  makeDispatcher: () => ({ scheduleTask: (task) => task(), flush: () => undefined })
}

const started = (speed: number) => {
  const made = makeMachine()
  const clock = new PacedClock(EPOCH, speed, made.machine)
  const woken: Array<readonly [what: string, seconds: number]> = []
  const elapsed = () => (clock.currentTimeMillisUnsafe() - EPOCH) / 1000
  const start = (effect: Effect.Effect<unknown>) =>
    void Effect.runFork(
      effect.pipe(Effect.provideService(Clock.Clock, clock), Effect.provideService(Scheduler.Scheduler, atOnce)),
      { scheduler: atOnce }
    )
  const sleeper = (what: string, seconds: number) =>
    Effect.andThen(
      Effect.sleep(seconds * 1000),
      Effect.sync(() => void woken.push([what, elapsed()]))
    )
  return { ...made, clock, woken, elapsed, start, sleeper }
}

describe("paced time", () => {
  it("goes sixty times as fast as the machine's, also while nobody sleeps", () => {
    const { elapsed, pass } = started(60)
    pass(500)
    assert.strictEqual(elapsed(), 30)
    pass(60_000)
    assert.strictEqual(elapsed(), 30 + 3600)
  })

  it("wakes each sleeper at its own deadline, the earlier first, though it was set later", () => {
    const { pass, sleeper, start, woken } = started(60)
    start(sleeper("hour", 3600))
    pass(1000)
    start(sleeper("minute", 60))
    pass(60_000)
    assert.deepStrictEqual(woken, [
      ["minute", 120],
      ["hour", 3600]
    ])
  })

  it("passes no deadline before its sleeper has been woken, however late the machine is", () => {
    const { elapsed, pass, sleeper, stall, start, woken } = started(600)
    start(Effect.forever(sleeper("tick", 15)))
    stall(100)
    assert.strictEqual(elapsed(), 15)
    pass(0)
    assert.deepStrictEqual(woken, [
      ["tick", 15],
      ["tick", 30],
      ["tick", 45],
      ["tick", 60]
    ])
    assert.strictEqual(elapsed(), 60)
  })

  it("lets go the time that a machine slept through", () => {
    const { elapsed, pass, sleeper, stall, start, woken } = started(60)
    start(Effect.forever(sleeper("tick", 60)))
    stall(8 * 3600 * 1000)
    pass(0)
    assert.isAtMost(elapsed(), 60)
    pass(3000)
    assert.isAtMost(elapsed(), 240)
    assert.isAtLeast(woken.length, 3)
  })

  it("leaps ahead through every deadline on the way, and goes on at its pace from there", () => {
    const { clock, elapsed, pass, sleeper, start, woken } = started(1)
    start(Effect.forever(sleeper("tick", 30)))
    start(Effect.andThen(clock.leap("2 minutes"), sleeper("after", 5)))
    pass(0)
    assert.deepStrictEqual(woken, [
      ["tick", 30],
      ["tick", 60],
      ["tick", 90],
      ["tick", 120]
    ])
    assert.strictEqual(elapsed(), 120)
    pass(5000)
    assert.deepStrictEqual(woken.at(-1), ["after", 125])
    assert.strictEqual(elapsed(), 125)
  })

  it("forgets a sleep that was interrupted", () => {
    const { pass, sleeper, start, woken } = started(60)
    start(Effect.timeoutOption(sleeper("too late", 90), "30 seconds"))
    pass(5000)
    assert.deepStrictEqual(woken, [])
  })

  it("wakes nobody once it is closed, and leaves nothing with the machine", () => {
    const { clock, pass, pending, sleeper, start, woken } = started(60)
    start(sleeper("never", 60))
    clock.close()
    assert.strictEqual(pending(), 0)
    pass(60_000)
    assert.deepStrictEqual(woken, [])
  })
})
