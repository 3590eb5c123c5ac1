/** What demand is usually like at a time of the day or of the week: one mean for each part of it, and no more. */
import type { Millis } from "#schemas/Reading"

export interface Season {
  /** The usual demand in each part of the season; below 0 where it is not known yet. */
  readonly usual: ReadonlyArray<number>
  /** The part that is being averaged, and what there is of it. */
  readonly part: number
  readonly sum: number
  readonly count: number
}

/** A quarter of an hour of a day. */
const PARTS = 96
/** An hour of a week. */
const PARTS_OF_WEEK = 168
const WEEK_SECONDS = 604_800
/** Of a new season in the mean of all. */
const GAIN = 0.3

/** No part so short that measurements might all miss it. */
const partsOf = (seasonSeconds: number, intervalSeconds: number): number => {
  const most = seasonSeconds >= WEEK_SECONDS ? PARTS_OF_WEEK : PARTS
  return Math.max(1, Math.min(most, Math.floor(seasonSeconds / (2 * intervalSeconds))))
}

export const unknownSeason = (seasonSeconds: number, intervalSeconds: number): Season => ({
  usual: Array.from({ length: partsOf(seasonSeconds, intervalSeconds) }, () => -1),
  part: -1,
  sum: 0,
  count: 0
})

/** How many parts into the season, with a fraction. */
const placeOf = (at: Millis, parts: number, seasonSeconds: number): number => {
  const seasonMillis = seasonSeconds * 1000
  const into = ((at % seasonMillis) + seasonMillis) % seasonMillis
  return Math.min(parts - 1e-9, (into / seasonMillis) * parts)
}

/** Enough to tell by, and short when it is written down. */
const rounded = (value: number): number => Number(value.toPrecision(4))

export const learnSeason = (season: Season, at: Millis, value: number, seasonSeconds: number): Season => {
  const part = Math.floor(placeOf(at, season.usual.length, seasonSeconds))
  if (part === season.part) return { ...season, sum: season.sum + value, count: season.count + 1 }
  const begun = { part, sum: value, count: 1 }
  if (season.count === 0) return { ...season, ...begun }
  const mean = season.sum / season.count
  const usual = season.usual.map((known, each) =>
    each === season.part ? rounded(known < 0 ? mean : known + GAIN * (mean - known)) : known
  )
  return { usual, ...begun }
}

/** Between the middles of the parts; undefined where one of them is not known. */
export const usualAt = ({ usual }: Season, at: Millis, seasonSeconds: number): number | undefined => {
  const place = placeOf(at, usual.length, seasonSeconds) - 0.5 + usual.length
  const [before, after] = [usual[Math.floor(place) % usual.length], usual[Math.ceil(place) % usual.length]]
  if (before === undefined || after === undefined || before < 0 || after < 0) return undefined
  return before + (after - before) * (place % 1)
}
