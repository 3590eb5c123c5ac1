/**
 * How much work will there be when a pod that is ordered now is ready: the level now, the growth that is certain
 * enough, and how wrong that has been. Growth counts only where it stands out of the noise, and only for about as long
 * as it has been seen; a jump is believed at once.
 */
import type { Amount, Demand } from "#schemas/Demand"
import type { Millis } from "#schemas/Reading"

const ERROR_BINS = 21
/** Logarithm of measured over forecast. What is further off was a jump, and no reserve that is worth its price covers it. */
const ERROR_MAX = 0.25

/** The error that a bin stands for, as a factor on the forecast. */
export const ERROR_FACTORS: ReadonlyArray<number> = Array.from({ length: ERROR_BINS }, (_, bin) =>
  Math.exp(((bin + 0.5) / ERROR_BINS) * 2 * ERROR_MAX - ERROR_MAX)
)

const PRIOR_ERROR = 0.08

const normalized = (weights: ReadonlyArray<number>): ReadonlyArray<number> => {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return weights.map((weight) => weight / total)
}

export const UNKNOWN_DEMAND: Demand = {
  level: -1,
  roughness: 0.05,
  seen: [],
  expected: [],
  errors: normalized(ERROR_FACTORS.map((factor) => Math.exp(-0.5 * (Math.log(factor) / PRIOR_ERROR) ** 2)))
}

const LEVEL_SECONDS = 10
const ERRORS_SECONDS = 2400
/** Standard deviations that make a jump, and standard errors that growth has to exceed. */
const JUMP_DEVIATIONS = 5
const GROWTH_ERRORS = 2.5
const WINDOWS_SECONDS = [30, 60, 120, 240] as const
/** The noise that counting alone makes is known, so few will do: what has just begun may be growing already. */
const POINTS_MIN = 3
const SEEN_MAX = 49
const EXPECTED_MAX = 24
/** A growth that has lasted so long is believed for one and a half times as long. */
const GROWTH_LASTS = 1.5
const GROWTH_MAX = 1.5
/** More than anything does, and its square is still a number. */
const VALUE_MAX = 1e15

/** By how much demand surely grows within a second, over one window; 0 where that is not sure. */
const sureGrowth = (seen: ReadonlyArray<Amount>, variance: number): number => {
  const count = seen.length
  const origin = seen[count - 1]?.at ?? 0
  let [sx, sy, sxx, sxy, syy] = [0, 0, 0, 0, 0]
  for (const { at, value } of seen) {
    const x = (at - origin) / 1000
    sx += x
    sy += value
    sxx += x * x
    sxy += x * value
    syy += value * value
  }
  const spread = sxx - (sx * sx) / count
  if (!(spread > 0)) return 0
  const covariance = sxy - (sx * sy) / count
  const slope = covariance / spread
  const residual = Math.max(0, syy - (sy * sy) / count - slope * covariance) / (count - 2)
  return Math.max(0, slope - GROWTH_ERRORS * Math.sqrt(Math.max(residual, variance) / spread))
}

export interface Measured {
  readonly at: Millis
  readonly value: number
  /** Seconds that the measurement is a mean of. */
  readonly seconds: number
  /** Below this nothing is worth being told apart: a small part of what one pod serves. */
  readonly grain: number
}

/** Takes one measurement in, and judges by it the forecasts whose time has come. */
export const follow = (demand: Demand, { at, grain, seconds, value: measured }: Measured): Demand => {
  const value = Math.min(measured, VALUE_MAX)
  const first = demand.level < 0
  const level = first ? value : demand.level
  const noise = Math.sqrt(level / seconds + (demand.roughness * level) ** 2 + grain)
  const jumped = value > level && (value - level) / noise > JUMP_DEVIATIONS
  const smoothed = level + (value - level) * (1 - Math.exp(-seconds / LEVEL_SECONDS))
  const change = smoothed > 0 ? value / smoothed - 1 : 0
  const calm = Math.abs(change) < 0.5
  const roughness = calm ? Math.sqrt(demand.roughness ** 2 * 0.98 + 0.02 * change ** 2) : demand.roughness
  const seen = [...demand.seen, { at, value }].slice(-SEEN_MAX)
  const recent = seen.slice(-3)
  const mean = recent.reduce((sum, each) => sum + each.value, 0) / recent.length
  let errors = demand.errors
  for (const due of demand.expected) {
    if (due.at > at) break
    const error = Math.log(Math.max(mean, grain) / Math.max(due.value, grain))
    if (Math.abs(error) >= ERROR_MAX) continue
    const hit = Math.floor(((error + ERROR_MAX) / (2 * ERROR_MAX)) * ERROR_BINS)
    const gain = Math.min(1, seconds / ERRORS_SECONDS)
    errors = errors.map((share, bin) => share * (1 - gain) + (bin === hit ? gain : 0))
  }
  return {
    level: jumped ? value : smoothed,
    roughness,
    seen,
    expected: demand.expected.filter((due) => due.at > at),
    errors
  }
}

/** What there will be, `aheadSeconds` from the last measurement. */
export const forecast = (demand: Demand, aheadSeconds: number): number => {
  const { level, seen } = demand
  const now = seen[seen.length - 1]?.at ?? 0
  let growth = 0
  for (const window of WINDOWS_SECONDS) {
    const within = seen.filter(({ at }) => at > now - window * 1000)
    if (within.length < POINTS_MIN) continue
    growth = Math.max(growth, sureGrowth(within, level / 5) * Math.min(aheadSeconds, window * GROWTH_LASTS))
  }
  return level + Math.min(growth, GROWTH_MAX * level)
}

/** Remembers a forecast, to be judged when its time has come. */
export const expect = (demand: Demand, forecasted: Amount, aheadSeconds: number): Demand => {
  const last = demand.expected[demand.expected.length - 1]
  const apart = (aheadSeconds * 1000) / EXPECTED_MAX
  if (last !== undefined && forecasted.at - last.at < apart) return demand
  return { ...demand, expected: [...demand.expected, forecasted].slice(-EXPECTED_MAX) }
}
