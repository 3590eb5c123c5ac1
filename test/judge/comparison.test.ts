import { assert, describe, it } from "@effect/vitest"
import { referenceOf } from "#judge/clairvoyant"
import { type Comparison, compare, toJson, verdict } from "#judge/comparison"
import { toText } from "#judge/comparisonText"
import { type Entrant, ownEntrant, rivalEntrant } from "#judge/entrants"
import { comparisonPage } from "#judge/report/comparisonPage"
import { doubling, queue, web } from "#test/judge/world"
import type { Load } from "#workload/Load"

const comparing = (load: Load, entrants: ReadonlyArray<Entrant>): Comparison => {
  const reference = referenceOf(load)
  return {
    title: "A <test>",
    notes: ["Assumed & said."],
    load,
    ideal: reference.run,
    referencePodHours: reference.podHours,
    shown: entrants.map((entrant) => compare(load, reference, entrant)),
    goodFraction: 0.99
  }
}

const surge = comparing(web(doubling(280, 900)), [ownEntrant("auto", "NimbusGuard"), rivalEntrant("hpa")])

describe("a comparison", () => {
  it("says in one sentence whether the objective was kept, at what price, and who is best of the others", () => {
    assert.match(
      verdict(surge),
      /^NimbusGuard (keeps|misses) the objective: [\d.]+ % bad answers where 1\.00 % are allowed, with \d+ % (more|fewer) pods than somebody who knows the future\. The best of the others is HPA \(score [\d.]+ to [\d.]+\)\.$/u
    )
    const other = comparing(surge.load, [rivalEntrant("hpa"), ownEntrant("auto", "NimbusGuard")])
    assert.match(verdict(other), /^HPA misses the objective.* NimbusGuard does better here/u)
    const alone = comparing(
      queue(() => 20),
      [ownEntrant("auto", "NimbusGuard")]
    )
    assert.match(verdict(alone), /^NimbusGuard keeps the objective: 0\.00 % of the messages late .*\.$/u)
  })

  it("is a table for a terminal, with the assumptions and where each went wrong", () => {
    const text = toText(surge)
    assert.match(text, /^A <test>\n {2}Assumed & said\./u)
    assert.match(text, /^ +bad answers +pod-hours +over best +changes\/h +CPU +score$/mu)
    assert.match(text, /^HPA +[\d.]+ % +[\d.]+ +[\d.]+ +[\d.]+ +\d+ % +[\d.]+$/mu)
    assert.match(text, /^ {2}HPA: at 0:15:.*pods ready where \d+ would have been/mu)
  })

  it("is JSON with every figure and every change", () => {
    const json = JSON.parse(toJson(surge, "kind: ScalingPolicy")) as {
      readonly policy: string
      readonly results: ReadonlyArray<{
        readonly name: string
        readonly score: number
        readonly changes: ReadonlyArray<unknown>
      }>
    }
    assert.strictEqual(json.policy, "kind: ScalingPolicy")
    assert.deepStrictEqual(
      json.results.map(({ changes, name, score }) => [name, score, changes.length]),
      surge.shown.map(({ name, run, scored }) => [name, scored.score, run.changes.length])
    )
  })

  it("is a page that needs nothing from anywhere, in which nothing of a name is markup", () => {
    const html = comparisonPage(surge, { title: "To copy", yaml: "a: <b>" })
    assert.notMatch(html, /<test>|<b>|https?:\/\/|<script|<link|@import|url\(/u)
    assert.match(html, /A &lt;test&gt;/u)
    assert.match(html, /prefers-color-scheme:dark/u)
    // Demand, then replicas and latency of each.
    assert.strictEqual(html.match(/<svg/gu)?.length, 1 + 2 * surge.shown.length)
    assert.match(html, /Where it went wrong most/u)
    assert.notMatch(html, /NaN|Infinity|undefined/u)
  })
})
