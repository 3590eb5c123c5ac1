/** The beginning of a memory, and when what it holds no longer means what it meant. */
import { MEMORY_VERSION, type Memory } from "#schemas/Memory"
import type { Policy } from "#schemas/Policy"
import type { Millis } from "#schemas/Reading"

/** FNV-1a over UTF-16 code units, from a given start. */
const fnv = (text: string, start: number): string => {
  let hash = start
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return (hash >>> 0).toString(16).padStart(8, "0")
}

/** The same text for the same value, whatever order its keys were written in. */
const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null"
  const fields = Object.entries(value).filter(([, field]) => field !== undefined)
  const sorted = fields.toSorted(([left], [right]) => (left < right ? -1 : 1))
  return `{${sorted.map(([key, field]) => `${JSON.stringify(key)}:${canonical(field)}`).join(",")}}`
}

/** Over what recommendations were made of. Bounds, rates and schedules may change without making them untrue. */
export const specHash = ({ engines, signals }: Pick<Policy, "engines" | "signals">): string => {
  const text = canonical({ engines, signals })
  return fnv(text, 0x811c9dc5) + fnv(text, 0x01234567)
}

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
