/** A recorded decision made once more from what it was made of. Pure decisions make that possible, and this shows it. */
import type { DecisionRecord } from "#schemas/Decision"
import type { Policy } from "#schemas/Policy"
import { decide } from "./decide.ts"
import type { BoundEngine } from "./Engine.ts"

export interface Difference {
  /** Where in the decision, e.g. "steps[0].after". */
  readonly path: string
  readonly recorded: unknown
  readonly replayed: unknown
}

export type Replayed =
  | { readonly _tag: "Same" }
  | { readonly _tag: "Different"; readonly first: Difference }
  | { readonly _tag: "NotReplayable"; readonly why: string }

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

/** A field that is absent and one that is undefined are the same: JSON knows no difference. */
export const firstDifference = (recorded: unknown, replayed: unknown, path = ""): Difference | undefined => {
  if (Object.is(recorded, replayed) || recorded === replayed) return undefined
  if (!isObject(recorded) || !isObject(replayed) || Array.isArray(recorded) !== Array.isArray(replayed)) {
    return { path, recorded, replayed }
  }
  for (const key of new Set([...Object.keys(recorded), ...Object.keys(replayed)])) {
    const inner = Array.isArray(recorded) ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`
    const found = firstDifference(recorded[key], replayed[key], inner)
    if (found !== undefined) return found
  }
  return undefined
}

export const replay = (
  policy: Policy,
  engines: ReadonlyArray<BoundEngine>,
  { decision, memory, observation, outcome, policy: ref }: DecisionRecord
): Replayed => {
  if (outcome._tag === "Recovered") {
    return { _tag: "NotReplayable", why: "it was found after a crash and not decided by this operator" }
  }
  if (policy.ref.uid !== ref.uid || policy.ref.generation !== ref.generation) {
    const why = `it was decided by generation ${ref.generation} of the policy, and only generation ${policy.ref.generation} is held`
    return { _tag: "NotReplayable", why }
  }
  const first = firstDifference(decision, decide({ policy, engines, observation, memory }).decision)
  return first === undefined ? { _tag: "Same" } : { _tag: "Different", first }
}
