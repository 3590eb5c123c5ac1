/**
 * The arithmetic of a Deployment's rollout: how large each of its ReplicaSets should be next. Pure, so that a rollout
 * can be read as a table.
 */

export interface SetSize {
  readonly name: string
  readonly replicas: number
  readonly available: number
  /** The most that the Deployment allowed when it last sized this set. */
  readonly maxReplicas: number
}

export interface Limits {
  readonly replicas: number
  readonly surge: number
  readonly unavailable: number
}

/** Sizes to set, by the sets' names. */
export type Resize = ReadonlyMap<string, number>

const sum = (numbers: ReadonlyArray<number>): number => numbers.reduce((total, one) => total + one, 0)
const total = (sets: ReadonlyArray<SetSize>): number => sum(sets.map(({ replicas }) => replicas))

const portion = (value: unknown, of: number, round: (value: number) => number): number => {
  if (typeof value === "number") return value
  const percent = /^(\d+)%$/u.exec(typeof value === "string" ? value : "")?.[1]
  return percent === undefined ? 0 : round((Number(percent) * of) / 100)
}

/** The surge is rounded up and what may be missing down; both at 0 would stand still for ever. */
export const limitsOf = (replicas: number, maxSurge: unknown, maxUnavailable: unknown): Limits => {
  const surge = portion(maxSurge, replicas, Math.ceil)
  const unavailable = portion(maxUnavailable, replicas, Math.floor)
  return { replicas, surge, unavailable: Math.min(surge === 0 && unavailable === 0 ? 1 : unavailable, replicas) }
}

/** How large the new set may be by now. */
export const grown = ({ replicas, surge }: Limits, fresh: SetSize, old: ReadonlyArray<SetSize>): number => {
  if (fresh.replicas >= replicas) return replicas
  const room = replicas + surge - total([fresh, ...old])
  return room <= 0 ? fresh.replicas : fresh.replicas + Math.min(room, replicas - fresh.replicas)
}

/** What the old sets, oldest first, may lose by now: broken pods first, then as many as the new ones replace. */
export const shrunk = (
  { replicas, unavailable }: Limits,
  fresh: SetSize | undefined,
  old: ReadonlyArray<SetSize>
): Resize => {
  const sizes = new Map<string, number>()
  const all = fresh === undefined ? old : [fresh, ...old]
  const minAvailable = replicas - unavailable
  const freshMissing = fresh === undefined ? 0 : fresh.replicas - fresh.available
  let mayGo = total(all) - minAvailable - freshMissing
  if (mayGo <= 0) return sizes
  for (const { available, name, replicas: size } of old) {
    const broken = Math.min(mayGo, size - available)
    if (broken <= 0) continue
    mayGo -= broken
    sizes.set(name, size - broken)
  }
  let spare = sum(all.map(({ available }) => available)) - minAvailable
  for (const { name, replicas: size } of old) {
    const left = sizes.get(name) ?? size
    const fewer = Math.min(left, spare)
    if (fewer <= 0) continue
    spare -= fewer
    sizes.set(name, left - fewer)
  }
  return sizes
}

/** Amid a rollout, a new size is spread over the sets by their shares; what rounding leaves goes to the largest. */
export const spread = ({ replicas, surge }: Limits, sets: ReadonlyArray<SetSize>): Resize => {
  const allowed = replicas > 0 ? replicas + surge : 0
  const more = allowed - total(sets)
  const largestFirst = sets.toSorted((one, two) => two.replicas - one.replicas)
  const sizes = new Map<string, number>()
  let added = 0
  for (const { maxReplicas, name, replicas: size } of largestFirst) {
    const share = replicas === 0 ? -size : Math.round((size * allowed) / Math.max(maxReplicas, 1)) - size
    const left = more - added
    const change = more === 0 ? 0 : more > 0 ? Math.max(0, Math.min(share, left)) : Math.min(0, Math.max(share, left))
    added += change
    sizes.set(name, size + change)
  }
  const [largest] = largestFirst
  if (largest !== undefined && more !== added) {
    sizes.set(largest.name, Math.max(0, (sizes.get(largest.name) ?? 0) + more - added))
  }
  return sizes
}
