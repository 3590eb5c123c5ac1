import { assert, describe, it } from "vitest"
import { learnSeason, type Season, unknownSeason, usualAt } from "#domain/season"

const DAY = 86_400
const HOUR_MILLIS = 3_600_000

const days = (count: number, demandAt: (hour: number, day: number) => number): Season => {
  let season = unknownSeason(DAY, 60)
  for (let minute = 0; minute < count * 1440; minute++) {
    const demand = demandAt((minute % 1440) / 60, Math.floor(minute / 1440))
    season = learnSeason(season, minute * 60_000, demand, DAY)
  }
  return season
}

describe("a season", () => {
  it("is what was usual at that time, and runs smoothly from part to part", () => {
    const wave = (hour: number) => 500 + 300 * Math.sin((hour / 24) * 2 * Math.PI)
    const season = days(3, wave)
    for (let hour = 0; hour < 24; hour += 0.7) {
      assert.closeTo(usualAt(season, (72 + hour) * HOUR_MILLIS, DAY) ?? 0, wave(hour), 25)
    }
  })

  it("is not known where nothing has been seen yet", () => {
    const morning = days(0.5, () => 100)
    assert.closeTo(usualAt(morning, 6 * HOUR_MILLIS, DAY) ?? 0, 100, 1e-9)
    assert.isUndefined(usualAt(morning, 18 * HOUR_MILLIS, DAY))
    assert.isUndefined(usualAt(unknownSeason(DAY, 60), 0, DAY))
  })

  it("changes with the days, and not for one of them", () => {
    const noon = (season: Season) => usualAt(season, 12 * HOUR_MILLIS, DAY) ?? 0
    assert.isBelow(noon(days(6, (_, day) => (day === 5 ? 900 : 100))), 400)
    assert.isAbove(noon(days(15, (_, day) => (day >= 5 ? 900 : 100))), 850)
  })

  it("has as many parts as are worth remembering: quarters of an hour of a day, hours of a week, or what measurements do not miss", () => {
    assert.strictEqual(unknownSeason(DAY, 60).usual.length, 96)
    assert.strictEqual(unknownSeason(7 * DAY, 60).usual.length, 168)
    assert.strictEqual(unknownSeason(3600, 60).usual.length, 30)
    assert.isBelow(JSON.stringify(days(2, (hour) => hour / 7)).length, 900)
  })
})
