import { assert, describe, it } from "@effect/vitest"
import { jobsOf, plantHash, type References, SECTIONS, type Wanted, workOff } from "#judge/quality"
import { qualityText } from "#judge/qualityText"
import { ownScenarios } from "#judge/scenarios"
import type { Scenario } from "#workload/Load"

const short = (name: string): Scenario => {
  const found = ownScenarios("7").find((one) => one.name === name)
  if (found === undefined) throw new Error(`no scenario ${name}`)
  return { ...found, seconds: 900 }
}

const wanted = (change: Partial<Wanted> = {}): Wanted => ({
  scenarios: [short("web-ramps"), short("queue-spikes")],
  seeds: [7],
  sections: SECTIONS,
  rivals: ["hpa"],
  tries: [{ headroomPercent: 0 }, { headroomPercent: 50 }],
  ...change
})

describe("quality", () => {
  it("answers each section's question, with the worst of ours first, and each reference once", () => {
    let references: References = {}
    const sections = Map.groupBy(
      jobsOf(wanted()).map((job) => {
        const done = workOff(job, references, "")
        references = { ...references, ...done.references }
        return done
      }),
      ({ section }) => section
    )
    // Two loads, and the same two with drift; what is lost or asked for changes no reference.
    assert.strictEqual(Object.keys(references).length, 4)
    const all = Object.fromEntries(
      [...sections].map(([section, done]) => [section, done.flatMap(({ judged }) => judged)])
    )
    const text = qualityText(all)
    assert.match(text, /^scenario +V %.*hpa +clairvoyant$/mu)
    for (const line of [/^auto:0\.95 /mu, /^auto:0\.999 /mu, /^points lost: auto /mu, /^auto, CPU alone /mu]) {
      assert.match(text, line)
    }
    assert.match(text, /^kpa +.*\(\d\/2\)/mu)
    // A quarter of an hour proves nothing, so neither what is learned nor what is planted may change anything.
    assert.match(text, /^auto, learning: 0\.00 points at worst /mu)
    assert.match(text, /^auto, planted: 0\.00 points at worst /mu)
    assert.match(text, /^left out: mean \d+\.\d, chosen: /mu)
  })

  it("does a job again in the same way, and knows its reference then", () => {
    const [job] = jobsOf(wanted({ sections: ["main"] }))
    if (job === undefined) throw new Error("no job")
    const once = workOff(job, {}, "")
    assert.deepStrictEqual(workOff(job, once.references, ""), once)
    assert.deepStrictEqual(
      once.judged.map(({ entrant }) => entrant),
      ["auto", "hpa", "clairvoyant"]
    )
  })

  it("keeps no reference of other plants", () => {
    const [job] = jobsOf(wanted({ sections: ["cpu"] }))
    if (job === undefined) throw new Error("no job")
    const wrong = { violations: 0, podHours: 1, changesPerHour: 0, reference: 1 }
    const old = Object.fromEntries(Object.keys(workOff(job, {}, "others").references).map((key) => [key, wrong]))
    assert.deepStrictEqual(workOff(job, old, plantHash()), workOff(job, {}, plantHash()))
    assert.notDeepEqual(workOff(job, old, "others"), workOff(job, {}, "others"))
  })

  it("tries what a queue is worth by its CPU alone, which sees nothing where no pod is", () => {
    const onoff = short("queue-onoff")
    assert.strictEqual(onoff.workload.minReplicas, 0)
    const [judged] = jobsOf(wanted({ scenarios: [onoff], sections: ["cpu"] })).flatMap(
      (job) => workOff(job, {}, "").judged
    )
    assert.isAbove(judged?.overReference ?? 0, 0)
    assert.isBelow(judged?.violations ?? 1, 0.5)
  })
})
