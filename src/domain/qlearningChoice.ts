/**
 * What the Q-learning agent would do: epsilon-greedy over actions that keep to the bounds, and the greedy answer cut
 * to what it may ask for at all, within a share of the baseline and never below the objectives' guard. Chance is
 * the observation's seed, so the same tick chooses the same.
 */
import type { Observation } from "#schemas/Observation"
import type { Policy, QLearning } from "#schemas/Policy"
import { replaceRange } from "./arbitrate.ts"
import { objectiveFloor } from "./objectives.ts"
import { actionsWithin, best, rowOf, type Table } from "./qlearningTable.ts"

/** Where a policy names the engine and no rates. */
export const USUAL_RATES: QLearning = {
  learningRate: 0.1,
  discountFactor: 0.95,
  epsilonStart: 1,
  epsilonEnd: 0.01,
  epsilonDecay: 0.995,
  exploration: "Shadow"
}

/** Share of explored actions after so many transitions. */
export const epsilonAfter = (transitions: number, { epsilonDecay, epsilonEnd, epsilonStart }: QLearning): number =>
  Math.max(epsilonEnd, Math.min(epsilonStart, epsilonStart * epsilonDecay ** transitions))

/** Numbers in 0..1 out of a seed, as many as are asked for; small neighbouring seeds give unlike numbers. */
export const drawsOf = (seed: number): (() => number) => {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let word = Math.imul(state ^ (state >>> 15), state | 1)
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61)
    return ((word ^ (word >>> 14)) >>> 0) / 4_294_967_296
  }
}

export interface Choice {
  readonly replicas: number
  /** True: by what was learned. False: to find out, or because nothing is known of this state. */
  readonly greedy: boolean
}

export interface ChoiceInput {
  readonly policy: Policy
  readonly observation: Observation
  readonly table: Table
  readonly state: string
  /** What the other engines ask for. */
  readonly baseline: number
  /** An objective is broken now. */
  readonly broken: boolean
  readonly epsilon: number
  readonly draw: () => number
}

/** Within what may stand for the baseline; not below it while an objective is broken, nor below what objectives allow. */
const permitted = (wanted: number, { baseline, broken, observation, policy }: ChoiceInput): number => {
  const current = observation.state.specReplicas
  const { least, most } = replaceRange(baseline)
  const within = Math.min(Math.max(wanted, broken ? baseline : least), most)
  if (within >= current) return within
  const floor = objectiveFloor(policy, observation)?.replicas ?? 0
  return Math.min(most, Math.max(within, floor))
}

export const choose = (input: ChoiceInput): Choice => {
  const { baseline, draw, epsilon, observation, policy, state, table } = input
  const current = observation.state.specReplicas
  const actions = actionsWithin(current, policy.bounds)
  if (draw() < epsilon) {
    const action = actions[Math.floor(draw() * actions.length)] ?? 0
    return { replicas: permitted(current + action, input), greedy: false }
  }
  const known = best(rowOf(table, state), (action) => actions.includes(action))
  if (known === undefined) return { replicas: baseline, greedy: false }
  return { replicas: permitted(current + known.action, input), greedy: true }
}
