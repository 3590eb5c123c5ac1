/**
 * The beginning of a memory, when what it holds no longer means what it meant, and what it makes of replicas that
 * somebody else has set.
 */
import { MEMORY_VERSION, type Memory } from "#schemas/Memory"
import type { Observation } from "#schemas/Observation"
import type { Policy } from "#schemas/Policy"
import type { Millis } from "#schemas/Reading"
import { freezeFight, recentWrites } from "./freeze.ts"
import { hashOf } from "./hash.ts"
import { notAhead } from "./setBack.ts"

/** Over what recommendations were made of. Bounds, rates and schedules may change without making them untrue. */
export const specHash = ({ engines, signals }: Pick<Policy, "engines" | "signals">): string =>
  hashOf({ engines, signals })

export const initialMemory = (policy: Pick<Policy, "engines" | "signals">, at: Millis): Memory => ({
  version: MEMORY_VERSION,
  specHash: specHash(policy),
  since: at,
  recommendations: [],
  ups: [],
  downs: [],
  foreignWrites: [],
  freezes: 0,
  missingSince: {},
  engines: {}
})

export interface Carried {
  readonly memory: Memory
  /** Why evidence was dropped; absent: nothing was. */
  readonly reset?: string
}

/**
 * The memory under a policy that may have changed. Commitments stay whatever the policy says now: they happened.
 * Windows that are dropped begin again with the current replicas, so nothing shrinks because of an edit.
 */
export const carryOver = (memory: Memory, policy: Pick<Policy, "engines" | "signals">): Carried => {
  const hash = specHash(policy)
  if (memory.specHash === hash) return { memory }
  const reset = "The signals or engines changed, so the windows begin anew with the current replicas."
  return { memory: { ...memory, specHash: hash, recommendations: [], missingSince: {}, engines: {} }, reset }
}

/** After a restart: time has passed unseen, and what there is now counts as the latest recommendation. */
export const restored = (memory: Memory): Memory => ({ ...memory, reseed: true })

/** More than can matter: three freeze the policy. */
const WRITES_KEPT = 10

/** Versions are decimal numbers of any length. What is not one cannot be compared, and is never taken for older. */
const isOlder = (version: string, than: string): boolean => {
  const numeric = /^\d+$/u
  if (!numeric.test(version) || !numeric.test(than)) return false
  return version.length === than.length ? version < than : version.length < than.length
}

/** Takes replicas that somebody else has set as they are, and remembers that it was somebody else. */
export const noteReplicas = (remembered: Memory, { at, state }: Observation): Memory => {
  const memory = notAhead(remembered, at)
  const { lastSeen, unsettled, writtenVersion } = memory
  const replicas = state.specReplicas
  if (replicas === lastSeen) return memory
  const expected = lastSeen ?? memory.lastWritten ?? replicas
  if (replicas === expected) return { ...memory, lastSeen: replicas }
  if (writtenVersion !== undefined && isOlder(state.resourceVersion, writtenVersion)) return memory
  if (replicas === unsettled) return { ...memory, lastSeen: replicas, lastWritten: replicas }
  const { lastWritten: _, lastDown: __, ...rest } = memory
  const foreignWrites = [...recentWrites(memory.foreignWrites, at), at].slice(-WRITES_KEPT)
  return { ...rest, lastSeen: replicas, foreignWrites }
}

/** The same, and stops writing where it has become a fight: only where somebody is really writing. */
export const adopt = (memory: Memory, observation: Observation): Memory =>
  freezeFight(noteReplicas(memory, observation), observation.at)
