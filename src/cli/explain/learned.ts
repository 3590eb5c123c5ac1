/** What the newest of some records says that a policy has learned. */
import * as Result from "effect/Result"
import { learnedPatch } from "#judge/learnedPatch"
import type { DecisionRecord } from "#schemas/Decision"

/** As a patch of the policy. */
export const learnedBy = (records: ReadonlyArray<DecisionRecord>): Result.Result<string, string> => {
  const newest = records.toSorted((left, right) => left.observation.at - right.observation.at).at(-1)
  return learnedPatch(newest?.memory.engines ?? {})
}
