import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Layer from "effect/Layer"
import { randomBytes, randomUUID } from "node:crypto"
import { setTimeout as nodeSetTimeout } from "node:timers"
import { assert, describe, it } from "vitest"
import { runSimulation, Simulation } from "#simulation/runSimulation"

const resumeLater = (schedule: (resume: () => void) => unknown) =>
  Effect.callback<void>((resume) => void schedule(() => resume(Effect.void)))

const silence = new Promise(() => {})

const escapes: ReadonlyArray<{ readonly title: string; readonly program: Effect.Effect<unknown, unknown> }> = [
  { title: "Effect.promise", program: Effect.promise(() => Promise.resolve(1)) },
  { title: "Effect.tryPromise of an async function", program: Effect.tryPromise(async () => 1) },
  {
    title: "an async function that nobody waits for",
    program: Effect.sync(() => void (async () => void (await silence))())
  },
  { title: "setTimeout", program: resumeLater((resume) => setTimeout(resume, 1)) },
  { title: "setInterval", program: resumeLater((resume) => setInterval(resume, 1)) },
  { title: "setImmediate", program: resumeLater((resume) => setImmediate(resume)) },
  { title: "queueMicrotask", program: resumeLater((resume) => queueMicrotask(resume)) },
  { title: "an imported node:timers setTimeout", program: resumeLater((resume) => nodeSetTimeout(resume, 1)) },
  { title: "AbortSignal.timeout", program: Effect.sync(() => AbortSignal.timeout(1)) },
  { title: "fetch", program: Effect.sync(() => void fetch("http://127.0.0.1:1/")) },
  { title: "Effect.runPromise", program: Effect.promise(() => Effect.runPromise(Effect.sleep(1))) },
  {
    title: "Effect.runFork without a context",
    program: resumeLater((resume) => Effect.runFork(Effect.delay(Effect.sync(resume), 1)))
  },
  {
    title: "ManagedRuntime.runFork",
    program: resumeLater((resume) => ManagedRuntime.make(Layer.empty).runFork(Effect.delay(Effect.sync(resume), 1)))
  }
]

const guarded: ReadonlyArray<readonly [target: object, keys: ReadonlyArray<string>]> = [
  [globalThis, ["Date", "setTimeout", "setInterval", "setImmediate", "queueMicrotask", "fetch"]],
  [Promise.prototype, ["then"]],
  [AbortSignal, ["timeout"]],
  [Math, ["random"]],
  [performance, ["now"]],
  [process, ["hrtime"]],
  [crypto, ["randomUUID", "getRandomValues"]]
]

const globals = (): ReadonlyArray<unknown> => [
  ...guarded.flatMap(([target, keys]) => keys.map((key): unknown => Reflect.get(target, key))),
  nodeSetTimeout,
  randomUUID,
  randomBytes
]

describe("EscapeGuard", () => {
  it.each(escapes)("reports $title as an escape, with the place", ({ program }) => {
    // The ticker keeps time moving, so that without the guard this would hang for ever instead of stalling.
    const ticking = Effect.sleep("1 second").pipe(
      Effect.forever,
      Effect.forkChild,
      Effect.andThen(program),
      Effect.andThen(Effect.never)
    )
    const { exit } = runSimulation(ticking, { seed: 1, within: "1 hour" })
    assert.match(String(exit), /Escaped/u)
    assert.match(String(exit), /EscapeGuard\.test\.ts/u)
  })

  it("makes time and chance of JavaScript itself virtual and seeded", () => {
    const read = Effect.sync(() => ({
      date: new Date().toISOString(),
      now: Date.now(),
      fixed: new Date(5).getTime(),
      isDate: new Date() instanceof Date,
      performance: performance.now(),
      hrtime: process.hrtime.bigint(),
      tuple: process.hrtime(),
      chance: Math.random(),
      uuid: randomUUID(),
      webUuid: crypto.randomUUID(),
      bytes: randomBytes(4).toString("hex"),
      values: crypto.getRandomValues(new Uint16Array(3)).join()
    }))
    const run = (seed: number) =>
      runSimulation(read.pipe(Effect.delay("1500 millis")), { seed, epochMillis: 1000 }).exit
    assert.deepStrictEqual(run(1), run(1))
    assert.notDeepEqual(run(1), run(2))
    const exit = run(1)
    if (!Exit.isSuccess(exit)) throw new Error(String(exit))
    const { date, fixed, hrtime, isDate, now, performance: lapse, tuple, uuid } = exit.value
    assert.deepStrictEqual(
      { date, now, fixed, isDate, lapse, hrtime, tuple },
      {
        date: "1970-01-01T00:00:02.500Z",
        now: 2500,
        fixed: 5,
        isDate: true,
        lapse: 1500,
        hrtime: 1_500_000_000n,
        tuple: [1, 500_000_000]
      }
    )
    assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/u)
  })

  it("gives every global back, after a good run, a failed one and a nested one", async () => {
    const before = globals()
    runSimulation(Effect.void, { seed: 1 })
    runSimulation(Effect.die("on purpose"), { seed: 1 })
    const nested = Effect.sync(() => {
      const outer = Date.now()
      const inner = runSimulation(Effect.sync(() => Date.now()).pipe(Effect.delay(7)), { seed: 1, epochMillis: 0 }).exit
      return [inner, outer === Date.now()] as const
    })
    assert.deepStrictEqual(runSimulation(nested, { seed: 1 }).exit, Exit.succeed([Exit.succeed(7), true] as const))
    globals().forEach((value, index) => assert.strictEqual(value, before[index]))
    assert.isAbove(Date.now(), Date.UTC(2020, 0))
    assert.strictEqual(await Promise.resolve(3).then((value) => value + 1), 4)
    assert.strictEqual(await Effect.runPromise(Effect.succeed(5).pipe(Effect.delay(1))), 5)
  })

  it("lets alone what only looks like an escape", () => {
    const harmless = Effect.gen(function* () {
      const context = yield* Effect.context<Simulation>()
      const response = new Response(null, { status: 503 })
      const fiber = Effect.runForkWith(context)(Effect.delay(Effect.succeed(response.status), "1 second"))
      return yield* Fiber.join(fiber)
    })
    assert.deepStrictEqual(runSimulation(harmless, { seed: 1 }).exit, Exit.succeed(503))
  })

  it("does not mistake a console line, written to look into a test, for an escape", () => {
    const { exit } = runSimulation(
      Effect.sync(() => console.debug("a line from inside a simulation")),
      { seed: 1 }
    )
    assert.deepStrictEqual(exit, Exit.void)
  })
})
