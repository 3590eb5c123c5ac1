/**
 * How far replicas may move in a period, counted from our own rescales, and the store of those rescales. The store
 * is in slots, exactly as the HPA's: a rescale takes the place of one that its own direction no longer needs, even
 * where the other direction's longer period would still have counted it.
 */
import type { Rescale } from "#schemas/Memory"
import type { Rates, ScalingRules } from "#schemas/Policy"
import type { Millis } from "#schemas/Reading"
import type { Limit, Situation } from "./Situation.ts"

type RatePolicy = ScalingRules["policies"][number]

const changeSince = (rescales: ReadonlyArray<Rescale>, after: Millis): number => {
  let sum = 0
  for (const { at, change } of rescales) if (at > after) sum += change
  return sum
}

/** Replicas at the start of a policy's period. Downs are stored as negative changes. */
const atStart = ({ periodSeconds }: RatePolicy, { at, current, memory }: Situation): number => {
  const after = at - periodSeconds * 1000
  return current - changeSince(memory.ups, after) - changeSince(memory.downs, after)
}

const allowedUp = (policy: RatePolicy, start: number): number =>
  policy.type === "Pods" ? start + policy.value : Math.ceil(start * (1 + policy.value / 100))

const allowedDown = (policy: RatePolicy, start: number): number =>
  policy.type === "Pods" ? start - policy.value : Math.trunc(start * (1 - policy.value / 100))

const describe = ({ periodSeconds, type, value }: RatePolicy): string =>
  `${value} ${type === "Percent" ? "%" : value === 1 ? "pod" : "pods"} per ${periodSeconds} s`

interface Allowance {
  readonly replicas: number
  readonly reason: string
}

const DIRECTIONS = {
  up: { allowed: allowedUp, isLarger: (left: number, right: number) => left > right },
  down: { allowed: allowedDown, isLarger: (left: number, right: number) => left < right }
}

/** By the policy that allows the largest change, or the smallest. */
const allowance = (rules: ScalingRules, direction: "up" | "down", situation: Situation): Allowance => {
  const { current } = situation
  if (rules.selectPolicy === "Disabled") return { replicas: current, reason: `scaling ${direction} is disabled` }
  const { allowed, isLarger } = DIRECTIONS[direction]
  let chosen: Allowance | undefined
  for (const policy of rules.policies) {
    const replicas = allowed(policy, atStart(policy, situation))
    const larger = chosen !== undefined && isLarger(replicas, chosen.replicas)
    const smaller = chosen !== undefined && isLarger(chosen.replicas, replicas)
    if (chosen === undefined || (rules.selectPolicy === "Max" ? larger : smaller)) {
      chosen = { replicas, reason: describe(policy) }
    }
  }
  return chosen ?? { replicas: current, reason: `no policy allows scaling ${direction}` }
}

/** The HPA's bounds on one step where it is not told any. */
const LEGACY_FACTOR = 2
const LEGACY_MINIMUM = 4

const upAllowance = (rates: Rates, situation: Situation): Allowance | undefined => {
  const { current } = situation
  switch (rates._tag) {
    case "Windows":
      return undefined
    case "Absent":
      return {
        replicas: Math.max(LEGACY_FACTOR * current, LEGACY_MINIMUM),
        reason: "at most double, or 4 pods"
      }
    case "Behavior": {
      const { replicas, reason } = allowance(rates.scaleUp, "up", situation)
      // Percent of nothing is nothing: without this, zero would be for ever.
      const atLeast = current === 0 && rates.scaleUp.selectPolicy !== "Disabled" ? 1 : current
      return { replicas: Math.max(replicas, atLeast), reason }
    }
  }
}

/**
 * Steps in only where it allows less than the bounds do, so that of two limits the one that counts is named, as in
 * the HPA.
 */
export const limitRate: Limit = (value, situation) => {
  const { current, policy } = situation
  const { bounds, limits } = policy
  if (value > current) {
    const up = upAllowance(limits.rates, situation)
    if (up === undefined || value <= up.replicas || up.replicas >= bounds.max) return undefined
    return { limiter: "ScaleUpLimit", before: value, after: up.replicas, reason: up.reason }
  }
  if (value < current && limits.rates._tag === "Behavior") {
    const down = allowance(limits.rates.scaleDown, "down", situation)
    const least = Math.min(down.replicas, current)
    if (value >= least || least <= bounds.min) return undefined
    return { limiter: "ScaleDownLimit", before: value, after: least, reason: down.reason }
  }
  return undefined
}

/** The largest change of one write. */
export const limitStep: Limit = (value, { current, policy }) => {
  const { down, up } = policy.limits.step
  if (up !== undefined && value > current + up) {
    return { limiter: "ScaleUpLimit", before: value, after: current + up, reason: `at most ${up} more in one write` }
  }
  if (down !== undefined && value < current - down) {
    const reason = `at most ${down} fewer in one write`
    return { limiter: "ScaleDownLimit", before: value, after: current - down, reason }
  }
  return undefined
}

const longestMillis = ({ policies }: ScalingRules): number =>
  policies.reduce((longest, { periodSeconds }) => Math.max(longest, periodSeconds * 1000), 0)

/** Far more than a period of half an hour holds at one rescale a second. */
const RESCALES_MAX = 2000

const place = (rescales: ReadonlyArray<Rescale>, rescale: Rescale, longest: number): ReadonlyArray<Rescale> => {
  const marked = rescales.map((each) =>
    each.outdated === true || each.at >= rescale.at - longest ? each : { ...each, outdated: true }
  )
  const slot = marked.findLastIndex(({ outdated }) => outdated === true)
  if (slot < 0) return [...marked, rescale].slice(-RESCALES_MAX)
  marked[slot] = rescale
  return marked
}

export interface Rescales {
  readonly ups: ReadonlyArray<Rescale>
  readonly downs: ReadonlyArray<Rescale>
}

/** Only the rates of a behavior ever look at rescales. */
export const remember = ({ downs, ups }: Rescales, change: number, at: Millis, rates: Rates): Rescales => {
  if (rates._tag !== "Behavior" || change === 0) return { ups, downs }
  const rescale = { at, change }
  return change > 0
    ? { ups: place(ups, rescale, longestMillis(rates.scaleUp)), downs }
    : { ups, downs: place(downs, rescale, longestMillis(rates.scaleDown)) }
}
