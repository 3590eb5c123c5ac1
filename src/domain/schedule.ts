/**
 * Windows in time with a floor or a ceiling. A window opens at the first of two equal wall times and closes at the
 * second, so the hour that a clock shows twice belongs to it whole. Times in an hour that a clock skips are as calendars
 * have them: half past two is then half an hour after the gap, as long after one o'clock as on any other day.
 */
import * as Cron from "effect/Cron"
import * as Result from "effect/Result"
import type { Step } from "#schemas/Decision"
import type { Edge, Memory } from "#schemas/Memory"
import type { Schedule } from "#schemas/Policy"
import type { Millis } from "#schemas/Reading"
import { hashOf } from "./hash.ts"
import type { Limit } from "./Situation.ts"

/** What all open windows together ask for. */
export interface Schedules {
  readonly floor?: Edge
  readonly ceiling?: Edge
}

/** The days that a month may have. */
const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** False: a day such as the 31st of February. To look for it through the centuries would hold up every other policy. */
export const everComes = (cron: Cron.Cron): boolean => {
  const { days, months, weekdays } = cron
  const eitherDay = weekdays.size > 0 && !("and" in cron && cron.and === true)
  if (days.size === 0 || eitherDay) return true
  const earliest = Math.min(...days)
  return DAYS.some((last, index) => (months.size === 0 || months.has(index + 1)) && earliest <= last)
}

/** Undefined: it is not an expression, or one for a day that no calendar has, such as the 31st of February. */
const timeOf = (
  search: typeof Cron.prev,
  cron: string,
  timeZone: string,
  at: Millis,
  overlap: Cron.DstOverlapPolicy
): Millis | undefined => {
  const everyHour = cron.trim().split(/\s+/u)[1]?.startsWith("*") === true
  const parsed = Cron.parse(cron, timeZone, { onDstOverlap: everyHour ? "both" : overlap })
  if (Result.isFailure(parsed) || !everComes(parsed.success)) return undefined
  try {
    return search(parsed.success, at).getTime()
  } catch {
    return undefined
  }
}

/** When the expression last came true, the given instant included. */
const lastTrue = (cron: string, timeZone: string, at: Millis, overlap: Cron.DstOverlapPolicy): Millis | undefined =>
  timeOf(Cron.prev, cron, timeZone, at + 1, overlap)

export const isOpen = ({ end, start, timeZone }: Schedule, at: Millis): boolean => {
  const opened = lastTrue(start, timeZone, at, "earlier")
  return opened !== undefined && opened > (lastTrue(end, timeZone, at, "later") ?? -Infinity)
}

const NONE: Schedules = {}

/** The highest floor and the lowest ceiling; where they cross, the floor stands. */
export const schedulesAt = (schedules: ReadonlyArray<Schedule>, at: Millis): Schedules => {
  if (schedules.length === 0) return NONE
  let floor: Edge | undefined
  let ceiling: Edge | undefined
  for (const schedule of schedules) {
    if (!isOpen(schedule, at)) continue
    const { name } = schedule
    if (schedule.floor !== undefined && schedule.floor > (floor?.replicas ?? -1)) {
      floor = { replicas: schedule.floor, name }
    }
    if (schedule.ceiling !== undefined && schedule.ceiling < (ceiling?.replicas ?? Infinity)) {
      ceiling = { replicas: schedule.ceiling, name }
    }
  }
  if (floor !== undefined && ceiling !== undefined && ceiling.replicas < floor.replicas) {
    ceiling = { replicas: floor.replicas, name: ceiling.name }
  }
  return { ...(floor === undefined ? {} : { floor }), ...(ceiling === undefined ? {} : { ceiling }) }
}

/** Edges are looked up again after this long even if none is near, should the calendar have been changed. */
const TRUSTED_MILLIS = 3_600_000

const nextEdge = (schedules: ReadonlyArray<Schedule>, at: Millis): Millis => {
  let next = at + TRUSTED_MILLIS
  for (const { end, start, timeZone } of schedules) {
    next = Math.min(next, timeOf(Cron.next, start, timeZone, at, "earlier") ?? next)
    next = Math.min(next, timeOf(Cron.next, end, timeZone, at, "later") ?? next)
  }
  return next
}

/** Calendars are slow to ask, so what they said is remembered until the next edge. */
export const rememberSchedules = (memory: Memory, schedules: ReadonlyArray<Schedule>, at: Millis): Memory => {
  if (schedules.length === 0) {
    if (memory.schedules === undefined) return memory
    const { schedules: _, ...rest } = memory
    return rest
  }
  const hash = hashOf(schedules)
  const known = memory.schedules
  if (known !== undefined && known.hash === hash && at >= known.from && at < known.until) return memory
  const until = nextEdge(schedules, at)
  return { ...memory, schedules: { hash, from: at, until, ...schedulesAt(schedules, at) } }
}

const stepTo = (before: number, { name, replicas }: Edge, word: string): Step => ({
  limiter: "Schedule",
  before,
  after: replicas,
  reason: `window ${name} has the ${word} ${replicas}`
})

export const holdCeiling: Limit = (value, { blind, current, schedules: { ceiling } }) => {
  if (ceiling === undefined || value <= ceiling.replicas) return undefined
  const lowest = blind ? Math.max(ceiling.replicas, current) : ceiling.replicas
  return value <= lowest ? undefined : { ...stepTo(value, ceiling, "ceiling"), after: lowest }
}

export const holdSchedule: Limit = (value, situation) => {
  const { floor } = situation.schedules
  return floor !== undefined && value < floor.replicas ? stepTo(value, floor, "floor") : holdCeiling(value, situation)
}
