/**
 * The default where an objective is named. It learns what a pod serves and how answers go bad, forecasts demand until
 * a pod that is ordered now is ready, and keeps as many pods as are worth the price of bad answers, which is the error
 * budget's. Up at once, down only below everything that was needed for as long as a restart would cost.
 */
import * as Schema from "effect/Schema"
import { learnPerPod, learnSteepness, UNKNOWN_CAPACITY } from "#domain/capacity"
import { expect, follow, forecast, UNKNOWN_DEMAND } from "#domain/demand"
import { podsToDrain } from "#domain/drain"
import type { Engine, EngineInput } from "#domain/Engine"
import { addPeak, peakSince } from "#domain/peaks"
import { REPLICAS_MAX } from "#domain/rounding"
import { FRESH_BUDGET, spend, worthwhile } from "#domain/staffing"
import type { Proposal } from "#schemas/Decision"
import type { Policy, Role, Signal } from "#schemas/Policy"
import { Millis, type Reading } from "#schemas/Reading"

const AutoOptions = Schema.Struct({
  headroomPercent: Schema.optionalKey(
    Schema.Int.annotate({
      description: "Capacity to keep free beyond what the objectives need, in percent. Absent: learned."
    }).check(Schema.isBetween({ minimum: 0, maximum: 90 }))
  )
}).annotate({
  description:
    "Weighs the objectives against the cost by what it has learned of the workload. Needs signals of the roles demand, served and utilization (in percent), and badFraction for a latency objective or backlog for a queue; without them the engines target and slo steer."
})
type AutoOptions = typeof AutoOptions.Type

const Amounts = Schema.Array(Schema.Struct({ at: Millis, value: Schema.Finite }))

const AutoMemory = Schema.Struct({
  version: Schema.Literal(1),
  /** Absent: nothing has been seen yet. */
  at: Schema.optionalKey(Millis),
  ready: Schema.Int,
  /** Pods beyond the need were ordered, because they start at different speeds. */
  hedging: Schema.Boolean,
  /** The last time that there was any work. */
  busyAt: Millis,
  capacity: Schema.Struct({
    perPod: Schema.Finite,
    samples: Schema.Int,
    steepness: Schema.Finite,
    fits: Schema.Int,
    ticks: Schema.Int,
    load: Schema.Finite,
    bad: Schema.Finite,
    requests: Schema.Finite
  }),
  demand: Schema.Struct({
    level: Schema.Finite,
    roughness: Schema.Finite,
    seen: Amounts,
    expected: Amounts,
    errors: Schema.Array(Schema.Finite)
  }),
  budget: Schema.Struct({ bad: Schema.Finite, all: Schema.Finite, price: Schema.Finite }),
  peaks: Schema.Array(Schema.Struct({ at: Millis, replicas: Schema.Int }))
})
type AutoMemory = typeof AutoMemory.Type

type Input = EngineInput<AutoOptions, AutoMemory>

const name = "auto"

/** Until it is told or learned. */
const STARTUP_SECONDS = 30
/** A forecast is for when the slower pods are ready, too. */
const LATE_FACTOR = 1.2
const NOTICE_SECONDS = 10
/** In start-up times: after a large fall, and after any. */
const HOLD_LARGE = 1.2
const HOLD_ANY = 4
const LARGE = 0.25
/** Not worth a change. */
const DEAD_BAND = 0.03
/** Where a need is this far over what is ready, so many times the need is ordered, and cancelled when enough are ready. */
const HEDGE = 2
const HEDGE_FROM = 1.3
/** A backlog of requests is to be gone within this time. */
const BACKLOG_SECONDS = 20
/** More than this much of a second's demand waiting: it does not flow off by itself. */
const BACKLOG_SHARE = 0.2
/** What is served is worth so much more than a busy pod, since no pod may be busy all the time. */
const BUSY_SHARE = 1.2
/** The share of good answers that prices are given for. */
const USUAL_ALLOWED = 0.01
const ROUND_UP_FROM = 0.3

const read = ({ signals }: Input, role: Role): { readonly signal: Signal; readonly reading: Reading } | undefined =>
  signals.find(({ signal }) => signal.role === role)

const QUEUE_ROLES: ReadonlyArray<Role> = ["demand", "served", "utilization", "backlog"]
const ROLES: ReadonlyArray<Role> = [...QUEUE_ROLES, "badFraction"]

interface Seen {
  readonly demand: number | undefined
  readonly served: number | undefined
  readonly utilization: number | undefined
  readonly backlog: number
  readonly badFraction: number | undefined
}

/** The first signal that is needed and not there, or what they say. */
const observe = (input: Input): Seen | Proposal => {
  const values: Partial<Record<Role, number>> = {}
  const isQueue = input.policy.objectives.queue !== undefined
  for (const role of isQueue ? QUEUE_ROLES : ROLES) {
    const found = read(input, role)
    if (found === undefined) continue
    const { reading, signal } = found
    if (reading._tag !== "Measured") {
      // Pods that do not exist say nothing of themselves.
      if (input.observation.state.specReplicas === 0 && !signal.worksAtZero) continue
      // A share of no requests is no number.
      if (role === "badFraction" && values.demand === 0) continue
      const how = reading._tag === "Stale" ? "stale" : "missing"
      return {
        engine: name,
        signal: signal.name,
        raiseOnly: false,
        reason: `${signal.name} is ${how}: ${reading.detail}`
      }
    }
    values[role] = Math.max(0, reading.value)
  }
  const { backlog, badFraction, demand, served, utilization } = values
  return {
    demand,
    served,
    utilization: utilization === undefined ? undefined : utilization / 100,
    backlog: backlog ?? 0,
    badFraction: badFraction === undefined ? undefined : Math.min(1, badFraction)
  }
}

const hasRole = ({ signals }: Policy, role: Role): boolean => signals.some((signal) => signal.role === role)

/** What an objective is learned from. Without it one would steer by what was guessed at the beginning. */
const suits = (policy: Policy): boolean => {
  const { latency, queue } = policy.objectives
  const evidence: Role = queue === undefined ? "badFraction" : "backlog"
  if (latency === undefined && queue === undefined) return false
  return (["demand", "served", "utilization", evidence] as const).every((role) => hasRole(policy, role))
}

const startupOf = ({ policy }: Input): number => policy.objectives.startupSeconds ?? STARTUP_SECONDS

/** Everything that is learned from one tick, before anything is decided. */
const learn = (input: Input, seen: Seen): AutoMemory => {
  const { memory, observation, policy } = input
  const { at, state } = observation
  const seconds = memory.at === undefined ? policy.intervalMillis / 1000 : Math.max(0.001, (at - memory.at) / 1000)
  const ready = state.readyReplicas
  const settled = memory.at !== undefined && memory.ready === ready && !input.resumed
  const { backlog, badFraction, served, utilization } = seen
  let { budget, capacity } = memory
  const value = seen.demand
  if (settled && served !== undefined && utilization !== undefined) {
    capacity = learnPerPod(capacity, { served, utilization, ready, backlog })
  }
  if (value === undefined) return memory
  const { perPod } = capacity
  const demand = follow(memory.demand, { at, value, seconds, grain: Math.max(perPod, 1e-6) * 0.05 })
  if (badFraction !== undefined && perPod > 0 && ready > 0) {
    const requests = value * seconds
    const steady = settled && backlog < value * 0.05 + 1
    capacity = learnSteepness(capacity, { load: value / (perPod * ready), badFraction, requests, steady })
    const allowed = Math.max(1e-4, 1 - (policy.objectives.latency?.goodFraction ?? 1 - USUAL_ALLOWED))
    budget = spend(budget, badFraction * requests, requests, allowed, seconds)
  }
  const busyAt = value > 0 || backlog > 0 ? at : memory.busyAt
  return { ...memory, at, ready, busyAt, budget, capacity, demand }
}

interface Need {
  readonly replicas: number
  readonly memory: AutoMemory
  readonly why: string
}

const shown = (value: number): string => String(Number(value.toPrecision(3)))

const needToAnswer = (input: Input, { backlog }: Seen, memory: AutoMemory): Need => {
  const { at } = input.observation
  const { bounds, objectives } = input.policy
  const { budget, capacity, demand } = memory
  const { perPod, steepness } = capacity
  const aheadSeconds = startupOf(input) * LATE_FACTOR + NOTICE_SECONDS
  const expected = forecast(demand, aheadSeconds)
  const allowed = Math.max(1e-4, 1 - (objectives.latency?.goodFraction ?? 1 - USUAL_ALLOWED))
  const price = budget.price * BUSY_SHARE * (USUAL_ALLOWED / allowed)
  const headroom = 1 - (input.options.headroomPercent ?? 0) / 100
  const work = { demand: expected / headroom, errors: demand.errors, perPod, steepness, price }
  const waiting = backlog > demand.level * BACKLOG_SHARE ? backlog / BACKLOG_SECONDS / perPod : 0
  const replicas = Math.ceil(worthwhile(work, bounds.max) + waiting - ROUND_UP_FROM)
  const forecasted = { at: at + Math.round(aheadSeconds * 1000), value: expected }
  const why = `${shown(expected)} of demand in ${Math.round(aheadSeconds)} s, of which a pod serves ${shown(perPod)}`
  return { replicas, memory: { ...memory, demand: expect(demand, forecasted, aheadSeconds) }, why }
}

const needToDrain = (input: Input, { backlog }: Seen, memory: AutoMemory, drainSeconds: number): Need => {
  const { at } = input.observation
  const { demand } = memory
  const { perPod } = memory.capacity
  const startupSeconds = startupOf(input)
  const arrivals = demand.level
  const idle = backlog === 0 && at - memory.busyAt > startupSeconds * 1000
  const replicas = idle ? 0 : podsToDrain({ backlog, arrivals, perPod, drainSeconds, startupSeconds })
  const why = `a backlog of ${shown(backlog)} and ${shown(arrivals)} arrivals, of which a pod serves ${shown(perPod)}`
  return { replicas, memory, why }
}

/** From what is needed to what to have: up at once, down by the peaks, and beyond the need while pods are awaited. */
const settleOn = (input: Input, { memory, replicas }: Need, isQueue: boolean): Need["memory"] & { target: number } => {
  const { at, state } = input.observation
  const current = state.specReplicas
  const need = Math.min(replicas, REPLICAS_MAX)
  const holdMillis = startupOf(input) * 1000
  const first = input.memory.at === undefined || input.resumed
  const before = first ? addPeak(memory.peaks, { at, replicas: current }, holdMillis * HOLD_ANY) : memory.peaks
  const peaks = addPeak(before, { at, replicas: need }, holdMillis * HOLD_ANY)
  const recent = peakSince(peaks, at - holdMillis * HOLD_LARGE, need)
  const held = recent < current * (1 - LARGE) ? recent : peakSince(peaks, at - holdMillis * HOLD_ANY, need)
  const next = { ...memory, peaks }
  const load = memory.capacity.perPod > 0 ? memory.demand.level / memory.capacity.perPod : 0
  const ready = state.readyReplicas
  if (!isQueue && ready < load * 1.02 && need > ready * HEDGE_FROM) {
    const ordered = Math.min(Math.ceil(need * HEDGE), REPLICAS_MAX)
    return { ...next, hedging: true, target: ordered > current * (1 + DEAD_BAND) ? ordered : current }
  }
  if (memory.hedging) {
    const enough = ready >= Math.min(held, load * 1.1) || ready >= current
    const target = enough ? Math.min(current, Math.max(held, ready)) : current
    return { ...next, hedging: !enough, target }
  }
  if (need > current) return { ...next, target: need > current * (1 + DEAD_BAND) ? need : current }
  const worth = current - held >= Math.max(1, current * DEAD_BAND)
  return { ...next, target: worth ? held : current }
}

const initial: AutoMemory = {
  version: 1,
  ready: 0,
  hedging: false,
  busyAt: 0,
  capacity: UNKNOWN_CAPACITY,
  demand: UNKNOWN_DEMAND,
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
    if ("engine" in seen) return { proposals: [seen], memory: input.memory }
    const learned = learn(input, seen)
    const current = input.observation.state.specReplicas
    const says = (replicas: number, reason: string): Proposal => ({ engine: name, replicas, raiseOnly: false, reason })
    if (learned.capacity.perPod <= 0) {
      const starts = current === 0 && (seen.backlog > 0 || (seen.demand ?? 0) > 0)
      const reason = starts ? "there is work and no pod" : "it is not known yet what a pod serves"
      return { proposals: [says(starts ? 1 : current, reason)], memory: learned }
    }
    const drainSeconds = input.policy.objectives.queue?.drainSeconds
    const need =
      drainSeconds === undefined ? needToAnswer(input, seen, learned) : needToDrain(input, seen, learned, drainSeconds)
    const { target, ...memory } = settleOn(input, need, drainSeconds !== undefined)
    const verb = target < current ? "needs only" : target > current ? "wants" : "keeps"
    return { proposals: [says(target, `${need.why}: ${verb} ${target}`)], memory }
  }
}
