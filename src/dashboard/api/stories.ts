/** The decisions of one target as stories, newest first; ticks that only repeat the one before them are counted. */
import * as Result from "effect/Result"
import { replay, type Replayed } from "#domain/replay"
import { isRepeat, storyOf } from "#domain/story"
import { bindEngine } from "#engines/index"
import type { DecisionRecord } from "#schemas/Decision"
import type { Policy } from "#schemas/Policy"
import type * as shapes from "./shapes.ts"

export interface Asked {
  readonly limit: number
  /** Only what was decided before this moment. */
  readonly before: number
  /** The decision that has this id is told alone, whether it repeats another or not. */
  readonly around: string | undefined
  readonly replays: boolean
}

const replayer = (deciders: ReadonlyArray<Policy>) => {
  const bound = deciders.map((policy) => ({ policy, engines: Result.all(policy.engines.map(bindEngine)) }))
  return (record: DecisionRecord): Replayed => {
    const own = bound.find(({ policy }) => policy.ref.generation === record.policy.generation) ?? bound[0]
    if (own === undefined) return { _tag: "NotReplayable", why: "the policy that decided it is not held" }
    return Result.isFailure(own.engines)
      ? { _tag: "NotReplayable", why: own.engines.failure.message }
      : replay(own.policy, own.engines.success, record)
  }
}

/** `records`: of one target, the oldest first. */
export const storiesOf = (
  records: ReadonlyArray<DecisionRecord>,
  deciders: ReadonlyArray<Policy>,
  { around, before, limit, replays }: Asked
): ReadonlyArray<shapes.Story> => {
  const replayed = replays ? replayer(deciders) : undefined
  const tell = (index: number, repeats: number): ReadonlyArray<shapes.Story> => {
    const record = records[index]
    if (record === undefined) return []
    const story = storyOf(record, records[index + 1], replayed?.(record))
    return [{ ...story, outcome: record.outcome._tag, repeats }]
  }
  if (around !== undefined) {
    return tell(
      records.findIndex(({ id }) => id === around),
      0
    )
  }
  const stories: Array<shapes.Story> = []
  let repeats = 0
  for (let index = records.length - 1; index >= 0 && stories.length < limit; index--) {
    const record = records[index]
    if (record === undefined || record.observation.at >= before) continue
    if (isRepeat(record, records[index - 1])) {
      repeats += 1
      continue
    }
    stories.push(...tell(index, repeats))
    repeats = 0
  }
  return stories
}
