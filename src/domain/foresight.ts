/**
 * What forecasts are worth: each is kept until its time has come, and then judged by what was measured. To foresee too
 * little counts for more than too much, since it is users that pay for it.
 */
import type { Amount } from "#schemas/Demand"
import type { Millis } from "#schemas/Reading"

export interface Foresight {
  /** Mean of what it was wrong by, as a share of the demand. */
  readonly loss: number
  readonly judged: number
  /** Logarithm of what to multiply a forecast by so that demand stays below it as often as is wanted. */
  readonly band: number
  /** Forecasts whose time has not come, oldest first. */
  readonly pending: ReadonlyArray<Amount>
}

export const NO_FORESIGHT: Foresight = { loss: 0, judged: 0, band: 0, pending: [] }

const TOO_LITTLE = 3
const JUDGED_MAX = 200
const PENDING_MAX = 12
/** What is off by more was a jump, and tells no model from another. */
const ERROR_MAX = 1
const BAND_STEP = 0.02
const BAND_MAX = 0.7

/** `often`: how often demand is to stay below the band. */
export const judge = (foresight: Foresight, at: Millis, demand: number, often: number): Foresight => {
  let { band, judged, loss } = foresight
  let due = 0
  for (const forecast of foresight.pending) {
    if (forecast.at > at) break
    due += 1
    const error = Math.log(Math.max(demand, 1e-9) / Math.max(forecast.value, 1e-9))
    const bounded = Math.min(ERROR_MAX, Math.max(-ERROR_MAX, error))
    judged = Math.min(judged + 1, JUDGED_MAX)
    loss += (Math.abs(bounded) * (bounded > 0 ? TOO_LITTLE : 1) - loss) / judged
    const moved = band + BAND_STEP * (error > band ? often : often - 1)
    band = Math.min(BAND_MAX, Math.max(-BAND_MAX, moved))
  }
  return due === 0 ? foresight : { loss, judged, band, pending: foresight.pending.slice(due) }
}

/** Keeps a forecast to be judged; those that come too close after another are not. */
export const keep = (foresight: Foresight, forecast: Amount, aheadSeconds: number): Foresight => {
  const last = foresight.pending[foresight.pending.length - 1]
  if (last !== undefined && forecast.at - last.at < (aheadSeconds * 1000) / PENDING_MAX) return foresight
  return { ...foresight, pending: [...foresight.pending, forecast].slice(-PENDING_MAX) }
}
