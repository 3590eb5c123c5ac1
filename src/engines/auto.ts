/**
 * The default where an objective is named. It learns what a pod serves and how answers go bad, forecasts demand until
 * a pod that is ordered now is ready, and keeps as many pods as are worth the price of bad answers, which is the error
 * budget's. Up at once, down only below everything that was needed for as long as a restart would cost.
 */
import * as Schema from "effect/Schema"
import { UNKNOWN_CAPACITY } from "#domain/capacity"
import { expect, follow, forecast, UNKNOWN_DEMAND } from "#domain/demand"
import { podsToDrain } from "#domain/drain"
import type { Engine, EngineInput } from "#domain/Engine"
import { type Evidence, gather, hasRole } from "#domain/evidence"
import { expectedJump, noticeJump } from "#domain/habits"
import { learnPods } from "#domain/learnPods"
import { objectivesOf } from "#domain/objectives"
import { addPeak, peakSince } from "#domain/peaks"
import { REPLICAS_MAX } from "#domain/rounding"
import { FRESH_BUDGET, spend, worthwhile } from "#domain/staffing"
import { UNKNOWN_STARTUP } from "#domain/startup"
import type { Proposal } from "#schemas/Decision"
import { Demand } from "#schemas/Demand"
import { Pods } from "#schemas/Pods"
import type { Policy } from "#schemas/Policy"
import { Millis } from "#schemas/Reading"

const AutoOptions = Schema.Struct({
  headroomPercent: Schema.optionalKey(
    Schema.Int.annotate({
      description: "Capacity to keep free beyond what the objectives need, in percent. Absent: learned."
    }).check(Schema.isBetween({ minimum: 0, maximum: 90 }))
  )
}).annotate({
  description:
    "Weighs the objectives against the cost by what it has learned of the workload. The use of the CPU (the role utilization, in percent) is enough; better are demand and served too, and backlog for a queue or badFraction for a latency objective, from which it learns how answers go bad. What only a latency, a backlog or an age measures is left to the engines target and slo."
})
type AutoOptions = typeof AutoOptions.Type

const AutoMemory = Schema.Struct({
  version: Schema.Literal(2),
  ...Pods.fields,
  /** Pods beyond the need were ordered, because they start at different speeds. */
  hedging: Schema.Boolean,
  /** The last time that there was any work. */
  busyAt: Millis,
  demand: Demand,
  jumps: Schema.Array(Schema.Struct({ at: Millis, factor: Schema.Finite })),
  budget: Schema.Struct({ bad: Schema.Finite, all: Schema.Finite, price: Schema.Finite }),
  peaks: Schema.Array(Schema.Struct({ at: Millis, replicas: Schema.Int }))
})
type AutoMemory = typeof AutoMemory.Type

type Input = EngineInput<AutoOptions, AutoMemory>

const name = "auto"

/** A forecast is for when the slower pods are ready, too. */
const LATE_FACTOR = 1.2
const NOTICE_SECONDS = 10
/** In start-up times: after a large fall, and after any. */
const HOLD_LARGE = 1.2
const HOLD_ANY = 4
const LARGE = 0.25
/** However fast pods start, it takes a while to see that they are missed: falls are held as if they took so long. */
const HELD_SECONDS_MIN = 20
/** Where too little is ready for the load, so many times the need is ordered, and cancelled when enough are ready. */
const HEDGE = 2
/** What is ready beyond the load when that is so, and when it is over. */
const SHORT_OF = 1.02
const ENOUGH_FOR = 1.1
/** What is served is worth so much more than a busy pod, since no pod may be busy all the time. */
const BUSY_SHARE = 1.2
/** The share of good answers that prices are given for. */
const USUAL_ALLOWED = 0.01
/** Where only the CPU is seen, work is counted in percent of a pod; and when that is full, more is hidden behind it. */
const FULL = 0.97
const HIDDEN = 2

/** Whether demand itself is measured, and so what a pod makes of it. */
const seesDemand = (policy: Policy): boolean =>
  (["demand", "served", "utilization"] as const).every((role) => hasRole(policy, role))

/** Absent: no queue, or one whose backlog nobody sees, which is then kept from building up at all. */
const drainSecondsOf = (policy: Policy): number | undefined =>
  seesDemand(policy) && hasRole(policy, "backlog") ? policy.objectives.queue?.drainSeconds : undefined

/** An objective that only a latency or an age measures is better steered by it than by a guess at what the CPU means for it. */
const suits = (policy: Policy): boolean => {
  const { latency, queue } = policy.objectives
  if ((latency === undefined && queue === undefined) || !hasRole(policy, "utilization")) return false
  if (drainSecondsOf(policy) !== undefined || (seesDemand(policy) && hasRole(policy, "badFraction"))) return true
  return objectivesOf(policy).length === 0 && !hasRole(policy, "backlog") && !hasRole(policy, "age")
}

const observe = (input: Input): ReturnType<typeof gather> => {
  const { observation, policy } = input
  if (drainSecondsOf(policy) !== undefined) return gather(input, ["demand", "served", "utilization", "backlog"])
  if (seesDemand(policy)) return gather(input, ["demand", "served", "utilization", "backlog", "badFraction"])
  const seen = gather(input, ["utilization"])
  if ("signal" in seen || seen.utilization === undefined) return seen
  const served = Math.min(1, seen.utilization) * 100 * observation.state.readyReplicas
  return { ...seen, served, demand: seen.utilization < FULL ? served : served * HIDDEN }
}

const startupOf = ({ policy }: Input, { startup }: AutoMemory): number =>
  policy.objectives.startupSeconds ?? startup.seconds

/** What a restart costs: the unit of holds. */
const restartMillis = (input: Input, memory: AutoMemory): number =>
  Math.max(startupOf(input, memory), HELD_SECONDS_MIN) * 1000

const allowedBy = ({ objectives }: Policy): number =>
  Math.max(1e-4, 1 - (objectives.latency?.goodFraction ?? 1 - USUAL_ALLOWED))

/** Everything that is learned from one tick, before anything is decided. */
const learn = (input: Input, seen: Evidence): AutoMemory => {
  const { memory, policy } = input
  const { at } = input.observation
  const { backlog = 0, badFraction, demand: value } = seen
  if (value === undefined) return memory
  const { seconds, ...pods } = learnPods(input, seen)
  const { perPod } = pods.capacity
  const demand = follow(memory.demand, { at, value, seconds, grain: Math.max(perPod, 1e-6) * 0.05 })
  const jumps = noticeJump(memory.jumps, demand.seen, perPod)
  const requests = value * seconds
  const isJudged = badFraction !== undefined && perPod > 0 && pods.ready > 0
  const budget = isJudged
    ? spend(memory.budget, badFraction * requests, requests, allowedBy(policy), seconds)
    : memory.budget
  const busyAt = value > 0 || backlog > 0 ? at : memory.busyAt
  return { ...memory, ...pods, busyAt, budget, demand, jumps }
}

interface Need {
  readonly replicas: number
  readonly memory: AutoMemory
  readonly why: string
}

const shown = (value: number): string => String(Number(value.toPrecision(3)))

const needToAnswer = (input: Input, memory: AutoMemory): Need => {
  const { at } = input.observation
  const { budget, capacity, demand, jumps } = memory
  const { perPod, steepness } = capacity
  const aheadSeconds = startupOf(input, memory) * LATE_FACTOR + NOTICE_SECONDS
  const expected = Math.max(forecast(demand, aheadSeconds), demand.level * expectedJump(jumps, at, aheadSeconds))
  const price = budget.price * BUSY_SHARE * (USUAL_ALLOWED / allowedBy(input.policy))
  const headroom = 1 - (input.options.headroomPercent ?? 0) / 100
  const work = { demand: expected / headroom, errors: demand.errors, perPod, steepness, price }
  const replicas = worthwhile(work, input.policy.bounds.max)
  const forecasted = { at: at + Math.round(aheadSeconds * 1000), value: expected }
  const why = `${shown(expected)} of demand in ${Math.round(aheadSeconds)} s, of which a pod serves ${shown(perPod)}`
  return { replicas, memory: { ...memory, demand: expect(demand, forecasted, aheadSeconds) }, why }
}

const needToDrain = (input: Input, { backlog = 0 }: Evidence, memory: AutoMemory, drainSeconds: number): Need => {
  const { at } = input.observation
  const { demand } = memory
  const { perPod } = memory.capacity
  const startupSeconds = startupOf(input, memory)
  const arrivals = demand.level
  const idle = backlog === 0 && at - memory.busyAt > startupSeconds * 1000
  const replicas = idle ? 0 : podsToDrain({ backlog, arrivals, perPod, drainSeconds, startupSeconds })
  const why = `a backlog of ${shown(backlog)} and ${shown(arrivals)} arrivals, of which a pod serves ${shown(perPod)}`
  return { replicas, memory, why }
}

/** Counts replicas as asked for, so that they are held. */
const remember = (input: Input, memory: AutoMemory, replicas: number): AutoMemory => {
  const keptMillis = restartMillis(input, memory) * HOLD_ANY
  return { ...memory, peaks: addPeak(memory.peaks, { at: input.observation.at, replicas }, keptMillis) }
}

/** From what is needed to what to have: up at once, down by the peaks, and beyond the need while pods are awaited. */
const settleOn = (input: Input, { memory, replicas }: Need, isQueue: boolean): Need["memory"] & { target: number } => {
  const { at, state } = input.observation
  const current = state.specReplicas
  const need = Math.min(replicas, REPLICAS_MAX)
  const holdMillis = restartMillis(input, memory)
  const next = remember(input, input.resumed ? remember(input, memory, current) : memory, need)
  const { peaks } = next
  const recent = peakSince(peaks, at - holdMillis * HOLD_LARGE, need)
  const held = recent < current * (1 - LARGE) ? recent : peakSince(peaks, at - holdMillis * HOLD_ANY, need)
  const load = memory.capacity.perPod > 0 ? memory.demand.level / memory.capacity.perPod : 0
  const ready = state.readyReplicas
  if (!isQueue && ready < load * SHORT_OF && need > ready) {
    return { ...next, hedging: true, target: Math.max(current, Math.min(Math.ceil(need * HEDGE), REPLICAS_MAX)) }
  }
  if (memory.hedging) {
    const enough = ready >= Math.min(held, load * ENOUGH_FOR) || ready >= current
    return { ...next, hedging: !enough, target: enough ? Math.min(current, Math.max(held, ready)) : current }
  }
  return { ...next, target: need > current ? need : Math.min(current, held) }
}

const initial: AutoMemory = {
  version: 2,
  ready: 0,
  hedging: false,
  busyAt: 0,
  startup: UNKNOWN_STARTUP,
  capacity: UNKNOWN_CAPACITY,
  demand: UNKNOWN_DEMAND,
  jumps: [],
  budget: FRESH_BUDGET,
  peaks: []
}

export const auto: Engine<AutoOptions, AutoMemory> = {
  name,
  description: "Weighs the objectives against the cost by what it has learned of the workload.",
  options: AutoOptions,
  memory: AutoMemory,
  initial,
  example: {},
  built: true,
  suits,
  propose: (input) => {
    if (!suits(input.policy)) return { proposals: [], memory: input.memory }
    const seen = observe(input)
    if ("signal" in seen) return { proposals: [{ engine: name, raiseOnly: false, ...seen }], memory: input.memory }
    const learned = learn(input, seen)
    const current = input.observation.state.specReplicas
    const says = (replicas: number, reason: string): Proposal => ({ engine: name, replicas, raiseOnly: false, reason })
    if (learned.capacity.perPod <= 0) {
      const starts = current === 0 && ((seen.backlog ?? 0) > 0 || (seen.demand ?? 0) > 0)
      const reason = starts ? "there is work and no pod" : "it is not known yet what a pod serves"
      // Somebody chose these replicas, and what the first minute shows is no reason to take them away.
      return { proposals: [says(starts ? 1 : current, reason)], memory: remember(input, learned, current) }
    }
    const drainSeconds = drainSecondsOf(input.policy)
    const need =
      drainSeconds === undefined ? needToAnswer(input, learned) : needToDrain(input, seen, learned, drainSeconds)
    const { target, ...memory } = settleOn(input, need, drainSeconds !== undefined)
    const verb = target < current ? "needs only" : target > current ? "wants" : "keeps"
    return { proposals: [says(target, `${need.why}: ${verb} ${target}`)], memory }
  }
}
