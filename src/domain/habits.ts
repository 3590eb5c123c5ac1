/**
 * Jumps of demand that come by the clock. What began twice in a row at the same distance is expected a third time,
 * since people and cron do things on the hour. One that stays away is not expected again until it has come twice.
 */
import type { Amount } from "#schemas/Demand"
import type { Millis } from "#schemas/Reading"

export interface Jump {
  readonly at: Millis
  /** What demand became, over what it had been. */
  readonly factor: number
}

/** What a clock or a calendar repeats by. */
const PERIODS_HOURS = [1, 2, 3, 4, 6, 8, 12, 24, 168] as const
const HOUR_MILLIS = 3_600_000
/** Enough for two weeks of a few a day, and for two days of one an hour. */
const JUMPS_MAX = 48
/** Less is within what growth and the reserve see to. */
const FACTOR_MIN = 1.5
/** One wild hour must not order a hundredfold in the next. */
const FACTOR_MAX = 5
/** How far from its time a jump may begin. */
const JITTER_MILLIS = 30_000
/** So much later it is still the same jump, going on. */
const SAME_MILLIS = 120_000
/** The mean of the newest seconds is compared with that of a minute before them. */
const NEW_MILLIS = 20_000
const OLD_MILLIS = 80_000

const meanWithin = (seen: ReadonlyArray<Amount>, after: Millis, until: Millis): number => {
  const within = seen.filter(({ at }) => at > after && at <= until)
  return within.reduce((sum, { value }) => sum + value, 0) / Math.max(1, within.length)
}

/** `least`: below this demand no jump matters, such as what one pod serves. */
export const noticeJump = (
  jumps: ReadonlyArray<Jump>,
  seen: ReadonlyArray<Amount>,
  least: number
): ReadonlyArray<Jump> => {
  const now = seen[seen.length - 1]?.at
  if (now === undefined) return jumps
  const began = now - NEW_MILLIS
  const before = meanWithin(seen, now - OLD_MILLIS, began)
  if (!(before > least)) return jumps
  const factor = Math.min(FACTOR_MAX, meanWithin(seen, began, now) / before)
  if (factor < FACTOR_MIN) return jumps
  const last = jumps[jumps.length - 1]
  if (last === undefined || began - last.at >= SAME_MILLIS) return [...jumps, { at: began, factor }].slice(-JUMPS_MAX)
  return factor > last.factor ? [...jumps.slice(0, -1), { at: last.at, factor }] : jumps
}

/** By what factor demand is expected to jump between now and `aheadSeconds` from now; 1 where it is not. */
export const expectedJump = (jumps: ReadonlyArray<Jump>, now: Millis, aheadSeconds: number): number => {
  const last = jumps[jumps.length - 1]
  // It has come: what is measured says more.
  if (last === undefined || now - last.at < 2 * JITTER_MILLIS) return 1
  const between = (from: Millis, until: Millis): number =>
    jumps.reduce((most, { at, factor }) => (at >= from && at <= until ? Math.max(most, factor) : most), 1)
  let factor = 1
  for (const hours of PERIODS_HOURS) {
    const period = hours * HOUR_MILLIS
    for (const jump of jumps) {
      const due = jump.at + period
      if (due < now - JITTER_MILLIS || due > now + aheadSeconds * 1000) continue
      const before = between(jump.at - period - JITTER_MILLIS, jump.at - period + JITTER_MILLIS)
      factor = Math.max(factor, Math.min(jump.factor, before))
    }
  }
  return factor
}
