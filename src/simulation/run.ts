/**
 * One scenario from its first moment to its verdict: the storm, the healing, and the same without faults beside it. One
 * call in virtual time; the same scenario gives the same bytes.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as References from "effect/References"
import type { JsonObject } from "#cluster/api/json"
import { fillHole } from "#manifests/plugs"
import { definitionOf } from "#manifests/crd"
import { KINDS } from "#schemas/crd/index"
import { type FaultKind, isDeed } from "#simulation/Fault"
import { converge, type Rest } from "#simulation/liveness"
import { makeOperators } from "#simulation/operators"
import { type Property, Violation } from "#simulation/Property"
import { runSimulation, SimulationError } from "#simulation/runSimulation"
import { Safety } from "#simulation/safety"
import type { Scenario } from "#simulation/Scenario"
import { makeWorld } from "#simulation/World"

export interface Verdict {
  /** Undefined: everything held. */
  readonly broken: { readonly property: Property; readonly detail: string } | undefined
  readonly log: ReadonlyArray<string>
  readonly hash: string
  readonly virtualMillis: number
  readonly realMillis: number
  readonly writes: number
  /** One of each tick and target. */
  readonly decisions: number
  readonly operations: number
  /** How often each kind of fault struck. */
  readonly struck: Readonly<Partial<Record<FaultKind, number>>>
}

/** What takes long to make and is the same for every run of a process. */
export const prepare = (): ReadonlyArray<JsonObject> =>
  KINDS.map((kind) => definitionOf(kind, "0.0.0", fillHole) as unknown as JsonObject)

/** Of the run without faults, which has nothing to survive: its deeds are done when it heals. */
const QUIET_MINUTES = 1
/** Beyond it neither a storm nor its healing goes on. */
const OVERDUE = "100 hours"
const LOOK_MILLIS = 15_000

interface Course {
  readonly exit: Exit.Exit<Rest, Violation | SimulationError>
  readonly verdict: Omit<Verdict, "broken">
  readonly leakedFibers: number
}

export const judge = (scenario: Scenario, definitions: ReadonlyArray<JsonObject>): Verdict => {
  const quiet = { ...scenario, minutes: QUIET_MINUTES, faults: scenario.faults.filter(isDeed) }
  const calm = course(quiet, definitions, undefined)
  const broken = brokenIn(calm)
  if (broken !== undefined) {
    return { ...calm.verdict, broken: { ...broken, detail: `without faults: ${broken.detail}` } }
  }
  const rest = Exit.isSuccess(calm.exit) ? calm.exit.value : undefined
  const stormy = course(scenario, definitions, rest)
  return { ...stormy.verdict, broken: brokenIn(stormy) }
}

/** The storm alone and nothing of its end, for a benchmark. */
export const play = (scenario: Scenario, definitions: ReadonlyArray<JsonObject>): Verdict => {
  const played = course(scenario, definitions, "unexpected")
  return { ...played.verdict, broken: brokenIn(played) }
}

const brokenIn = ({ exit, leakedFibers }: Course): Verdict["broken"] => {
  if (Exit.isFailure(exit)) {
    const error = Cause.squash(exit.cause)
    if (error instanceof Violation) return { property: error.property, detail: error.detail }
    return {
      property: "time goes on",
      detail: error instanceof SimulationError ? error.message : Cause.pretty(exit.cause)
    }
  }
  if (leakedFibers === 0) return undefined
  return { property: "nothing is left running", detail: `${leakedFibers} fibers outlived the run` }
}

const course = (
  scenario: Scenario,
  definitions: ReadonlyArray<JsonObject>,
  expected: Rest | undefined | "unexpected"
): Course => {
  let writes = 0
  let decisions = 0
  let struck: ReadonlyMap<FaultKind, number> = new Map()
  const program = Effect.gen(function* () {
    const world = yield* makeWorld(scenario, definitions)
    struck = world.script.struck
    const broken = yield* Deferred.make<never, Violation>()
    const safety = new Safety(world, (violation) => {
      world.say("broken", "", violation.message)
      Deferred.doneUnsafe(broken, Effect.fail(violation))
    })
    const operators = yield* makeOperators(world, safety)
    yield* world.begin
    const storm = Effect.gen(function* () {
      const looks = Math.ceil((scenario.minutes * 60_000) / LOOK_MILLIS)
      for (let look = 0; look < looks; look++) {
        yield* Effect.sleep((scenario.minutes * 60_000) / looks)
        yield* operators.look
      }
      if (expected === "unexpected") return NO_REST
      world.say("world", "healed", `${safety.writes.length} writes`)
      world.heal()
      operators.heal()
      const rest = yield* converge(world, safety, operators, expected)
      safety.concluded()
      return rest
    })
    const rest = yield* Effect.raceFirst(storm, Deferred.await(broken))
    writes = safety.writes.length
    decisions = safety.decisions
    return rest
  })
  // Nobody looks at the spans, and they would be the most that a tick does.
  const untraced = Effect.provideService(Effect.scoped(program), References.TracerEnabled, false)
  const outcome = runSimulation(untraced, { seed: scenario.seed, within: OVERDUE })
  const { hash, leakedFibers, log, operations, realMillis, virtualMillis } = outcome
  return {
    exit: outcome.exit,
    leakedFibers,
    verdict: {
      ...{ hash, log, operations, realMillis, virtualMillis, writes, decisions },
      struck: Object.fromEntries(struck)
    }
  }
}

const NO_REST: Rest = { policies: {}, replicas: {} }
