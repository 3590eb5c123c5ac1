/** Which records are told: those of one policy, by target, and of each target the last ones or the one of a moment. */
import type { DecisionRecord } from "#schemas/Decision"
import type { Target } from "#schemas/Policy"
import type { Millis } from "#schemas/Reading"

export interface Asked {
  /** Undefined: any. */
  readonly namespace: string | undefined
  readonly kind: string
  readonly name: string
}

export type Moment =
  | { readonly _tag: "Last"; readonly count: number }
  /** The decision that held then. */
  | { readonly _tag: "At"; readonly at: Millis }

/** One target's decisions, oldest first. */
export interface Chapter {
  readonly target: Target
  readonly told: ReadonlyArray<DecisionRecord>
  /** All that are held, so that what came of the last one told can be told. */
  readonly held: ReadonlyArray<DecisionRecord>
}

export const isOf = ({ kind, name, namespace }: Asked, { policy }: DecisionRecord): boolean =>
  policy.kind === kind && policy.name === name && (namespace === undefined || policy.namespace === namespace)

const keyOf = ({ kind, name, namespace }: Target): string => `${kind}/${namespace}/${name}`

const byTime = (left: DecisionRecord, right: DecisionRecord): number =>
  left.observation.at - right.observation.at || left.finishedAt - right.finishedAt

const choose = (held: ReadonlyArray<DecisionRecord>, moment: Moment): ReadonlyArray<DecisionRecord> => {
  if (moment._tag === "Last") return held.slice(-moment.count)
  const found = held.findLast(({ observation }) => observation.at <= moment.at)
  return found === undefined ? [] : [found]
}

/** Without targets of which nothing is told. */
export const chapters = (records: ReadonlyArray<DecisionRecord>, moment: Moment): ReadonlyArray<Chapter> =>
  [...Map.groupBy(records, ({ observation }) => keyOf(observation.target)).values()].flatMap((own) => {
    const held = own.toSorted(byTime)
    const told = choose(held, moment)
    const [first] = told
    return first === undefined ? [] : [{ target: first.observation.target, told, held }]
  })
