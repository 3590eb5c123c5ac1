/**
 * Drives a whole Effect program to its end in one synchronous call: drain the ready list, jump to the next
 * deadline, repeat. The same seed gives the same bytes, so a failure found once can be looked at for ever.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as References from "effect/References"
import * as Scheduler from "effect/Scheduler"
import * as Tracer from "effect/Tracer"
import { createHash } from "node:crypto"
import * as EscapeGuard from "#simulation/EscapeGuard"
import * as Prng from "#simulation/Prng"
import { SimClock } from "#simulation/SimClock"
import { type Preemption, SimScheduler } from "#simulation/SimScheduler"

/** What the world under simulation may ask of the simulator. Product code never does. */
export class Simulation extends Context.Service<
  Simulation,
  {
    readonly log: (line: string) => void
    readonly prng: (label: string) => Prng.Prng
    readonly clock: SimClock
    /** Fibers started and not yet ended, for invariants such as "fibers = f(policies)". */
    readonly liveFibers: () => number
  }
>()("nimbusguard/simulation/Simulation") {}

/**
 * Stalled: nothing would ever wake the program again. Overdue: it goes on and on, but never ends.
 * Livelock: it works without time moving. Escaped: it touched the real event loop.
 */
export type Reason = "Stalled" | "Overdue" | "Livelock" | "Escaped"

export class SimulationError extends Data.TaggedError("SimulationError")<{
  readonly reason: Reason
  readonly detail: string
}> {
  override get message() {
    return `${this.reason}: ${this.detail}`
  }
}

export interface Options {
  readonly seed: Prng.Seed
  /** Virtual time after which the root is interrupted; default: never. */
  readonly until?: Duration.Input | undefined
  /** Virtual time by which a program without `until` must have ended by itself; default: none. */
  readonly within?: Duration.Input | undefined
  /** Default: drawn from the seed, so that seeds differ in temper and not only in luck. */
  readonly preemption?: Preemption | undefined
  /** The wall clock at the start, in milliseconds; default: 1 January 2026. */
  readonly epochMillis?: number | undefined
  /** Tasks allowed without time moving. */
  readonly patience?: number | undefined
}

export interface Outcome<A, E> {
  readonly exit: Exit.Exit<A, E | SimulationError>
  readonly log: ReadonlyArray<string>
  /** SHA-256 of the log and of every scheduling decision. */
  readonly hash: string
  readonly virtualMillis: number
  readonly realMillis: number
  readonly preemption: Preemption
  readonly tasks: number
  readonly wakeups: number
  readonly operations: number
  readonly preemptions: number
  readonly leakedFibers: number
}

const SHUTDOWN_MAX_MILLIS = 600_000
const SHUTDOWN_NOTE = `, ${SHUTDOWN_MAX_MILLIS / 1000} s after its interruption`
const PATIENCE_TASKS = 1_000_000
const EPOCH_MILLIS = Date.UTC(2026, 0, 1)

const realMillisNow = performance.now.bind(performance) // bound before any guard swaps it

export const runSimulation = <A, E>(program: Effect.Effect<A, E, Simulation>, options: Options): Outcome<A, E> => {
  const startedAt = realMillisNow()
  const prng = (label: string) => Prng.make(options.seed, label)
  const preemption = options.preemption ?? temper(prng("temper"))
  const scheduler = new SimScheduler(prng("scheduler"), preemption)
  const clock = new SimClock(options.epochMillis ?? EPOCH_MILLIS, scheduler)
  const lines: Array<string> = []
  const log = (line: string) => void lines.push(`${stamp(clock.elapsed)} ${line}`)
  let live = 0
  let escape: EscapeGuard.Escape | undefined

  const context = Context.empty().pipe(
    Context.add(Scheduler.Scheduler, scheduler),
    Context.add(Clock.Clock, clock),
    Context.add(Random.Random, prng("random")),
    Context.add(Tracer.Tracer, seededTracer(prng("tracer"))),
    Context.add(Metric.MetricRegistry, new Map()), // else the runs of one process share a registry
    Context.add(Metric.FiberRuntimeMetrics, {
      recordFiberStart: () => void live++,
      recordFiberEnd: () => void live--
    }),
    Context.add(Logger.CurrentLoggers, new Set([lineLogger(log)])),
    Context.add(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown({})), // else this machine's environment
    Context.add(Simulation, { log, prng, clock, liveFibers: () => live })
  )

  const drive = (): Exit.Exit<A, E | SimulationError> => {
    const root = Effect.runForkWith(context)(Effect.yieldNow.pipe(Effect.andThen(program)))
    const patience = options.patience ?? PATIENCE_TASKS
    let limit = Duration.toMillis(options.until ?? options.within ?? Duration.infinity)
    let interrupted = false
    while (true) {
      for (let budget = patience; scheduler.step(); budget--) {
        if (escape !== undefined) return failure("Escaped", `${escape.api}\n${escape.stack}`)
        if (budget === 0)
          return failure("Livelock", `${patience} tasks at ${stamp(clock.elapsed)} and time did not move`)
      }
      const exit = root.pollUnsafe()
      if (exit !== undefined) return exit
      if (clock.advance(limit)) continue
      if (interrupted || options.until === undefined) {
        const reason = clock.pending === 0 ? "Stalled" : "Overdue"
        return failure(reason, `${live} live fibers at ${stamp(clock.elapsed)}${interrupted ? SHUTDOWN_NOTE : ""}`)
      }
      interrupted = true
      clock.skipTo(limit)
      limit += SHUTDOWN_MAX_MILLIS
      root.interruptUnsafe()
    }
  }

  try {
    using _guard = EscapeGuard.install({
      nowMillis: clock.currentTimeMillisUnsafe,
      prng: prng("globals"),
      onEscape: (first) => void (escape ??= first)
    })
    const exit = drive()
    const hash = createHash("sha256").update(lines.join("\n")).update(`\n${scheduler.digest} ${clock.elapsed}`)
    return {
      exit,
      log: lines,
      hash: hash.digest("hex"),
      virtualMillis: clock.elapsed,
      realMillis: realMillisNow() - startedAt,
      preemption,
      tasks: scheduler.tasks,
      wakeups: clock.wakeups,
      operations: scheduler.operations,
      preemptions: scheduler.preemptions,
      leakedFibers: live
    }
  } finally {
    scheduler.close()
  }
}

const failure = (reason: Reason, detail: string) => Exit.fail(new SimulationError({ reason, detail }))

const BETWEEN_RATES = [0, 0.002, 0.02, 0.2] as const
const ON_WAKE_RATES = [0, 0.5, 0.9] as const

const temper = (prng: Prng.Prng): Preemption => ({
  between: BETWEEN_RATES[prng.below(BETWEEN_RATES.length)] ?? 0,
  onWake: ON_WAKE_RATES[prng.below(ON_WAKE_RATES.length)] ?? 0
})

/** Virtual time as hours:minutes:seconds, wide enough that log lines align. */
export const stamp = (millis: number): string => {
  const pad = (value: number, width: number) => String(Math.floor(value)).padStart(width, "0")
  const hours = pad(millis / 3_600_000, 3)
  return `${hours}:${pad((millis / 60_000) % 60, 2)}:${pad((millis / 1000) % 60, 2)}.${pad(millis % 1000, 3)}`
}

/** Effect's own spans take their ids from Math.random when first asked for, which may be never. */
const seededTracer = (prng: Prng.Prng): Tracer.Tracer =>
  Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      span._spanId = prng.hex(16)
      span._traceId = Option.match(options.parent, {
        onNone: () => prng.hex(32),
        onSome: (parent) => parent.traceId
      })
      return span
    }
  })

/** No fiber id in the line: those come from a process-wide counter. */
const lineLogger = (log: (line: string) => void): Logger.Logger<unknown, void> =>
  Logger.make(({ cause, fiber, logLevel, message }) => {
    const text = Array.isArray(message) ? message.map(String).join(" ") : String(message)
    const annotations = Object.entries(fiber.getRef(References.CurrentLogAnnotations))
    const where = annotations.map(([key, value]) => ` ${key}=${String(value)}`).join("")
    const errors = Cause.prettyErrors(cause).map((error) => error.message)
    const why = errors.length === 0 ? "" : `: ${errors.join("; ")}`
    log(`${logLevel.padEnd(5)} ${text}${why}${where}`)
  })
