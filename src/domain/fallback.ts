/** A safe count for when a signal stays away. By duration, not by failures, and only ever upwards. */
import type { Proposal } from "#schemas/Decision"
import type { Memory } from "#schemas/Memory"
import type { Policy } from "#schemas/Policy"
import type { Millis, Reading } from "#schemas/Reading"

/** By its own name: every object has a "constructor" of another kind. */
const sinceOf = (missingSince: Memory["missingSince"], name: string): Millis | undefined =>
  Object.hasOwn(missingSince, name) ? missingSince[name] : undefined

/** Since when each signal has not been measured; the same object when nothing changed. */
export const noteMissing = (
  missingSince: Memory["missingSince"],
  signals: ReadonlyArray<{ readonly signal: { readonly name: string }; readonly reading: Reading }>,
  at: Millis
): Memory["missingSince"] => {
  const now: Record<string, Millis> = {}
  let same = true
  for (const { reading, signal } of signals) {
    if (reading._tag === "Measured") continue
    // Not later than now: a clock that was set back puts no fallback off.
    const since = Math.min(sinceOf(missingSince, signal.name) ?? Infinity, at)
    if (since !== missingSince[signal.name]) same = false
    now[signal.name] = since
  }
  return same && Object.keys(missingSince).length === Object.keys(now).length ? missingSince : now
}

export const FALLBACK = "fallback"

/** One proposal for the signal that has been away longest, once that is long enough. */
export const fallBack = (policy: Policy, missingSince: Memory["missingSince"], at: Millis): Proposal | undefined => {
  const { fallback } = policy
  if (fallback === undefined) return undefined
  let longest: { readonly signal: string; readonly since: Millis } | undefined
  for (const { name, onMissing } of policy.signals) {
    const since = onMissing === "Fallback" ? sinceOf(missingSince, name) : undefined
    if (since !== undefined && since < (longest?.since ?? Infinity)) longest = { signal: name, since }
  }
  if (longest === undefined || at - longest.since < fallback.afterSeconds * 1000) return undefined
  return {
    engine: FALLBACK,
    replicas: fallback.replicas,
    raiseOnly: true,
    reason: `${longest.signal} has been missing for ${Math.floor((at - longest.since) / 1000)} s, so at least ${fallback.replicas}`
  }
}
