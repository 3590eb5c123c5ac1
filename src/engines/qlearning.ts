/**
 * Learns from what the other engines do what each change of replicas is worth in each state of the workload. In shadow
 * it only says what it would have asked for; it has a say, within 20 % of the others, once its choices have been
 * valued as no worse than theirs, and loses it by three breaches in a row. With bounded exploration it may keep one
 * pod for a tick that they give up, out of a small budget.
 */
import * as Schema from "effect/Schema"
import { baselineOf } from "#domain/arbitrate"
import { learnPerPod, UNKNOWN_CAPACITY } from "#domain/capacity"
import type { Engine, EngineInput } from "#domain/Engine"
import { choose, drawsOf, epsilonAfter, USUAL_RATES } from "#domain/qlearningChoice"
import { CLOSED, judge, value } from "#domain/qlearningGate"
import { estimate, learnHarm, postpone, rewardOfEstimate, ripen, UNKNOWN_MODEL } from "#domain/qlearningModel"
import { harmOf, perceive, type Perception, rewardOf } from "#domain/qlearningState"
import { ACTION_MAX, importTable, learn } from "#domain/qlearningTable"
import { type Account, account, mayTry } from "#domain/trials"
import type { Proposal } from "#schemas/Decision"
import { Millis } from "#schemas/Reading"
import type { QLearning, Role } from "#schemas/Policy"

const QLearningOptions = Schema.Struct({
  minimumTransitions: Schema.optionalKey(
    Schema.Int.annotate({
      description: "Executed transitions to have learned from before it may steer. Absent: 500."
    }).check(Schema.isBetween({ minimum: 1, maximum: 100_000 }))
  ),
  learned: Schema.optionalKey(
    Schema.String.annotate({
      description:
        "What was learned before, as simulate --learn or explain --learned writes it. It is where learning begins; it gives no say."
    }).check(Schema.isMaxLength(65_536))
  )
}).annotate({
  description:
    "Q-learning with the rates of aiConfig.qLearning, in shadow until it has proven itself: learns from what the other engines do, and may then move what they ask for by up to 20 %."
})
type QLearningOptions = typeof QLearningOptions.Type

const Estimate = Schema.Struct({ harm: Schema.Finite, cost: Schema.Finite })

const QLearningMemory = Schema.Struct({
  version: Schema.Literal(1),
  transitions: Schema.Int,
  /** Share of explored actions after them. */
  epsilon: Schema.optionalKey(Schema.Finite),
  /** Of the last transition, and over the last few hundred. */
  reward: Schema.optionalKey(Schema.Finite),
  meanReward: Schema.Finite,
  /** Absent: what was learned before is still to be taken over. */
  table: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  model: Schema.Struct({ harm: Schema.Array(Schema.Finite), seen: Schema.Array(Schema.Int) }),
  capacity: Schema.Struct({ perPod: Schema.Finite, samples: Schema.Int }),
  level: Schema.optionalKey(Schema.Finite),
  gate: Schema.Struct({
    steering: Schema.Boolean,
    valued: Schema.Int,
    chosen: Estimate,
    done: Estimate,
    regret: Schema.Finite,
    proven: Schema.Int,
    breaches: Schema.Int,
    demotions: Schema.Int
  }),
  demotedAt: Schema.optionalKey(Millis),
  /** Choices that differ from the others', until they can be valued. */
  pending: Schema.Array(
    Schema.Struct({
      at: Millis,
      until: Millis,
      from: Schema.Int,
      chosen: Schema.Int,
      baseline: Schema.Int,
      work: Schema.Finite
    })
  ),
  /** What bounded exploration has earned and used. */
  trials: Schema.optionalKey(
    Schema.Struct({
      at: Millis,
      replicas: Schema.Int,
      credit: Schema.Finite,
      spent: Schema.Finite,
      open: Schema.optionalKey(Schema.Struct({ without: Schema.Int, since: Millis }))
    })
  ),
  /** What the next transition begins with. Absent: the last tick could not be understood. */
  last: Schema.optionalKey(
    Schema.Struct({
      at: Millis,
      state: Schema.String,
      replicas: Schema.Int
    })
  )
})
type QLearningMemory = typeof QLearningMemory.Type

type Input = EngineInput<QLearningOptions, QLearningMemory>

const name = "qlearning"

const MINIMUM_TRANSITIONS = 500
const REWARDS_MEMORY = 500
/** Until it is told; the slower pods take longer. */
const STARTUP_SECONDS = 30
const LATE_FACTOR = 1.5
/** What an objective allows that does not say how many answers have to be good, and a tick that breaks one. */
const USUAL_GOOD = 0.99
const BROKEN_STRAIN = 10
/** After a longer pause nobody knows what came of what. */
const GAP_INTERVALS = 3

const valueOf = ({ signals }: Input, role: Role): number | undefined => {
  const reading = signals.find(({ signal }) => signal.role === role)?.reading
  return reading?._tag === "Measured" ? reading.value : undefined
}

/** What one pod serves, where demand and use are both measured. */
const learnCapacity = (input: Input): QLearningMemory["capacity"] => {
  const { capacity } = input.memory
  const served = valueOf(input, "served") ?? valueOf(input, "demand")
  const utilization = valueOf(input, "utilization")
  const ready = input.observation.state.readyReplicas
  if (served === undefined || utilization === undefined) return capacity
  const busyness = { served, utilization: utilization / 100, ready, backlog: valueOf(input, "backlog") ?? 0 }
  const { perPod, samples } = learnPerPod({ ...UNKNOWN_CAPACITY, ...capacity }, busyness)
  return perPod === capacity.perPod && samples === capacity.samples ? capacity : { perPod, samples }
}

/** The transition from the last tick to this one, where there is one: reward, table, model and the say it has. */
const reflect = (input: Input, seen: Perception, memory: QLearningMemory): QLearningMemory => {
  const { observation, policy, resumed } = input
  const { last } = memory
  const { at, state } = observation
  const replicas = state.specReplicas
  const load = seen.work / Math.max(1, state.readyReplicas)
  const settled = state.readyReplicas === replicas && !state.rollingOut
  const model = settled ? learnHarm(memory.model, load, harmOf(seen)) : memory.model
  if (last === undefined || resumed || at - last.at > GAP_INTERVALS * policy.intervalMillis || at <= last.at) {
    return { ...memory, model, pending: [] }
  }
  const action = replicas - last.replicas
  const { max } = policy.bounds
  const reward = rewardOf({ ...seen, replicas, change: action, max })
  const transitions = memory.transitions + 1
  const meanReward = memory.meanReward + (reward - memory.meanReward) / Math.min(transitions, REWARDS_MEMORY)
  const transition = { from: last.state, action, reward, to: seen.state }
  const before = memory.table ?? {}
  const rates = policy.qLearning ?? USUAL_RATES
  const table = Math.abs(action) > ACTION_MAX ? before : learn(before, transition, rates, meanReward)
  const { ripe, waiting } = ripen(memory.pending, at, seen.work)
  const valued = ripe.reduce(
    (gate, { baseline, chosen, from, work }) =>
      value(
        gate,
        estimate(model, { work, from, max, replicas: chosen }),
        estimate(model, { work, from, max, replicas: baseline })
      ),
    memory.gate
  )
  const minimumTransitions = input.options.minimumTransitions ?? MINIMUM_TRANSITIONS
  const { gate, verdict } = judge(valued, { broken: seen.broken, minimumTransitions })
  const demoted = verdict === "Demoted" ? { demotedAt: at } : {}
  return { ...memory, model, table, transitions, reward, meanReward, gate, pending: waiting, ...demoted }
}

const worth = (estimated: typeof Estimate.Type): string => String(Math.round(rewardOfEstimate(estimated) * 1000) / 1000)

/** Why it has no say, or why it has. */
const standingText = ({ options }: Input, { gate, transitions }: QLearningMemory): string => {
  const minimum = options.minimumTransitions ?? MINIMUM_TRANSITIONS
  const estimates =
    gate.valued === 0
      ? "it has not chosen otherwise than the others yet"
      : `its choices are worth ${worth(gate.chosen)} and the others' ${worth(gate.done)}, an estimate`
  if (gate.steering) return `steers after ${transitions} transitions, since ${estimates}`
  if (gate.proven < minimum) return `in shadow: ${gate.proven} of ${minimum} transitions; ${estimates}`
  return `in shadow: ${estimates}`
}

/** Bad answers over those that are allowed; a guess where an objective is broken that counts none, and none where there is no objective. */
const strainOf = (input: Input, seen: Perception): number => {
  const { errorRate, latency } = input.policy.objectives
  if (errorRate === undefined && latency === undefined) return 0
  const allowed = Math.max(1e-4, 1 - (latency?.goodFraction ?? USUAL_GOOD))
  const counted = (valueOf(input, "badFraction") ?? 0) / allowed
  return seen.broken && counted <= 1 ? BROKEN_STRAIN : counted
}

/** Whether there may be a trial now, and what is left for the next. */
const tryOut = (input: Input, { exploration }: QLearning, seen: Perception | undefined) => {
  if (exploration === "Shadow") return { trial: false, trials: {} }
  const { observation, others = [], policy, triedAt } = input
  const { at, state } = observation
  const now: Account = {
    at,
    replicas: state.specReplicas,
    intervalMillis: policy.intervalMillis,
    baseline: baselineOf(others),
    strain: seen && strainOf(input, seen),
    triedAt
  }
  const trials = account(input.memory.trials, now)
  return { trial: mayTry(trials, now), trials: { trials } }
}

interface Tick {
  readonly seen: Perception
  readonly epsilon: number
  readonly trial: boolean
}

const proposals = (input: Input, memory: QLearningMemory, { epsilon, seen, trial }: Tick) => {
  const { observation, others = [], policy } = input
  const baseline = baselineOf(others)
  const silent = (reason: string): Proposal => ({ engine: name, raiseOnly: false, reason })
  const { pending } = memory
  if (baseline === undefined) return { told: [silent("learns nothing while nobody else can propose")], pending }
  const draw = drawsOf(observation.seed)
  const table = memory.table ?? {}
  const chosen = choose({ policy, observation, table, ...seen, baseline, epsilon, draw })
  const standing = standingText(input, memory)
  const told: Array<Proposal> = []
  if (memory.gate.steering && chosen.greedy) {
    const reason = `Q-learning ${standing}, and wants ${chosen.replicas} instead of ${baseline}`
    told.push({ engine: name, replicas: chosen.replicas, raiseOnly: false, standing: "Replaces", reason })
  } else {
    const how = chosen.greedy ? "would choose" : "would try"
    told.push({ ...silent(`Q-learning ${standing}; ${how} ${chosen.replicas}`), shadow: chosen.replicas })
  }
  if (trial && draw() < epsilon) {
    const { specReplicas: replicas } = observation.state
    const reason = `Q-learning keeps ${replicas} for one more tick, to learn what the pod is worth that is given up`
    told.push({ engine: name, replicas, raiseOnly: false, standing: "Tries", reason })
  }
  if (!chosen.greedy || chosen.replicas === baseline) return { told, pending }
  const { at, state } = observation
  const until = at + Math.round((policy.objectives.startupSeconds ?? STARTUP_SECONDS) * LATE_FACTOR * 1000)
  const next = { at, until, from: state.specReplicas, chosen: chosen.replicas, baseline, work: 0 }
  return { told, pending: postpone(pending, next) }
}

const initial: QLearningMemory = {
  version: 1,
  transitions: 0,
  meanReward: 0,
  model: UNKNOWN_MODEL,
  capacity: { perPod: 0, samples: 0 },
  gate: CLOSED,
  pending: []
}

export const qlearning: Engine<QLearningOptions, QLearningMemory> = {
  name,
  description: "Q-learning, in shadow until it has proven itself; then within 20 % of the others.",
  options: QLearningOptions,
  memory: QLearningMemory,
  initial,
  example: { minimumTransitions: 500 },
  built: true,
  propose: (input) => {
    const { observation, policy, signals } = input
    const table = input.memory.table ?? importTable(input.options.learned ?? "")
    const capacity = learnCapacity(input)
    const rates = policy.qLearning ?? USUAL_RATES
    const { level } = input.memory
    const seen = perceive({ policy, observation, signals, level, perPod: capacity.perPod })
    const { trial, trials } = tryOut(input, rates, seen)
    const { last: _, ...before }: QLearningMemory = { ...input.memory, table, capacity, ...trials }
    if (seen === undefined) {
      const reason = "Q-learning learns nothing while what it goes by is not measured"
      return {
        proposals: [{ engine: name, raiseOnly: false, reason }],
        memory: { ...before, epsilon: epsilonAfter(before.transitions, rates) }
      }
    }
    const { last } = input.memory
    const learned = reflect(input, seen, last === undefined ? before : { ...before, last })
    const epsilon = epsilonAfter(learned.transitions, rates)
    const { pending, told } = proposals(input, learned, { seen, epsilon, trial })
    const next = { at: observation.at, state: seen.state, replicas: observation.state.specReplicas }
    return { proposals: told, memory: { ...learned, epsilon, pending, level: seen.level, last: next } }
  }
}
