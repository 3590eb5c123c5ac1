/** A contest as one page: the worst of ours first, what each section answers, and the fronts of bad answers against pods. */
import { type Judged, meanOf, summaryOf } from "../contest.ts"
import { CLAIRVOYANT, OURS, type Section } from "../quality.ts"
import { bySeeds, entrantsOf, qualityText, type Sections } from "../qualityText.ts"
import { BUDGET } from "../score.ts"
import { COLOURS, escaped, page, scrolled, table } from "./page.ts"
import { type Curve, planePlot } from "./plot.ts"

const HEADS = ["", "worst score", "mean score", "mean bad", "within 1 %", "pods over C*", "changes/h"]

const summaryTable = (judged: ReadonlyArray<Judged>): string =>
  table(
    HEADS,
    entrantsOf(judged).map((entrant) => {
      const one = summaryOf(entrant, judged)
      const cells = [
        entrant,
        `${one.worstScore.toFixed(1)} (${one.worstScenario})`,
        one.meanScore.toFixed(1),
        `${(100 * one.meanViolations).toFixed(2)} %`,
        `${one.within} of ${one.scenarios}`,
        one.overReference.toFixed(3),
        one.changesPerHour.toFixed(1)
      ]
      return { cells, ...(entrant.split(/[:,]/u)[0] === OURS ? { mark: "ours" } : {}) }
    })
  )

const scenarioTable = (judged: ReadonlyArray<Judged>): string => {
  const [first = OURS, ...others] = entrantsOf(judged)
  const scoreOf = (entrant: string, scenario: string) =>
    judged.find((one) => one.entrant === entrant && one.scenario === scenario)?.score ?? 0
  return table(
    ["scenario, our worst first", "bad", "pods over C*", "changes/h", "score", ...others],
    judged
      .filter(({ entrant }) => entrant === first)
      .toSorted((a, b) => a.score - b.score)
      .map((one) => ({
        cells: [
          one.scenario,
          `${(100 * one.violations).toFixed(2)} %`,
          one.overReference.toFixed(3),
          one.changesPerHour.toFixed(1),
          one.score.toFixed(1),
          ...others.map((other) => scoreOf(other, one.scenario).toFixed(1))
        ]
      }))
  )
}

const pointOf = (entrant: string, judged: ReadonlyArray<Judged>, label: string) => {
  const { meanViolations, overReference } = summaryOf(entrant, judged)
  return { violations: meanViolations, podHours: overReference, label }
}

/** One curve for each knob, of the means over all scenarios. */
export const curvesOf = (all: Sections): ReadonlyArray<Curve> => {
  const main = bySeeds(all.main ?? []).filter(({ entrant }) => entrant !== CLAIRVOYANT)
  const swept = [...main, ...bySeeds(all.objective ?? []), ...bySeeds(all.knobs ?? [])]
  const families = Map.groupBy(entrantsOf(swept), (entrant) => entrant.split(":")[0] ?? "")
  return [...families].map(([family, entrants], index) => ({
    title: family,
    colour: COLOURS[index % COLOURS.length] ?? "ours",
    points: entrants.map((entrant) => pointOf(entrant, swept, entrant.split(":")[1] ?? "as it is"))
  }))
}

const TITLES: Readonly<Record<Exclude<Section, "main" | "knobs">, string>> = {
  objective: "Objectives from .95 to .999",
  drift: "Pods that come to serve 0.7, then 1.2 of what they did",
  lost: "A tenth of the scrapes lost, and five minutes",
  cpu: "With the CPU alone, and with all signals, every 15 s",
  choice: "Settings of auto",
  learning: "With Q-learning, a bad policy planted in it, and bounded exploration"
}

const isOther = (section: string): section is keyof typeof TITLES => Object.hasOwn(TITLES, section)

export const qualityPage = (title: string, all: Sections): string => {
  const main = bySeeds(all.main ?? [])
  const sections = Object.entries(all).flatMap(([section, judged]) =>
    isOther(section) ? [`<h2>${TITLES[section]}</h2>`, summaryTable(bySeeds(judged))] : []
  )
  const ours = meanOf(main.filter(({ entrant }) => entrant === OURS).map(({ score }) => score))
  return page(title, [
    `<h1>${escaped(title)}</h1>`,
    `<p class="soft">Bad: of all answers, 1 % are allowed. Pods over C*: pod-hours over those of somebody who knows the future. Score: 100 is the reference's pods, no bad answer and no change; ours is ${ours.toFixed(1)} on average. docs/QUALITY.md has the method.</p>`,
    ...(main.length === 0 ? [] : [scenarioTable(main), `<h2>Means, the worst first</h2>`, summaryTable(main)]),
    `<h2>Bad answers against pods</h2>`,
    `<p class="soft">Each point is one setting of a knob, down and to the left is better.</p>`,
    scrolled(planePlot(curvesOf(all), BUDGET)),
    ...sections,
    `<details><summary>The same as text</summary><pre>${escaped(qualityText(all))}</pre></details>`
  ])
}
