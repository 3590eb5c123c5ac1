import { assert, describe, it } from "vitest"
import * as Cron from "effect/Cron"
import { everComes, holdCeiling, holdSchedule, isOpen, rememberSchedules, schedulesAt } from "#domain/schedule"
import type { Schedule } from "#schemas/Policy"
import { Dice } from "#test/domain/Dice"
import { memoryOf, policyOf, situationOf } from "#test/domain/policies"

const schedule = (over: Partial<Schedule>): Schedule => ({
  name: "window",
  start: "0 8 * * *",
  end: "0 18 * * *",
  timeZone: "Europe/Berlin",
  floor: 5,
  ...over
})
const at = (text: string) => Date.parse(text)

describe("isOpen", () => {
  it.each([
    { title: "opens on the second", when: "2026-06-15T06:00:00Z", open: true },
    { title: "is closed before", when: "2026-06-15T05:59:59.999Z", open: false },
    { title: "closes on the second", when: "2026-06-15T16:00:00Z", open: false },
    { title: "is open before", when: "2026-06-15T15:59:59.999Z", open: true },
    { title: "goes with the clock of its zone in winter", when: "2026-01-15T06:30:00Z", open: false }
  ])("$title", ({ open, when }) => {
    assert.strictEqual(isOpen(schedule({}), at(when)), open)
  })

  it("reaches over midnight", () => {
    const night = schedule({ start: "0 22 * * *", end: "0 6 * * *", timeZone: "UTC" })
    assert.isTrue(isOpen(night, at("2026-06-15T23:00:00Z")))
    assert.isTrue(isOpen(night, at("2026-06-16T05:59:00Z")))
    assert.isFalse(isOpen(night, at("2026-06-16T06:00:00Z")))
  })

  it("knows the days of the week", () => {
    const week = schedule({ start: "0 8 * * 1", end: "0 18 * * 5", timeZone: "UTC" })
    assert.isTrue(isOpen(week, at("2026-06-17T03:00:00Z")))
    assert.isFalse(isOpen(week, at("2026-06-20T12:00:00Z")))
  })

  // On 2026-03-29 Berlin's clocks go from 02:00 to 03:00, at 01:00 UTC: 02:30 would have been at 01:30 UTC.
  it.each([
    {
      title: "that begins in the hour that is skipped opens as long after the night began as ever",
      start: "30 2 * * *",
      end: "0 5 * * *",
      when: "2026-03-29T01:30:00Z",
      open: true
    },
    { title: "and not before", start: "30 2 * * *", end: "0 5 * * *", when: "2026-03-29T01:29:59Z", open: false },
    {
      title: "that ends in the hour that is skipped closes as long after it began as ever",
      start: "0 0 * * *",
      end: "30 2 * * *",
      when: "2026-03-29T01:30:00Z",
      open: false
    },
    { title: "and not before either", start: "0 0 * * *", end: "30 2 * * *", when: "2026-03-29T01:29:59Z", open: true },
    {
      title: "that is that hour does not happen",
      start: "0 2 * * *",
      end: "0 3 * * *",
      when: "2026-03-29T01:00:00Z",
      open: false
    },
    {
      title: "that lasts over that hour is an hour shorter",
      start: "0 1 * * *",
      end: "0 4 * * *",
      when: "2026-03-29T01:59:59Z",
      open: true
    },
    {
      title: "and closes by the clock",
      start: "0 1 * * *",
      end: "0 4 * * *",
      when: "2026-03-29T02:00:00Z",
      open: false
    }
  ])("a window $title", ({ end, open, start, when }) => {
    assert.strictEqual(isOpen(schedule({ start, end }), at(when)), open)
  })

  // On 2026-10-25 Berlin's clocks go from 03:00 back to 02:00, at 01:00 UTC: 02:30 is at 00:30 and at 01:30 UTC.
  it.each([
    {
      title: "opens at the first of the two",
      start: "30 2 * * *",
      end: "0 5 * * *",
      when: "2026-10-25T00:30:00Z",
      open: true
    },
    {
      title: "is not closed by the second hour",
      start: "30 2 * * *",
      end: "0 5 * * *",
      when: "2026-10-25T01:15:00Z",
      open: true
    },
    {
      title: "closes at the second of the two",
      start: "0 0 * * *",
      end: "30 2 * * *",
      when: "2026-10-25T01:29:59Z",
      open: true
    },
    {
      title: "and then stays closed",
      start: "0 0 * * *",
      end: "30 2 * * *",
      when: "2026-10-25T01:30:00Z",
      open: false
    },
    {
      title: "is two hours long where it is that hour",
      start: "0 2 * * *",
      end: "0 3 * * *",
      when: "2026-10-25T01:59:59Z",
      open: true
    },
    {
      title: "comes twice where it comes every hour",
      start: "0 * * * *",
      end: "30 * * * *",
      when: "2026-10-25T01:15:00Z",
      open: true
    },
    {
      title: "and has its pause between",
      start: "0 * * * *",
      end: "30 * * * *",
      when: "2026-10-25T00:45:00Z",
      open: false
    }
  ])("in the hour that comes twice a window $title", ({ end, open, start, when }) => {
    assert.strictEqual(isOpen(schedule({ start, end }), at(when)), open)
  })

  it("is never open by what is not an expression, a day that never comes, or a zone that is none", () => {
    const when = at("2026-06-15T12:00:00Z")
    assert.isFalse(isOpen(schedule({ start: "often" }), when))
    assert.isFalse(isOpen(schedule({ start: "0 0 31 2 *" }), when))
    assert.isFalse(isOpen(schedule({ timeZone: "Atlantis" }), when))
  })
})

describe("everComes", () => {
  it.each([
    { cron: "0 0 31 2 *", comes: false },
    { cron: "0 0 30,31 2 *", comes: false },
    { cron: "0 0 31 2,4,6,9,11 *", comes: false },
    { cron: "0 0 31 2 */2", comes: false },
    { cron: "0 0 31 2 1", comes: true },
    { cron: "0 0 29 2 *", comes: true },
    { cron: "0 0 31 2,3 *", comes: true },
    { cron: "0 0 31 * *", comes: true },
    { cron: "0 0 * 2 *", comes: true }
  ])("$cron: $comes", ({ comes, cron }) => {
    assert.strictEqual(everComes(Cron.parseUnsafe(cron)), comes)
  })
})

const always = { start: "* * * * *", end: "0 0 1 1 *", timeZone: "UTC" }
const noon = at("2026-06-15T12:00:30Z")

describe("schedulesAt", () => {
  it("takes the highest floor and the lowest ceiling, and the floor where they cross", () => {
    const floors = [schedule({ ...always, floor: 3 }), schedule({ ...always, name: "high", floor: 6 })]
    const ceilings = [
      { ...always, name: "wide", ceiling: 20 },
      { ...always, name: "narrow", ceiling: 4 }
    ]
    assert.deepStrictEqual(schedulesAt([...floors, ...ceilings], noon), {
      floor: { replicas: 6, name: "high" },
      ceiling: { replicas: 6, name: "narrow" }
    })
    assert.deepStrictEqual(schedulesAt(ceilings, noon), { ceiling: { replicas: 4, name: "narrow" } })
    assert.deepStrictEqual(schedulesAt([], noon), {})
  })
})

describe("rememberSchedules", () => {
  it("says at every moment what the calendar says, also around the hours that are skipped or doubled", () => {
    const expressions = [
      "0 8 * * 1-5",
      "30 2 * * *",
      "*/20 * * * *",
      "15,45 1-3 * * *",
      "0 0 * * 0",
      "59 23 31 * *",
      "0 0 31 2 *"
    ]
    const zones = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]
    const around = [
      "2026-03-08T06:00:00Z",
      "2026-03-29T00:00:00Z",
      "2026-04-04T14:00:00Z",
      "2026-10-25T00:00:00Z",
      "2026-11-01T05:00:00Z"
    ]
    let looked = 0
    for (let seed = 1; seed <= 40; seed++) {
      const dice = new Dice(seed)
      const schedules = dice.many(1, 2, (index) =>
        schedule({
          name: `w${index}`,
          start: dice.of(expressions.slice(0, 6)),
          end: dice.of(expressions.slice(0, 6)),
          timeZone: dice.of(zones)
        })
      )
      let memory = memoryOf(policyOf())
      let now = at(dice.of(around)) - dice.int(0, 7_200_000)
      for (let tick = 0; tick < 30; tick++) {
        now += dice.of([1000, 15_000, 600_000, 1_800_000])
        memory = rememberSchedules(memory, schedules, now)
        const { ceiling, floor } = memory.schedules ?? {}
        assert.deepStrictEqual(
          { ceiling, floor },
          { ceiling: undefined, floor: undefined, ...schedulesAt(schedules, now) },
          `seed ${seed}`
        )
        looked += 1
      }
    }
    assert.strictEqual(looked, 1200)
  })

  it("asks the calendar once between two edges, and anew when the schedules or the clock changed", () => {
    const schedules = [schedule({})]
    const first = rememberSchedules(memoryOf(policyOf()), schedules, at("2026-06-15T07:00:00Z"))
    assert.strictEqual(rememberSchedules(first, schedules, at("2026-06-15T07:59:59Z")), first)
    assert.notStrictEqual(rememberSchedules(first, schedules, at("2026-06-15T08:00:00Z")), first)
    assert.notStrictEqual(rememberSchedules(first, schedules, at("2026-06-15T06:59:59Z")), first)
    const changed = rememberSchedules(first, [schedule({ floor: 9 })], at("2026-06-15T07:00:01Z"))
    assert.strictEqual(changed.schedules?.floor?.replicas, 9)
    assert.isUndefined(rememberSchedules(first, [], at("2026-06-15T07:00:01Z")).schedules)
  })
})

describe("holdSchedule and holdCeiling", () => {
  const schedules = { floor: { replicas: 4, name: "day" }, ceiling: { replicas: 8, name: "night" } }
  it.each([
    [2, 4],
    [4, 4],
    [8, 8],
    [9, 8]
  ])("%d becomes %d", (value, want) => {
    assert.strictEqual(holdSchedule(value, situationOf({ schedules }))?.after ?? value, want)
  })

  it("lowers nothing without data, and holds what would go higher still", () => {
    assert.isUndefined(holdCeiling(10, situationOf({ schedules, current: 10, blind: true })))
    assert.strictEqual(holdCeiling(15, situationOf({ schedules, current: 10, blind: true }))?.after, 10)
    assert.strictEqual(holdCeiling(15, situationOf({ schedules, current: 10 }))?.after, 8)
    assert.isUndefined(holdCeiling(15, situationOf()))
  })
})
