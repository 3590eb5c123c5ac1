/** Times and durations as kubectl's columns show them. */
import { parseTime } from "#services/kubernetesTime"

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const YEAR = 365 * DAY

const parts = (millis: number, large: number, small: number, letters: readonly [string, string]): string => {
  const rest = Math.floor((millis % large) / small)
  return `${Math.floor(millis / large)}${letters[0]}${rest === 0 ? "" : `${rest}${letters[1]}`}`
}

/** 119s, 9m59s, 179m, 7h59m, 47h, 7d23h, 729d, 7y3d: two units only while the first says too little. */
export const durationText = (millis: number): string => {
  if (millis < 0) return millis > -2 * SECOND ? "0s" : "<invalid>"
  if (millis < 2 * MINUTE) return `${Math.floor(millis / SECOND)}s`
  if (millis < 10 * MINUTE) return parts(millis, MINUTE, SECOND, ["m", "s"])
  if (millis < 3 * HOUR) return `${Math.floor(millis / MINUTE)}m`
  if (millis < 8 * HOUR) return parts(millis, HOUR, MINUTE, ["h", "m"])
  if (millis < 2 * DAY) return `${Math.floor(millis / HOUR)}h`
  if (millis < 8 * DAY) return parts(millis, DAY, HOUR, ["d", "h"])
  if (millis < 2 * YEAR) return `${Math.floor(millis / DAY)}d`
  return millis < 8 * YEAR ? parts(millis, YEAR, DAY, ["y", "d"]) : `${Math.floor(millis / YEAR)}y`
}

export const ageText = (time: string, nowMillis: number): string => {
  const at = parseTime(time)
  return at === undefined ? "<unknown>" : durationText(nowMillis - at)
}
