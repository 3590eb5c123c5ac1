/**
 * A recorded load, from a CSV: a time and a rate per line. Buckets of more than five seconds are joined by straight
 * lines between their middles; shorter ones are taken as they are.
 */
import * as Result from "effect/Result"
import type { Traffic } from "./patterns.ts"

export interface Trace {
  /** From the first line's time on. */
  readonly times: Float64Array
  readonly rates: Float64Array
  readonly bucketSeconds: number
  readonly seconds: number
}

const STEP_MAX_SECONDS = 5
/** As many as a year has minutes. */
const LINES_MAX = 600_000
const SECONDS_MAX = 366 * 86_400

const DATE = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d(?:\.\d+)?))?(Z|[+-]\d\d:?\d\d)?$/u

/** Days since 1970 of a date of the Gregorian calendar; March is the first month, so that a leap day is the last. */
const dayOf = (year: number, month: number, day: number): number => {
  const years = month > 2 ? year : year - 1
  const months = (month + 9) % 12
  const leaps = Math.floor(years / 4) - Math.floor(years / 100) + Math.floor(years / 400)
  return years * 365 + leaps + Math.floor((153 * months + 2) / 5) + day - 1 - 719_468
}

/** Seconds, also of milliseconds since 1970, or of a date as in 2026-11-21T13:00:00Z. */
const secondsOf = (text: string): number => {
  const date = DATE.exec(text)
  if (date === null) {
    const value = text === "" ? Number.NaN : Number(text)
    return value > 1e11 ? value / 1000 : value
  }
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0] = date.slice(1, 6).map(Number)
  const zone = date[7] ?? "Z"
  const offset =
    zone === "Z" ? 0 : Number(zone.slice(0, 3)) * 60 + Math.sign(Number(`${zone[0]}1`)) * Number(zone.slice(-2))
  return dayOf(year, month, day) * 86_400 + hour * 3600 + (minute - offset) * 60 + Number(date[6] ?? 0)
}

const EXAMPLE = "give lines such as 0,120 (seconds and requests per second)"

const bare = (cell: string): string => cell.trim().replace(/^"(.*)"$/u, "$1")

/** What is counted per bucket has such a head; everything else is a rate. */
const COUNTS: ReadonlySet<string> = new Set(["count", "requests", "messages", "hits"])

/** The failure says which line, and what to do. */
export const readTrace = (content: string): Result.Result<Trace, string> => {
  const lines = content.split(/\r?\n/u)
  const times: Array<number> = []
  const rates: Array<number> = []
  let head = ""
  for (const [index, line] of lines.entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue
    const [time = "", rate = ""] = line.split(/[,;\t]/u).map(bare)
    const [second, value] = [secondsOf(time), rate === "" ? Number.NaN : Number(rate)]
    const where = `line ${index + 1}`
    if (times.length === 0 && head === "" && Number.isNaN(second)) head = `${time},${rate}`.toLowerCase()
    else if (!Number.isFinite(second)) return Result.fail(`${where}: ${time || "nothing"} is no time; ${EXAMPLE}`)
    else if (!Number.isFinite(value) || value < 0) {
      return Result.fail(`${where}: ${rate || "nothing"} is no rate; ${EXAMPLE}`)
    } else if (second <= (times.at(-1) ?? Number.NEGATIVE_INFINITY)) {
      return Result.fail(`${where}: time does not go on here; sort the lines by time, one line for each`)
    } else if (times.push(second) > LINES_MAX) {
      return Result.fail(`there are more than ${LINES_MAX} lines; give longer buckets, such as of a minute`)
    } else rates.push(value)
  }
  const [first, last] = [times[0], times.at(-1)]
  if (first === undefined || last === undefined || times.length < 2) {
    return Result.fail(`there are fewer than two lines with a time and a rate; ${EXAMPLE}`)
  }
  const gaps = Float64Array.from(times.slice(1), (time, index) => time - (times[index] ?? 0)).sort()
  const bucketSeconds = gaps[Math.floor(gaps.length / 2)] ?? 1
  const seconds = Math.round(last - first + bucketSeconds)
  if (seconds > SECONDS_MAX) return Result.fail("it is longer than a year; cut it, or check that times are in seconds")
  const share = COUNTS.has(head.split(",")[1] ?? "") ? 1 / bucketSeconds : 1
  return Result.succeed({
    times: Float64Array.from(times, (time) => time - first),
    rates: Float64Array.from(rates, (rate) => rate * share),
    bucketSeconds,
    seconds: Math.max(1, seconds)
  })
}

const GAP_MIN_BUCKETS = 5

/** For how long no line says anything, but for a few that are missing here and there. */
export const gapSeconds = ({ bucketSeconds, times }: Trace): number => {
  let sum = 0
  for (let index = 1; index < times.length; index++) {
    const missing = (times[index] ?? 0) - (times[index - 1] ?? 0) - bucketSeconds
    if (missing > GAP_MIN_BUCKETS * bucketSeconds) sum += missing
  }
  return sum
}

/** Past its end the last rate stays. */
export const trafficOf = ({ bucketSeconds, rates, times }: Trace): Traffic => {
  const joins = bucketSeconds > STEP_MAX_SECONDS
  const shift = joins ? bucketSeconds / 2 : 0
  return (second) => {
    let [low, high] = [0, times.length - 1]
    // The last line that is not after it.
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if ((times[middle] ?? 0) + shift <= second) low = middle
      else high = middle - 1
    }
    const [from, to] = [rates[low] ?? 0, rates[low + 1]]
    const begin = (times[low] ?? 0) + shift
    if (!joins || to === undefined || second <= begin) return from
    return from + ((to - from) * (second - begin)) / ((times[low + 1] ?? 0) + shift - begin)
  }
}
