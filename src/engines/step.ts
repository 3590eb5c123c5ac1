/**
 * Thresholds that vote. Any vote for more wins; fewer needs every rule to agree, without a pause, for a time. The
 * thresholds are strict or not as they were written; what a vote is worth is one replica, or a jump.
 */
import * as Schema from "effect/Schema"
import type { Engine, EngineInput } from "#domain/Engine"
import { thousandths } from "#domain/quantity"
import { REPLICAS_MAX } from "#domain/rounding"
import type { Proposal } from "#schemas/Decision"
import { Millis, type Reading } from "#schemas/Reading"

/** Not a whole number of them: a share of failed requests may well be held below a thousandth. */
const milli = (description: string) =>
  Schema.Finite.annotate({ description: `${description}, in thousandths.` }).check(
    Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
  )

const perReplica = Schema.Struct({
  perReplicaMilli: Schema.Int.annotate({
    description: "What one replica is meant to carry, in thousandths: jumps to ceil(value / perReplica)."
  }).check(Schema.isBetween({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }))
}).annotate({ description: "Jumps to the replicas that the value needs." })

const Rule = Schema.Struct({
  signal: Schema.String.annotate({ description: "Name of the signal that this rule looks at." }).check(
    Schema.isMinLength(1),
    Schema.isMaxLength(63)
  ),
  up: Schema.optionalKey(
    Schema.Struct({
      op: Schema.Literals(["gt", "gte"]).annotate({ description: "Above the threshold, or at it or above." }),
      thresholdMilli: milli("The threshold")
    }).annotate({ description: "When this rule votes for more replicas." })
  ),
  down: Schema.optionalKey(
    Schema.Struct({
      op: Schema.Literals(["lt", "lte"]).annotate({ description: "Below the threshold, or at it or below." }),
      thresholdMilli: milli("The threshold")
    }).annotate({ description: "When this rule votes for fewer replicas." })
  ),
  downBelowMilli: Schema.optionalKey(milli("Below this the rule agrees to fewer replicas"))
}).annotate({ description: "One signal and its thresholds." })
type Rule = typeof Rule.Type

export const StepOptions = Schema.Struct({
  rules: Schema.Array(Rule)
    .annotate({ description: "The rules that vote." })
    .check(Schema.isMinLength(1), Schema.isMaxLength(32)),
  up: Schema.Union([Schema.Literals(["one", "ratio"]), perReplica]).annotate({
    description: "How far up: one replica, ratio for ceil(replicas x value / threshold), or by what a replica carries."
  }),
  down: Schema.Union([Schema.Literal("one"), perReplica]).annotate({
    description: "How far down: one replica, or to what a replica carries."
  }),
  downAfterSeconds: Schema.Int.annotate({
    description: "Seconds for which every rule must agree, without a pause, before anything goes down."
  }).check(Schema.isBetween({ minimum: 0, maximum: 86_400 }))
}).annotate({ description: "Scales by thresholds that vote." })
export type StepOptions = typeof StepOptions.Type

export const StepMemory = Schema.Struct({
  /** Since when every rule has agreed to fewer replicas. */
  calmSince: Schema.optionalKey(Millis)
})
export type StepMemory = typeof StepMemory.Type

const name = "step"

interface Vote {
  readonly rule: Rule
  /** Absent: the signal has no value. */
  readonly milli?: number
  readonly vote: "up" | "calm" | "stay" | "silent"
  readonly reason: string
}

const text = (milli: number): string =>
  String(milli < 100 ? Number((milli / 1000).toPrecision(3)) : Math.round(milli) / 1000)

/** Why a value votes for nothing. */
const standing = ({ down, downBelowMilli, up }: Rule): string => {
  if (up !== undefined && (down ?? downBelowMilli) !== undefined) return "is between its thresholds"
  if (up !== undefined) return `is not ${up.op === "gt" ? "above" : "at or above"} ${text(up.thresholdMilli)}`
  const least = down?.thresholdMilli ?? downBelowMilli
  return least === undefined
    ? "has no threshold"
    : `is not ${down?.op === "lte" ? "at or below" : "below"} ${text(least)}`
}

const voteOf = (rule: Rule, reading: Reading | undefined): Vote => {
  if (reading?._tag !== "Measured") {
    const detail = reading === undefined ? "the policy has no such signal" : reading.detail
    const state = reading?._tag === "Stale" ? "stale" : "missing"
    return { rule, vote: "silent", reason: `${rule.signal} is ${state}: ${detail}` }
  }
  const milli = thousandths(reading.value)
  const says = (vote: Vote["vote"], reason: string): Vote => ({ rule, milli, vote, reason: `${rule.signal} ${reason}` })
  const { down, downBelowMilli, up } = rule
  const value = text(milli)
  if (up !== undefined && (up.op === "gt" ? milli > up.thresholdMilli : milli >= up.thresholdMilli)) {
    return says("up", `${value} is ${up.op === "gt" ? "above" : "at or above"} ${text(up.thresholdMilli)}`)
  }
  if (down !== undefined && (down.op === "lt" ? milli < down.thresholdMilli : milli <= down.thresholdMilli)) {
    return says("calm", `${value} is ${down.op === "lt" ? "below" : "at or below"} ${text(down.thresholdMilli)}`)
  }
  if (downBelowMilli !== undefined && milli < downBelowMilli) {
    return says("calm", `${value} is below ${text(downBelowMilli)}`)
  }
  return says("stay", `${value} ${standing(rule)}`)
}

/** A vote for more is worth at least one replica by one and ratio; a jump never lands below what there is. */
const sizeUp = ({ milli = 0, rule }: Vote, current: number, up: StepOptions["up"]): number => {
  if (up === "one") return current + 1
  if (up !== "ratio") return Math.max(current, Math.ceil(milli / up.perReplicaMilli))
  // Anything is infinitely far above zero; a threshold of zero counts as a thousandth.
  const threshold = rule.up?.thresholdMilli || 1
  // In this order whole numbers stay exact: 100 x 1.1 would be more than 110.
  return Math.max(current + 1, Math.ceil((current * milli) / threshold))
}

const sizeDown = ({ milli = 0 }: Vote, current: number, down: StepOptions["down"]): number =>
  down === "one" ? current - 1 : Math.min(current, Math.ceil(milli / down.perReplicaMilli))

const bounded = (replicas: number): number => Math.max(0, Math.min(replicas, REPLICAS_MAX))

const propose = ({ memory, observation, options, resumed, signals }: EngineInput<StepOptions, StepMemory>) => {
  const current = observation.state.specReplicas
  const votes = options.rules.map((rule) =>
    voteOf(rule, signals.find(({ signal }) => signal.name === rule.signal)?.reading)
  )
  const calm = votes.every(({ vote }) => vote === "calm")
  const { at } = observation
  // Not later than now, should a clock have been set back.
  const calmSince = calm ? Math.min((resumed ? undefined : memory.calmSince) ?? at, at) : undefined
  const calmMillis = calmSince === undefined ? 0 : at - calmSince
  const mayLower = calm && calmMillis >= options.downAfterSeconds * 1000
  const proposalOf = (vote: Vote): Proposal => {
    const { reason, rule } = vote
    const says = (replicas: number, why: string): Proposal => ({
      engine: name,
      signal: rule.signal,
      replicas: bounded(replicas),
      raiseOnly: false,
      reason: why
    })
    if (vote.vote === "silent") return { engine: name, signal: rule.signal, raiseOnly: false, reason }
    if (vote.vote === "up") {
      const replicas = bounded(sizeUp(vote, current, options.up))
      return says(replicas, `${reason} and wants ${replicas}`)
    }
    if (mayLower) {
      const replicas = sizeDown(vote, current, options.down)
      return says(replicas, `${reason} for ${options.downAfterSeconds} s and wants ${Math.max(0, replicas)}`)
    }
    const waits = calm ? `, for ${Math.floor(calmMillis / 1000)} of ${options.downAfterSeconds} s so far,` : ""
    return says(current, `${reason}${waits} and keeps ${current}`)
  }
  return {
    proposals: votes.map(proposalOf),
    memory: calmSince === memory.calmSince ? memory : calmSince === undefined ? {} : { calmSince }
  }
}

export const step: Engine<StepOptions, StepMemory> = {
  name,
  description: "Scales by thresholds that vote.",
  options: StepOptions,
  memory: StepMemory,
  initial: {},
  example: {
    rules: [
      {
        signal: "backlog",
        up: { op: "gt", thresholdMilli: 100_000 },
        down: { op: "lt", thresholdMilli: 10_000 }
      }
    ],
    up: "one",
    down: "one",
    downAfterSeconds: 120
  },
  built: true,
  propose
}
