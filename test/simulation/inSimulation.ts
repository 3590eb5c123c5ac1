/**
 * Turns an Effect program into a vitest test that runs on several seeds, each of which orders the program's
 * fibers differently in virtual time. A test that passes here holds for more than the one lucky order.
 */
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import { it } from "vitest"
import type { Seed } from "#simulation/Prng"
import {
  type Options,
  type Outcome,
  runSimulation,
  type Simulation,
  SimulationError,
  stamp
} from "#simulation/runSimulation"

export type { Simulation } from "#simulation/runSimulation"

export interface SimulatedOptions extends Omit<Options, "seed"> {
  /** The seeds themselves, or how many of 1, 2, 3...; default: 5. */
  readonly seeds?: number | ReadonlyArray<Seed>
  /** Fibers that may outlive the program; default: none. */
  readonly leakedFibers?: number
}

/** What a simulated program may ask for: everything else it provides for itself. */
export type Program = Effect.Effect<unknown, unknown, Simulation | Scope.Scope>

const DEFAULT_SEEDS = 5
const DEFAULT_WITHIN = "1 day" satisfies Duration.Input
const TAIL_LINES = 25

/**
 * `simulated("holds replicas while a signal is missing", Effect.gen(...), { until: "10 minutes" })`
 *
 * Without `until` the program has to end by itself within one virtual day; with it, it is interrupted then, which
 * is no failure. Assertions and failures inside the program fail the test with the seed, the reason and the last
 * log lines. State of a test must be made inside the program: the same effect runs once per seed, and the first
 * seed runs again at the end to see that nothing is remembered from one run to the next.
 */
export const simulated = (title: string, program: Program, options: SimulatedOptions = {}): void => {
  it(title, () => void check(program, options))
}

/** Runs the program on every seed and throws at the first that fails; else what the runs were like. */
export const check = (program: Program, options: SimulatedOptions = {}): ReadonlyArray<Outcome<unknown, unknown>> => {
  const { leakedFibers = 0, seeds = DEFAULT_SEEDS, ...rest } = options
  const chosen = typeof seeds === "number" ? Array.from({ length: seeds }, (_, index) => index + 1) : seeds
  const run = (seed: Seed) => runSimulation(Effect.scoped(program), { within: DEFAULT_WITHIN, ...rest, seed })
  const outcomes = chosen.map((seed) => {
    const outcome = run(seed)
    const reason = verdict(outcome, leakedFibers, options)
    if (reason !== undefined) throw failed(seed, reason, outcome)
    return outcome
  })
  const [seed] = chosen
  const [first] = outcomes
  if (seed === undefined || first === undefined) throw new Error("simulated: no seeds, so nothing would be tested")
  const again = run(seed)
  if (again.hash !== first.hash) throw failed(seed, difference(first, again), again)
  return outcomes
}

interface Verdict {
  readonly text: string
  readonly cause?: unknown
}

const verdict = (outcome: Outcome<unknown, unknown>, leakedFibers: number, options: SimulatedOptions) => {
  const { exit } = outcome
  const stoppedOnTime = options.until !== undefined && Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)
  if (Exit.isFailure(exit) && !stoppedOnTime) return describe(exit.cause)
  if (outcome.leakedFibers > leakedFibers) {
    return { text: `${outcome.leakedFibers} fibers outlived the program (allowed: ${leakedFibers})` }
  }
  return undefined
}

const describe = (cause: Cause.Cause<unknown>): Verdict => {
  const error = Cause.squash(cause)
  if (error instanceof SimulationError) return { text: error.message }
  return { text: Cause.pretty(cause), cause: error }
}

const difference = (first: Outcome<unknown, unknown>, again: Outcome<unknown, unknown>): Verdict => {
  const line = again.log.findIndex((text, index) => text !== first.log[index])
  const where = line < 0 ? "in its scheduling only" : `at log line ${line + 1}, which first read:\n  ${first.log[line]}`
  return { text: `the seed ran differently the second time, so state outlives a run; the runs part ${where}` }
}

const failed = (seed: Seed, reason: Verdict, outcome: Outcome<unknown, unknown>): Error => {
  const { between, onWake } = outcome.preemption
  const tail = outcome.log.slice(-TAIL_LINES)
  const shown = tail.length === 0 ? "it logged nothing" : `the last ${tail.length} of ${outcome.log.length} log lines:`
  const error = new Error(
    [
      `seed ${JSON.stringify(seed)} failed: ${reason.text}`,
      `after ${stamp(outcome.virtualMillis)} of virtual time, pre-empting ${between} / ${onWake}; ${shown}`,
      ...tail.map((line) => `  ${line}`)
    ].join("\n"),
    { cause: reason.cause }
  )
  return Object.assign(error, comparison(reason.cause))
}

/** Vitest draws its difference from these two. */
const comparison = (cause: unknown): object =>
  typeof cause === "object" && cause !== null && "actual" in cause && "expected" in cause
    ? { actual: cause.actual, expected: cause.expected, showDiff: true }
    : {}
