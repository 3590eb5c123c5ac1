/**
 * The last step of a tick, for policies that learn: the reward of what was executed, told as a span, a log line and
 * metrics. The agent's four steps carry its names where they happen: StateObserver in observe, Decision in decide,
 * ActionExecutor in act, RewardCalculator here.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Memory } from "#schemas/Memory"
import type { Policy, PolicyRef } from "#schemas/Policy"
import { type Millis, Millis as MillisSchema } from "#schemas/Reading"
import { rewardOfEstimate } from "#domain/qlearningModel"
import { Metrics } from "#services/Metrics"
import { annotated, traced } from "#services/traced"
import { nameOf, type TargetFacts } from "#operator/Facts"

const ENGINE = "qlearning"

const Estimate = Schema.Struct({ harm: Schema.Finite, cost: Schema.Finite })

/** What others need of the engine's memory; the engine alone reads the rest. */
const Learned = Schema.Struct({
  transitions: Schema.Int,
  epsilon: Schema.optionalKey(Schema.Finite),
  reward: Schema.optionalKey(Schema.Finite),
  table: Schema.optionalKey(Schema.Unknown),
  gate: Schema.Struct({ steering: Schema.Boolean, valued: Schema.Int, chosen: Estimate, done: Estimate }),
  demotedAt: Schema.optionalKey(MillisSchema)
})
export type Learned = typeof Learned.Type

const decode = Schema.decodeUnknownOption(Learned)

/** Undefined: the policy does not learn, or has not begun to. */
export const learnedOf = ({ engines }: Pick<Memory, "engines">): Learned | undefined =>
  engines[ENGINE] === undefined ? undefined : Option.getOrUndefined(decode(engines[ENGINE]))

export const learns = ({ engines }: Policy): boolean => engines.some(({ engine }) => engine === ENGINE)

export type AgentStep = "StateObserver" | "Decision" | "ActionExecutor" | "RewardCalculator"

/** The name of the agent's step on every span and log line of it, one at least; where nothing is learned, it has none. */
export const asStep =
  (policy: Policy, step: AgentStep) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    learns(policy)
      ? effect.pipe(
          Effect.tap(Effect.logDebug(`${step} is done.`)),
          Effect.annotateLogs({ step }),
          Effect.annotateSpans({ step })
        )
      : effect

const statesOf = ({ table }: Learned): number =>
  typeof table === "object" && table !== null ? Object.keys(table).length : 0

export interface Rewarded {
  readonly at: Millis
  readonly reward: number
}

/** Of one target, after its decision: undefined where the tick was no transition. */
export const learn = traced("learn")(function* (ref: PolicyRef, { memory, record, target }: TargetFacts) {
  const learned = learnedOf(memory)
  if (learned === undefined || record === undefined) return undefined
  const before = learnedOf(record.memory)
  const { epsilon = 1, gate, reward, transitions } = learned
  const isValued = gate.valued > 0
  const stats = {
    epsilon,
    reward,
    states: statesOf(learned),
    transitions,
    shadowReward: isValued ? rewardOfEstimate(gate.chosen) : undefined,
    baselineReward: isValued ? rewardOfEstimate(gate.done) : undefined,
    steering: gate.steering ? 1 : 0
  }
  yield* (yield* Metrics).learning(ref, stats)
  yield* annotated(() => ({ target: nameOf(target), ...stats }))
  if (reward === undefined || transitions === (before?.transitions ?? 0)) return undefined
  yield* Effect.logDebug(`${nameOf(target)}: reward ${Math.round(reward * 1000) / 1000}`, stats)
  const rewarded: Rewarded = { at: record.observation.at, reward }
  return rewarded
})

/** A say that was lost with this very decision. */
export const demotionOf = ({ memory, record }: TargetFacts): boolean => {
  const at = learnedOf(memory)?.demotedAt
  return at !== undefined && at === record?.observation.at
}
