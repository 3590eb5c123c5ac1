/**
 * What is remembered of a time that has yet to come: a clock was set back, or the last leader's was ahead. It happened
 * all the same, so it counts as if it were now; otherwise it would hold the replicas until the clock has caught up.
 */
import type { Memory, Rescale } from "#schemas/Memory"
import type { Millis } from "#schemas/Reading"
import { FREEZE_MAX_MILLIS } from "./freeze.ts"
import { BLOCK_MILLIS } from "./rollback.ts"

/** Rescales and steps are no later than the last write, and recommendations are in their order. */
const isAhead = (memory: Memory, at: Millis): boolean => {
  const { downBlockedUntil = at, frozenUntil = at, lastWriteAt = at, recommendations } = memory
  return (
    Math.max(lastWriteAt, recommendations.at(-1)?.at ?? at) > at ||
    frozenUntil > at + FREEZE_MAX_MILLIS ||
    downBlockedUntil > at + BLOCK_MILLIS
  )
}

const earlier = <A extends { readonly at: Millis }>(entry: A, at: Millis): A =>
  entry.at > at ? { ...entry, at } : entry

/** The same object where nothing is ahead. */
export const notAhead = (memory: Memory, at: Millis): Memory => {
  if (!isAhead(memory, at)) return memory
  const { downBlockedUntil, frozenUntil, lastDown, lastUpAt, lastWriteAt } = memory
  const rescales = (all: ReadonlyArray<Rescale>) => all.map((each) => earlier(each, at))
  return {
    ...memory,
    recommendations: memory.recommendations.map((each) => earlier(each, at)),
    ups: rescales(memory.ups),
    downs: rescales(memory.downs),
    ...(lastUpAt === undefined ? {} : { lastUpAt: Math.min(lastUpAt, at) }),
    ...(lastWriteAt === undefined ? {} : { lastWriteAt: Math.min(lastWriteAt, at) }),
    ...(lastDown === undefined ? {} : { lastDown: earlier(lastDown, at) }),
    ...(frozenUntil === undefined ? {} : { frozenUntil: Math.min(frozenUntil, at + FREEZE_MAX_MILLIS) }),
    ...(downBlockedUntil === undefined ? {} : { downBlockedUntil: Math.min(downBlockedUntil, at + BLOCK_MILLIS) })
  }
}
