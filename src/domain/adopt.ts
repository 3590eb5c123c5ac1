/** Telling our own writes from those of others, before a decision builds on the replicas that there are. */
import type { Memory } from "#schemas/Memory"
import type { Observation } from "#schemas/Observation"
import { freezeFight, recentWrites } from "./freeze.ts"

/** More than can matter: three freeze the policy. */
const WRITES_KEPT = 10

/** Versions are decimal numbers of any length. What is not one cannot be compared, and is never taken for older. */
const isOlder = (version: string, than: string): boolean => {
  const numeric = /^\d+$/u
  if (!numeric.test(version) || !numeric.test(than)) return false
  return version.length === than.length ? version < than : version.length < than.length
}

/** Takes replicas that somebody else has set as they are, and remembers that it was somebody else. */
export const noteReplicas = (memory: Memory, { at, state }: Observation): Memory => {
  const { lastSeen, unsettled, writtenVersion } = memory
  const replicas = state.specReplicas
  if (replicas === lastSeen) return memory
  if (lastSeen === undefined) return { ...memory, lastSeen: replicas }
  if (writtenVersion !== undefined && isOlder(state.resourceVersion, writtenVersion)) return memory
  if (replicas === unsettled) return { ...memory, lastSeen: replicas, lastWritten: replicas }
  const { lastWritten: _, lastDown: __, ...rest } = memory
  const foreignWrites = [...recentWrites(memory.foreignWrites, at), at].slice(-WRITES_KEPT)
  return { ...rest, lastSeen: replicas, foreignWrites }
}

/** The same, and stops writing where it has become a fight: only where somebody is really writing. */
export const adopt = (memory: Memory, observation: Observation): Memory =>
  freezeFight(noteReplicas(memory, observation), observation.at)
