/** When to stop: while somebody else keeps changing the replicas, and upwards while new pods do not come up. */
import type { Memory } from "#schemas/Memory"
import type { Observation } from "#schemas/Observation"
import type { Policy } from "#schemas/Policy"
import type { Millis } from "#schemas/Reading"
import type { Limit } from "./Situation.ts"

const FIGHT_MILLIS = 600_000
const FIGHT_WRITES = 3
const FREEZE_MIN_MILLIS = 60_000
export const FREEZE_MAX_MILLIS = 1_800_000

/** Foreign writes that still count: not those that lie ahead of a clock that was set back. */
export const recentWrites = (writes: ReadonlyArray<Millis>, at: Millis): ReadonlyArray<Millis> => {
  const counts = (write: Millis): boolean => write > at - FIGHT_MILLIS && write <= at
  return writes.every(counts) ? writes : writes.filter(counts)
}

/**
 * Three foreign writes in ten minutes freeze the policy, each time twice as long as the last, until half an hour has
 * gone by without a freeze. What somebody does during a freeze is no fight: nobody answers it.
 */
export const freezeFight = (memory: Memory, at: Millis): Memory => {
  const { foreignWrites, frozenUntil = -Infinity, freezes } = memory
  if (at < frozenUntil) return memory
  const fought = recentWrites(foreignWrites, at).filter((write) => write > frozenUntil)
  if (fought.length < FIGHT_WRITES) return memory
  const inARow = at - frozenUntil < FREEZE_MAX_MILLIS ? freezes : 0
  const millis = Math.min(FREEZE_MIN_MILLIS * 2 ** Math.min(inARow, 10), FREEZE_MAX_MILLIS)
  return { ...memory, frozenUntil: at + millis, freezes: inARow + 1 }
}

export const holdFrozen: Limit = (value, { at, current, memory }) => {
  const { frozenUntil } = memory
  if (value === current || frozenUntil === undefined || at >= frozenUntil) return undefined
  const reason = `somebody else keeps changing the replicas, so nothing is changed for ${Math.ceil((frozenUntil - at) / 1000)} s`
  return { limiter: "Frozen", before: value, after: current, reason }
}

/** Where neither the policy nor experience says how long a pod takes to start. */
const STARTUP_SECONDS = 60

/** For how long new pods have not come up, once that is twice as long as they may take; undefined before. */
export const failingMillis = (policy: Pick<Policy, "objectives">, { at, state }: Observation): number | undefined => {
  if (state.failingPodsSince === undefined) return undefined
  const startup = policy.objectives.startupSeconds ?? STARTUP_SECONDS
  const failing = at - state.failingPodsSince
  return failing > 2 * startup * 1000 ? failing : undefined
}

export const holdFailing: Limit = (value, { current, observation, policy }) => {
  if (!policy.safety.freezeOnFailingPods || value <= current) return undefined
  const failing = failingMillis(policy, observation)
  if (failing === undefined) return undefined
  const reason = `new pods have not come up for ${Math.floor(failing / 1000)} s, so more would not help`
  return { limiter: "Frozen", before: value, after: current, reason }
}
