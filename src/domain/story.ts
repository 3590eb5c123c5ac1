/**
 * A decision as a person on call reads it: what was seen, proposed, limited, written, and what came of it. In sentences
 * without a layout, so that the terminal and the page tell the same.
 */
import type { DecisionRecord, Proposal, Step } from "#schemas/Decision"
import type { Observation, SignalReading } from "#schemas/Observation"
import type { Millis } from "#schemas/Reading"
import type { Replayed } from "./replay.ts"

export interface Story {
  readonly id: string
  readonly at: Millis
  /** What the decision came to. */
  readonly upshot: string
  readonly seen: ReadonlyArray<string>
  readonly proposed: ReadonlyArray<string>
  readonly limited: ReadonlyArray<string>
  readonly decided: string
  readonly written: string
  /** Absent: there is no later decision yet. */
  readonly then?: string
  readonly traceId?: string
  /** Absent: it was not made again. */
  readonly replayed?: string
}

const number = (value: number): string => String(Math.round(value * 1000) / 1000)

const pods = (count: number): string => `${count} ${count === 1 ? "replica" : "replicas"}`

const seconds = (millis: number): string => `${number(millis / 1000)} s`

const readingText = ({ reading, signal }: SignalReading): string => {
  switch (reading._tag) {
    case "Measured":
      return `${signal} ${number(reading.value)}${reading.coverage < 1 ? ` (of ${number(reading.coverage * 100)} % of the pods)` : ""}`
    case "Stale":
      return `${signal} was ${number(reading.value)} ${seconds(reading.ageMillis)} ago, too old to lower anything: ${reading.detail}`
    case "Missing":
      return `${signal} is missing (${reading.why}): ${reading.detail}`
  }
}

const seen = ({ at, readings, state }: Observation): ReadonlyArray<string> => [
  `${pods(state.specReplicas)}, ${state.readyReplicas} ready${state.statusReplicas === state.specReplicas ? "" : `, ${state.statusReplicas} there`}`,
  ...readings.map(readingText),
  ...(state.rollingOut ? ["a rollout is under way"] : []),
  ...(state.disruptionFloor === undefined ? [] : [`a PodDisruptionBudget wants ${state.disruptionFloor} available`]),
  ...(state.failingPodsSince === undefined
    ? []
    : [`new pods have not come up for ${seconds(at - state.failingPodsSince)}`]),
  ...(state.conflict === undefined ? [] : [state.conflict.message])
]

const proposalText = ({ engine, raiseOnly, reason, replicas, standing }: Proposal): string => {
  const power = [
    ...(raiseOnly ? ["may only raise"] : []),
    ...(standing === "Replaces" ? ["stands for the others, within 20 %"] : []),
    ...(standing === "Advises" ? ["may only add a little"] : []),
    ...(standing === "Tries" ? ["may only keep one pod, for a tick"] : [])
  ]
  const says = replicas === undefined ? "nothing" : String(replicas)
  return `${engine} says ${says}${power.length === 0 ? "" : ` (${power.join(", ")})`}: ${reason}`
}

/** The title of a decision: what it came to. */
const upshot = ({ decision, observation, outcome }: DecisionRecord): string => {
  const from = observation.state.specReplicas
  const to = decision.desired
  switch (outcome._tag) {
    case "Unchanged":
      return `stays at ${to}`
    case "Withheld":
      return from === to ? `stays at ${to}` : `${from} -> ${to}, not written`
    case "Scaled":
      return `${outcome.from} -> ${outcome.to}`
    case "Refused":
      return `${from} -> ${to}, refused`
    case "Unknown":
      return `${from} -> ${to}, unknown whether it was written`
    case "Recovered":
      return `${outcome.from} -> ${outcome.to}, found after a crash`
  }
}

const written = ({ outcome }: DecisionRecord): string => {
  switch (outcome._tag) {
    case "Unchanged":
      return "nothing, the target has that many already"
    case "Withheld":
      return `nothing (${outcome.why}): ${outcome.message}`
    case "Scaled":
      return `${outcome.to} replicas, instead of ${outcome.from} (resourceVersion ${outcome.resourceVersion})`
    case "Refused":
      return `nothing, the API server refused (${outcome.reason}): ${outcome.message}`
    case "Unknown":
      return `perhaps: ${outcome.message}`
    case "Recovered":
      return `${outcome.to} replicas, instead of ${outcome.from}, by ${outcome.by} before this operator led`
  }
}

const decided = ({ decision, observation }: DecisionRecord): string => {
  const { confidence, desired, engine, recommended } = decision
  const wanted =
    recommended === undefined
      ? "nobody could propose"
      : recommended === desired
        ? "as recommended"
        : `${recommended} was recommended`
  const share =
    observation.readings.length > 0 && confidence < 1 ? `, seeing ${number(confidence * 100)} % of what steers` : ""
  return `${desired} by ${engine}, ${wanted}${share}`
}

/** What the next tick found. */
const after = (record: DecisionRecord, next: DecisionRecord): string => {
  const { at, readings, state } = next.observation
  const wanted = record.outcome._tag === "Scaled" ? record.outcome.to : undefined
  const stranger =
    wanted !== undefined && state.specReplicas !== wanted ? `, which somebody else has set instead of ${wanted}` : ""
  const values = readings.map(readingText).join("; ")
  return `${seconds(at - record.observation.at)} later ${pods(state.specReplicas)}${stranger}, ${state.readyReplicas} ready${values === "" ? "" : `; ${values}`}`
}

export const replayText = (replayed: Replayed): string => {
  switch (replayed._tag) {
    case "Same":
      return "the same decision"
    case "Different": {
      const { path, recorded, replayed: now } = replayed.first
      return `DIFFERENT at ${path}: recorded ${JSON.stringify(recorded) ?? "nothing"}, now ${JSON.stringify(now) ?? "nothing"}`
    }
    case "NotReplayable":
      return `not possible: ${replayed.why}`
  }
}

const limitText = ({ after: to, before, limiter, reason }: Step): string =>
  before === to ? `${limiter} at ${to}: ${reason}` : `${limiter} ${before} -> ${to}: ${reason}`

/** `next`: the decision after it, of the same target. */
export const storyOf = (record: DecisionRecord, next?: DecisionRecord, replayed?: Replayed): Story => {
  const { decision, id, observation, traceId } = record
  const { proposals, steps } = decision
  return {
    id,
    at: observation.at,
    upshot: upshot(record),
    seen: seen(observation),
    proposed: proposals.length === 0 ? ["nothing"] : proposals.map(proposalText),
    limited: steps.length === 0 ? ["by nothing"] : steps.map(limitText),
    decided: decided(record),
    written: written(record),
    ...(next === undefined ? {} : { then: after(record, next) }),
    ...(traceId === undefined ? {} : { traceId }),
    ...(replayed === undefined ? {} : { replayed: replayText(replayed) })
  }
}

/** Nothing happened, for the same reasons as the tick before. */
export const isRepeat = (record: DecisionRecord, before: DecisionRecord | undefined): boolean => {
  const { _tag } = record.outcome
  return before !== undefined && (_tag === "Unchanged" || _tag === "Withheld") && meaning(record) === meaning(before)
}

const meaning = ({ decision, observation, outcome, policy }: DecisionRecord): string =>
  JSON.stringify([
    outcome._tag === "Withheld" ? outcome.why : outcome._tag,
    policy.generation,
    observation.state.specReplicas,
    decision.desired,
    decision.engine,
    decision.limitedBy,
    observation.readings.map(({ reading }) => reading._tag)
  ])
