/**
 * Forecasts demand for when a pod that is ordered now serves, by several models at once, and asks for what the best of
 * them foresees, with a band of its own past errors. A model that is no better than none has no say. It only raises.
 */
import * as Schema from "effect/Schema"
import { follow, forecast, UNKNOWN_DEMAND } from "#domain/demand"
import type { Engine, EngineInput } from "#domain/Engine"
import { judge, keep, NO_FORESIGHT } from "#domain/foresight"
import { learnSeason, type Season, unknownSeason, usualAt } from "#domain/season"
import { propose } from "#domain/usage"
import type { Proposal } from "#schemas/Decision"
import { Amount, Demand } from "#schemas/Demand"
import type { Signal } from "#schemas/Policy"
import { type Measured, Millis } from "#schemas/Reading"

const PredictiveOptions = Schema.Struct({
  signal: Schema.optionalKey(
    Schema.String.annotate({
      description:
        "Name of the signal to forecast. Absent: the first with a target, one with the role demand before others."
    }).check(Schema.isMinLength(1), Schema.isMaxLength(63))
  ),
  model: Schema.optionalKey(
    Schema.Literals(["Seasonal", "HoltWinters"]).annotate({
      description:
        "How to forecast: what is usual at that time of the season, or the level of now with its growth and the season's course. Absent: HoltWinters."
    })
  ),
  seasonSeconds: Schema.optionalKey(
    Schema.Int.annotate({
      description: "Length of a season in seconds. Absent: a day and a week are both tried."
    }).check(Schema.isBetween({ minimum: 60, maximum: 604_800 }))
  ),
  horizonSeconds: Schema.optionalKey(
    Schema.Int.annotate({
      description: "How far ahead to look, in seconds. Absent: the startup time and one interval."
    }).check(Schema.isBetween({ minimum: 1, maximum: 86_400 }))
  ),
  percentile: Schema.optionalKey(
    Schema.Int.annotate({ description: "Which percentile of the forecast to be ready for. Absent: 90." }).check(
      Schema.isBetween({ minimum: 50, maximum: 99 })
    )
  ),
  maxErrorPercent: Schema.optionalKey(
    Schema.Int.annotate({
      description: "Above this error, weighted against forecasting too little, the forecast is not used. Absent: 30."
    }).check(Schema.isBetween({ minimum: 1, maximum: 100 }))
  )
}).annotate({
  description:
    "Forecasts demand one startup time ahead and can only raise. Needs a signal with a target. A forecast that was no better than taking demand to stay as it is, is not used."
})
type PredictiveOptions = typeof PredictiveOptions.Type

const PredictiveMemory = Schema.Struct({
  version: Schema.Literal(1),
  /** The last measurement; absent before the first. */
  at: Schema.optionalKey(Millis),
  demand: Demand,
  seasons: Schema.Array(
    Schema.Struct({
      usual: Schema.Array(Schema.Finite),
      part: Schema.Int,
      sum: Schema.Finite,
      count: Schema.Int
    })
  ),
  /** That demand stays as it is, that it goes on growing, and each season. */
  models: Schema.Array(
    Schema.Struct({ loss: Schema.Finite, judged: Schema.Int, band: Schema.Finite, pending: Schema.Array(Amount) })
  )
})
type PredictiveMemory = typeof PredictiveMemory.Type

type Input = EngineInput<PredictiveOptions, PredictiveMemory>

const name = "predictive"
const DAY_SECONDS = 86_400
const WEEK_SECONDS = 604_800
/** Until a policy says. */
const STARTUP_SECONDS = 30
const PERCENTILE = 90
const MAX_ERROR_PERCENT = 30
/** Before that many forecasts have been judged, nothing is known of a model. */
const JUDGED_MIN = 30
/** What a model has to be better by than none, so that luck does not make it one. */
const BETTER = 0.95
/** A season's course is believed as far as this, either way. */
const COURSE_MAX = 4
const VALUE_MAX = 1e15

const signalOf = ({ options, signals }: Input) => {
  const able = signals.filter(({ signal }) => signal.target !== undefined)
  return options.signal === undefined
    ? (able.find(({ signal }) => signal.role === "demand") ?? able[0])
    : able.find(({ signal }) => signal.name === options.signal)
}

/** All there is to do: what each pod does, times the pods, unless the signal says it of all pods. */
const totalOf = ({ source, target }: Signal, { value }: Measured, ready: number): number =>
  Math.min(VALUE_MAX, Math.max(0, value)) * (target?.type === "AverageValue" && source !== "resource" ? 1 : ready)

const seasonsOf = ({ seasonSeconds }: PredictiveOptions): ReadonlyArray<number> =>
  seasonSeconds === undefined ? [DAY_SECONDS, WEEK_SECONDS] : [seasonSeconds]

const horizonOf = ({ options, policy }: Input): number =>
  options.horizonSeconds ?? (policy.objectives.startupSeconds ?? STARTUP_SECONDS) + policy.intervalMillis / 1000

/** By the season's course from now on, or as it usually is; undefined until a whole season is known there. */
const bySeason = (input: Input, season: Season, seasonSeconds: number, now: number): number | undefined => {
  const { at } = input.observation
  const then = usualAt(season, at + horizonOf(input) * 1000, seasonSeconds)
  if (input.options.model === "Seasonal" || then === undefined) return then
  const usual = usualAt(season, at, seasonSeconds)
  return usual === undefined || usual <= 0
    ? undefined
    : now * Math.min(COURSE_MAX, Math.max(1 / COURSE_MAX, then / usual))
}

const learn = (
  input: Input,
  total: number
): { memory: PredictiveMemory; foreseen: ReadonlyArray<number | undefined> } => {
  const { observation, options, policy } = input
  const { at } = observation
  const lengths = seasonsOf(options)
  const isKnown = input.memory.seasons.length === lengths.length
  const known = isKnown
    ? input.memory
    : { ...initial, seasons: lengths.map((length) => unknownSeason(length, policy.intervalMillis / 1000)) }
  const seconds = known.at === undefined ? policy.intervalMillis / 1000 : Math.max(0.001, (at - known.at) / 1000)
  const demand = follow(known.demand, { at, value: total, seconds, grain: 1e-9 })
  const ahead = horizonOf(input)
  const often = (options.percentile ?? PERCENTILE) / 100
  const growth = options.model === "Seasonal" ? undefined : forecast(demand, ahead)
  const foreseen = [
    demand.level,
    growth,
    ...known.seasons.map((season, index) => bySeason(input, season, lengths[index] ?? DAY_SECONDS, growth ?? total))
  ]
  const models = foreseen.map((value, index) => {
    const judged = judge(known.models[index] ?? NO_FORESIGHT, at, demand.level, often)
    return value === undefined ? judged : keep(judged, { at: at + Math.round(ahead * 1000), value }, ahead)
  })
  const seasons = known.seasons.map((season, index) => learnSeason(season, at, total, lengths[index] ?? DAY_SECONDS))
  return { memory: { ...known, at, demand, models, seasons }, foreseen }
}

interface Said {
  readonly value?: number
  readonly reason: string
}

const percent = (share: number): string => `${Math.round(share * 100)} %`

/** The best forecast with its band; or why none is used. */
const best = ({ options }: Input, { models }: PredictiveMemory, foreseen: ReadonlyArray<number | undefined>): Said => {
  const called = ["", "its growth", ...(options.seasonSeconds === undefined ? ["the day", "the week"] : ["the season"])]
  const none = models[0]?.loss ?? 0
  let [chosen, least] = [-1, Infinity]
  models.forEach(({ judged, loss }, index) => {
    if (index === 0 || judged < JUDGED_MIN || foreseen[index] === undefined || loss >= least) return
    ;[chosen, least] = [index, loss]
  })
  const [model, value] = [models[chosen], foreseen[chosen]]
  if (model === undefined || value === undefined) return { reason: "its forecasts have not been judged yet" }
  const wrong = `the forecast by ${called[chosen]} was wrong by ${percent(least)}`
  const most = options.maxErrorPercent ?? MAX_ERROR_PERCENT
  if (least * 100 > most) return { reason: `${wrong}, and ${most} % is the most: not used` }
  if (least >= none * BETTER) return { reason: `${wrong}, no better than none (${percent(none)}): not used` }
  return { value: value * Math.exp(model.band), reason: wrong }
}

const initial: PredictiveMemory = { version: 1, demand: UNKNOWN_DEMAND, seasons: [], models: [] }

export const predictive: Engine<PredictiveOptions, PredictiveMemory> = {
  name,
  description: "Forecasts demand one startup time ahead; can only raise.",
  options: PredictiveOptions,
  memory: PredictiveMemory,
  initial,
  example: { model: "Seasonal", seasonSeconds: 86_400 },
  built: true,
  suits: (policy) => policy.signals.some(({ target }) => target !== undefined),
  propose: (input) => {
    const silent = (reason: string): Proposal => ({ engine: name, raiseOnly: true, reason })
    const found = signalOf(input)
    if (found === undefined)
      return { proposals: [silent("no signal with a target is there to forecast")], memory: input.memory }
    const { reading, signal } = found
    if (reading._tag !== "Measured") {
      return { proposals: [silent(`${signal.name} is not measured: ${reading.detail}`)], memory: input.memory }
    }
    const total = totalOf(signal, reading, input.observation.state.readyReplicas)
    const { foreseen, memory } = learn(input, total)
    const { reason, value } = best(input, memory, foreseen)
    if (value === undefined || !(total > 0)) return { proposals: [silent(`${signal.name}: ${reason}`)], memory }
    const { pods: _, ...mean } = reading
    const then = { ...mean, value: Math.min(VALUE_MAX, (reading.value * value) / total) }
    const answer = propose(signal, then, input.observation, input.policy.limits)
    if (answer._tag === "Unknown") return { proposals: [silent(answer.detail)], memory }
    const said = `in ${Math.round(horizonOf(input))} s ${answer.reason}; ${reason}`
    return {
      proposals: [{ engine: name, signal: signal.name, replicas: answer.replicas, raiseOnly: true, reason: said }],
      memory
    }
  }
}
