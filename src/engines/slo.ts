/**
 * Promises to users as proposals: more replicas while latency is over its target, or while errors are and the load
 * explains them. What may go down is the guard's business (domain/objectives), so beside other engines it only raises.
 */
import * as Schema from "effect/Schema"
import { type Engine, type EngineInput, isCompanion } from "#domain/Engine"
import { objectiveFloor, objectivesOf, type Objective } from "#domain/objectives"
import { REPLICAS_MAX } from "#domain/rounding"
import { propose as proposeUsage } from "#domain/usage"
import type { Proposal } from "#schemas/Decision"

export const SloOptions = Schema.Struct({
  maxRaisePercent: Schema.optionalKey(
    Schema.Int.annotate({
      description:
        "The most that one proposal may add, in percent of the replicas. Absent: 100, and 50 where errors ask."
    }).check(Schema.isBetween({ minimum: 1, maximum: 900 }))
  )
}).annotate({ description: "Scales up while an objective is broken, in proportion to how far." })
export type SloOptions = typeof SloOptions.Type

const name = "slo"

/** One proposal asks for at most twice the replicas, or one and a half times where errors ask. */
const LATENCY_FACTOR_MAX = 2
const ERROR_FACTOR_MAX = 1.5
/** Errors below this share of the load's target are somebody else's fault: more pods would not mend them. */
const LOAD_RATIO_MIN = 0.5

type Input = EngineInput<SloOptions, null>

/** The busiest signal's usage over its target; undefined where no signal with a target can be read. */
const loadRatio = ({ observation, policy, signals }: Input): number | undefined => {
  let most: number | undefined
  for (const { reading, signal } of signals) {
    if (signal.target === undefined || reading._tag !== "Measured") continue
    const answer = proposeUsage(signal, reading, observation, policy.limits)
    if (answer._tag === "Proposed") most = Math.max(most ?? 0, answer.ratio)
  }
  return most
}

interface Wish {
  readonly replicas: number
  readonly reason: string
}

const wishFor = (objective: Objective, value: number, input: Input): Wish => {
  const current = input.observation.state.specReplicas
  const { kind, limit } = objective
  const isLatency = kind === "latency"
  const shown = isLatency ? `${Math.round(value * 10) / 10} ms` : `${Math.round(value * 1e4) / 100} %`
  const target = isLatency ? `${limit} ms` : `${Math.round(limit * 1e4) / 100} %`
  const keeps = (why: string): Wish => ({ replicas: current, reason: `${objective.signal} ${shown} ${why}` })
  if (value <= limit) return keeps(`is within its objective of ${target}`)
  const wants = (factor: number): Wish => {
    // 1.1 is a little more than 1.1 in binary, and a whole pod hangs on it.
    const replicas = Math.min(REPLICAS_MAX, Math.ceil(Number((current * factor).toPrecision(12))))
    return { replicas, reason: `${objective.signal} ${shown} over its objective of ${target} wants ${replicas}` }
  }
  const { maxRaisePercent } = input.options
  const most = (factor: number) => (maxRaisePercent === undefined ? factor : 1 + maxRaisePercent / 100)
  // An objective of zero is broken by anything, and infinitely so.
  const excess = limit > 0 ? value / limit : Infinity
  if (isLatency) return wants(Math.min(excess, most(LATENCY_FACTOR_MAX)))
  const load = loadRatio(input)
  if (load === undefined) {
    return keeps(`is over its objective of ${target}, and no signal with a target tells whether load is the cause`)
  }
  if (load < LOAD_RATIO_MIN) return keeps(`is over its objective of ${target}, but not because of load`)
  return wants(Math.min(1 + 0.5 * (excess - 1), most(ERROR_FACTOR_MAX)))
}

export const slo: Engine<SloOptions, null> = {
  name,
  description: "Scales up while a latency or error objective is broken.",
  options: SloOptions,
  memory: Schema.Null,
  initial: null,
  example: {},
  built: true,
  propose: (input) => {
    const { observation, policy, signals } = input
    const current = observation.state.specReplicas
    const objectives = objectivesOf(policy)
    const proposals = objectives.map((objective): Proposal => {
      const reading = signals.find(({ signal }) => signal.name === objective.signal)?.reading
      if (reading?._tag !== "Measured") {
        const detail = reading === undefined ? "the policy has no such signal" : reading.detail
        const reason = `${objective.signal} is ${reading?._tag === "Stale" ? "stale" : "missing"}: ${detail}`
        return { engine: name, signal: objective.signal, raiseOnly: true, reason }
      }
      return { engine: name, signal: objective.signal, raiseOnly: true, ...wishFor(objective, reading.value, input) }
    })
    // With nothing else to steer by, calm objectives are the only reason there is to go down: one replica at a time, and
    // never the last, because a share of no replicas brings none back.
    const isAlone = policy.engines.every(({ engine }) => engine === name || isCompanion(engine))
    const known = proposals.length > 0 && proposals.every(({ replicas }) => replicas !== undefined)
    if (isAlone && known) {
      const fewest = objectiveFloor(policy, observation)?.replicas ?? 0
      const replicas = Math.max(current - 1, fewest, Math.min(current, 1))
      const reason = replicas < current ? `objectives are calm and want ${replicas}` : `objectives keep ${current}`
      proposals.push({ engine: name, replicas, raiseOnly: false, reason })
    }
    return { proposals, memory: null }
  }
}
