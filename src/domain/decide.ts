/**
 * The one decision: engines propose, the largest wins, limiters have their say, and the windows remember. Pure: the
 * same policy, observation and memory give the same decision, so any can be run again and explained.
 */
import type { Decision, Proposal, Step } from "#schemas/Decision"
import type { Memory } from "#schemas/Memory"
import type { Observation } from "#schemas/Observation"
import type { Policy } from "#schemas/Policy"
import { missing, type Reading } from "#schemas/Reading"
import { arbitrate } from "./arbitrate.ts"
import { limitBounds } from "./bounds.ts"
import { type BoundEngine, isCompanion } from "./Engine.ts"
import { fallBack, noteMissing } from "./fallback.ts"
import { apply, CLAMPS, LIMITS, SWITCHES } from "./limit.ts"
import { narrate, silence } from "./narrate.ts"
import { isSwitchedOff } from "./pause.ts"
import { noteHarm } from "./rollback.ts"
import { rememberSchedules } from "./schedule.ts"
import type { Situation } from "./Situation.ts"
import { record } from "./stabilize.ts"
import { trialIn } from "./trials.ts"

export interface DecideInput {
  readonly policy: Policy
  readonly engines: ReadonlyArray<BoundEngine>
  readonly observation: Observation
  /** Foreign writes already noted (adopt, in domain/memory). */
  readonly memory: Memory
}

export interface Decided {
  readonly decision: Decision
  /** Evidence added, commitments as they were. */
  readonly memory: Memory
}

type Signals = ReadonlyArray<{ readonly signal: Policy["signals"][number]; readonly reading: Reading }>

const NOT_GIVEN = missing("NotGiven", "No value was given for it.")

const signalsOf = ({ signals }: Policy, { readings }: Observation): Signals =>
  signals.map((signal, index) => {
    const expected = readings[index]
    const found = expected?.signal === signal.name ? expected : readings.find((each) => each.signal === signal.name)
    return { signal, reading: found?.reading ?? NOT_GIVEN }
  })

/** What the observation alone adds: the first sight of the replicas, and what is missing since when. */
const witness = (input: DecideInput, signals: Signals): Memory => {
  const { observation, policy } = input
  const { at, state } = observation
  const memory = rememberSchedules(input.memory, policy.schedules, at)
  const missingSince = noteMissing(memory.missingSince, signals, at)
  const seen = missingSince === memory.missingSince ? memory : { ...memory, missingSince }
  if (memory.recommendations.length > 0 && memory.reseed !== true) return noteHarm(seen, policy, observation)
  const { reseed: _, ...rest } = seen
  const recommendations = record(memory.recommendations, state.specReplicas, at, policy.limits.rates)
  return noteHarm({ ...rest, recommendations }, policy, observation)
}

interface Proposed {
  readonly proposals: ReadonlyArray<Proposal>
  readonly memory: Memory
}

const propose = (input: DecideInput, memory: Memory, signals: Signals): Proposed => {
  const { engines, observation, policy } = input
  const resumed = input.memory.reseed === true || input.memory.switchedOff === true
  const { triedAt } = input.memory
  const proposals: Array<Proposal> = []
  const memories: Record<string, unknown> = {}
  const ask = (engine: BoundEngine, index: number, others?: ReadonlyArray<Proposal>) => {
    const same = engines.slice(0, index).filter(({ name }) => name === engine.name).length
    const key = same === 0 ? engine.name : `${engine.name}#${same + 1}`
    const told = others === undefined ? {} : { others, triedAt }
    const output = engine.propose({ policy, observation, signals, resumed, memory: memory.engines[key], ...told })
    proposals.push(...output.proposals)
    if (output.memory !== null) memories[key] = output.memory
  }
  engines.forEach((engine, index) => isCompanion(engine.name) || ask(engine, index))
  const others = [...proposals]
  engines.forEach((engine, index) => isCompanion(engine.name) && ask(engine, index, others))
  const fallback = fallBack(policy, memory.missingSince, observation.at)
  if (fallback !== undefined) proposals.push(fallback)
  return { proposals, memory: { ...memory, engines: memories } }
}

/** Share of the pods and of the signals that steer which this decision could see. */
const confidenceOf = (signals: Signals): number => {
  let seen = 0
  let count = 0
  for (const { reading, signal } of signals) {
    if (signal.target === undefined && signal.role === undefined) continue
    count += 1
    if (reading._tag === "Measured") seen += reading.coverage
  }
  return count === 0 ? 0 : Math.round((seen / count) * 1000) / 1000
}

interface Verdict {
  readonly proposals: ReadonlyArray<Proposal>
  readonly recommended?: number
  readonly steps: ReadonlyArray<Step>
  readonly desired: number
  readonly engine: string
  readonly opening: string
}

const decisionOf = (verdict: Verdict, current: number, confidence: number): Decision => {
  const { desired, opening, ...rest } = verdict
  return {
    ...rest,
    desired,
    action: desired > current ? "scale_up" : desired < current ? "scale_down" : "no_action",
    limitedBy: [...new Set(verdict.steps.map(({ limiter }) => limiter))],
    reason: narrate(opening, verdict.steps, current),
    confidence
  }
}

const SWITCHED_OFF: Step = {
  limiter: "Paused",
  before: 0,
  after: 0,
  reason: "somebody scaled the target to 0; scale it to 1 or more to go on"
}

const switchedOn = (memory: Memory): Memory => {
  if (memory.switchedOff === undefined) return memory
  const { switchedOff: _, ...rest } = memory
  return rest
}

export const decide = (input: DecideInput): Decided => {
  const { observation, policy } = input
  const { at, state } = observation
  const current = state.specReplicas
  const signals = signalsOf(policy, observation)
  const confidence = confidenceOf(signals)
  const seen = witness(input, signals)
  const decided = (verdict: Verdict, memory: Memory): Decided => ({
    decision: decisionOf(verdict, current, confidence),
    memory
  })

  if (isSwitchedOff(observation, seen)) {
    const opening = "the target is switched off"
    const verdict = { proposals: [], steps: [SWITCHED_OFF], desired: 0, engine: "hold", opening }
    return decided(verdict, seen.switchedOff === true ? seen : { ...seen, switchedOff: true })
  }

  const { memory, proposals } = propose(input, switchedOn(seen), signals)
  const arbitrated = arbitrate({ policy, current, signals, proposals })
  const { blind, held, recommended, winner } = arbitrated
  const shown = { proposals, ...(recommended === undefined ? {} : { recommended }) }
  const schedules = seen.schedules ?? {}
  const situation: Situation = { policy, observation, memory: seen, at, current, blind, held, schedules }

  // Outside the bounds nothing else is asked, and nothing is recorded.
  const snap = limitBounds(current, policy)
  if (snap !== undefined) {
    const steps = [snap]
    const desired = apply(SWITCHES, snap.after, situation, steps)
    const opening = `${current} ${current === 1 ? "replica is" : "replicas are"} out of bounds`
    return decided({ ...shown, steps, desired, engine: "bounds", opening }, memory)
  }

  const steps: Array<Step> = arbitrated.step === undefined ? [] : [arbitrated.step]
  const clamped = apply(CLAMPS, arbitrated.value, situation, steps)
  const limited = apply(LIMITS, clamped, situation, steps)
  const desired = apply(SWITCHES, limited, situation, steps)
  const opening = winner?.reason ?? silence(proposals, current)
  const engine = held || winner === undefined ? "hold" : winner.engine
  if (held) return decided({ ...shown, steps, desired, engine, opening }, memory)
  const recommendations = record(memory.recommendations, clamped, at, policy.limits.rates)
  const kept = { ...memory, recommendations }
  const trial = trialIn(proposals, { current, desired, steps })
  if (trial === undefined) return decided({ ...shown, steps, desired, engine, opening }, kept)
  const tried = { ...shown, recommended: current, steps, desired: current, engine: trial.engine, opening: trial.reason }
  return decided(tried, { ...kept, triedAt: at })
}
