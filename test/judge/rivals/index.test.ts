import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { CLAIRVOYANT } from "#judge/quality"
import { meanOf } from "#judge/contest"
import { referenceOf } from "#judge/clairvoyant"
import { RIVALS } from "#judge/rivals/index"
import { run } from "#judge/run"
import { type Scored, scored } from "#judge/score"
import { AGREED } from "#test/judge/agreed"
import { loadOf } from "#workload/Load"

type Figures = Readonly<Record<"score" | "violations" | "overReference" | "changesPerHour", number>>

/** By entrant and scenario. */
const reference = JSON.parse(readFileSync(new URL("../agreed.json", import.meta.url), "utf8")) as Readonly<
  Record<string, Readonly<Record<string, Figures>>>
>

const SEEDS = [7, 8, 9, 10, 11]

const played = (): ReadonlyMap<string, ReadonlyMap<string, ReadonlyArray<Scored>>> => {
  const all = new Map<string, Map<string, Array<Scored>>>()
  const note = (entrant: string, scenario: string, one: Scored) => {
    const own = all.get(entrant) ?? new Map<string, Array<Scored>>()
    all.set(entrant, own.set(scenario, [...(own.get(scenario) ?? []), one]))
  }
  for (const { name, scenario } of AGREED) {
    for (const seed of SEEDS) {
      const load = loadOf(scenario, seed)
      const { podHours, run: ideal } = referenceOf(load)
      note(CLAIRVOYANT, name, scored(ideal, podHours))
      for (const [rival, { make }] of Object.entries(RIVALS)) note(rival, name, scored(run(load, make(0.7)), podHours))
    }
  }
  return all
}

describe("the plant, the rivals and the clairvoyant", () => {
  const ours = played()
  const mean = (all: ReadonlyArray<Scored> | undefined, field: keyof Figures) =>
    meanOf((all ?? []).map((one) => one[field]))

  it.each(Object.keys(reference))("come with %s to what a reference in Python came to", (entrant) => {
    const theirs = Object.entries(reference[entrant] ?? {})
    assert.strictEqual(theirs.length, AGREED.length)
    const own = ours.get(entrant)
    const of = (field: keyof Figures) => meanOf(AGREED.map(({ name }) => mean(own?.get(name), field)))
    const their = (field: keyof Figures) => meanOf(theirs.map(([, figures]) => figures[field]))
    assert.closeTo(of("score"), their("score"), 1.5, "score")
    assert.closeTo(of("overReference"), their("overReference"), 0.03 * their("overReference"), "pods")
    assert.closeTo(of("changesPerHour"), their("changesPerHour"), 1 + 0.05 * their("changesPerHour"), "changes")
    for (const [name, figures] of theirs) assert.closeTo(mean(own?.get(name), "score"), figures.score, 4, name)
  })

  it("are all in the reference", () => {
    assert.sameMembers(Object.keys(reference), [...Object.keys(RIVALS), CLAIRVOYANT])
  })
})
