/** What a contest came to, as text: the worst scenario first, then the means, then what each section answers. */
import { equalOf, type Judged, leaveOneOut, meanOf, type Summary, summaryOf } from "./contest.ts"
import { CLAIRVOYANT, OURS, type Section } from "./quality.ts"

export type Sections = Partial<Readonly<Record<Section, ReadonlyArray<Judged>>>>

const left = (text: string, width: number) => text.padEnd(width)
const right = (value: number, digits: number, width: number) => value.toFixed(digits).padStart(width)

export const entrantsOf = (judged: ReadonlyArray<Judged>): ReadonlyArray<string> => [
  ...new Set(judged.map(({ entrant }) => entrant))
]

/** Several seeds of one scenario count as one. */
export const bySeeds = (judged: ReadonlyArray<Judged>): ReadonlyArray<Judged> =>
  [...Map.groupBy(judged, ({ entrant, scenario }) => `${entrant}\n${scenario}`).values()].flatMap((same) => {
    const [first] = same
    if (first === undefined) return []
    const mean = (field: "violations" | "podHours" | "changesPerHour" | "overReference" | "cost" | "score") =>
      meanOf(same.map((one) => one[field]))
    return [
      {
        ...first,
        violations: mean("violations"),
        podHours: mean("podHours"),
        changesPerHour: mean("changesPerHour"),
        overReference: mean("overReference"),
        cost: mean("cost"),
        score: mean("score")
      }
    ]
  })

const SUMMARY_HEAD = `${left("", 22)}   worst  mean   mean V %  V<=1 %   R      changes/h`

const summaryLine = (one: Summary): string =>
  [
    left(one.entrant, 22),
    right(one.worstScore, 1, 8),
    right(one.meanScore, 1, 7),
    right(100 * one.meanViolations, 2, 9),
    `${one.within}/${one.scenarios}`.padStart(8),
    right(one.overReference, 3, 8),
    right(one.changesPerHour, 1, 8),
    `   worst: ${one.worstScenario}`
  ].join("")

const summaries = (judged: ReadonlyArray<Judged>): ReadonlyArray<string> => [
  SUMMARY_HEAD,
  ...entrantsOf(judged).map((entrant) => summaryLine(summaryOf(entrant, judged)))
]

/** Our worst scenario first, with the others' scores beside it. */
const scenarios = (judged: ReadonlyArray<Judged>): ReadonlyArray<string> => {
  const [first = OURS, ...others] = entrantsOf(judged)
  const scoreOf = (entrant: string, scenario: string) =>
    judged.find((one) => one.entrant === entrant && one.scenario === scenario)?.score ?? 0
  const head = `${left("scenario", 22)}     V %       R  chg/h  score |${others.map((name) => name.slice(0, 11).padStart(12)).join("")}`
  const rows = judged
    .filter(({ entrant }) => entrant === first)
    .toSorted((a, b) => a.score - b.score)
    .map((one) =>
      [
        left(one.scenario, 22),
        right(100 * one.violations, 3, 8),
        right(one.overReference, 3, 8),
        right(one.changesPerHour, 1, 7),
        right(one.score, 1, 7),
        " |",
        ...others.map((other) => right(scoreOf(other, one.scenario), 1, 12))
      ].join("")
    )
  return [head, ...rows]
}

const reached = (value: number | undefined, count: number, of: number): string =>
  `${value === undefined ? "-" : value.toFixed(3)} (${count}/${of})`.padStart(15)

const equals = (sweep: ReadonlyArray<Judged>): ReadonlyArray<string> => {
  const families = [...new Set(sweep.map(({ entrant }) => entrant.split(":")[0] ?? ""))]
  const count = new Set(sweep.map(({ scenario }) => scenario)).size
  return [
    `${left("pod-hours over C*", 22)}       at 1 %         at 3 %    0.3-5 %`,
    ...families.map((family) => {
      const { area, atOne, atOneReached, atThree, atThreeReached } = equalOf(family, sweep)
      return `${left(family, 22)}${reached(atOne, atOneReached, count)}${reached(atThree, atThreeReached, count)}${right(area, 3, 10)}`
    })
  ]
}

const TITLES: Readonly<Record<Section, string>> = {
  main: "Scenarios, our worst first",
  objective: "Objectives: V must fall and R rise from .95 to .999",
  drift: "Pods that come to serve 0.7 of what they did at 30 % of the run, 1.2 times at 70 %",
  lost: "A tenth of the scrapes lost, and all of five minutes",
  cpu: "With the CPU alone every 15 s, and with all signals every 15 s",
  knobs: "At the same share of bad answers, by a sweep of each knob (target utilisation; the objective)",
  choice: "A setting chosen by the other scenarios, judged on each",
  learning: "With Q-learning, with a bad policy planted in it, and with bounded exploration"
}

/** Where the second loses most against the first. */
const worstLoss = (judged: ReadonlyArray<Judged>, first: string, second: string): string => {
  const of = (entrant: string) => judged.filter((one) => one.entrant === entrant)
  const [worst] = of(first)
    .flatMap(({ scenario, score }) => {
      const other = of(second).find((one) => one.scenario === scenario)
      return other === undefined ? [] : [{ scenario, change: other.score - score }]
    })
    .toSorted((left, right) => left.change - right.change)
  return worst === undefined ? "" : `${second}: ${worst.change.toFixed(2)} points at worst (${worst.scenario})`
}

const bodyOf = (section: Section, judged: ReadonlyArray<Judged>, all: Sections): ReadonlyArray<string> => {
  const main = bySeeds(all.main ?? [])
  switch (section) {
    case "main":
      return [...scenarios(judged), "", ...summaries(judged)]
    case "knobs":
      return equals([
        ...judged,
        ...main.filter(({ entrant }) => entrant !== CLAIRVOYANT),
        ...bySeeds(all.objective ?? [])
      ])
    case "choice": {
      const { chosen, mean } = leaveOneOut(judged)
      const counts = [...Map.groupBy(chosen, (name) => name)].map(([name, times]) => `${name} ${times.length} times`)
      return [...summaries(judged), `left out: mean ${mean.toFixed(1)}, chosen: ${counts.join(", ")}`]
    }
    case "drift":
    case "lost": {
      const ofMain = (entrant: string) => summaryOf(entrant, main).meanScore
      const loss = entrantsOf(judged).map((entrant) => {
        const lost = ofMain(entrant) - summaryOf(entrant, judged).meanScore
        return main.length === 0 ? "" : `${entrant} ${lost.toFixed(1)}`
      })
      return [...summaries(judged), ...(main.length === 0 ? [] : [`points lost: ${loss.join(", ")}`])]
    }
    case "learning": {
      // Each beside its own engine without learning, whose name comes before the comma.
      const on = entrantsOf(judged).filter((entrant) => entrant.includes(","))
      const losses = on.map((entrant) => worstLoss(judged, entrant.split(",")[0] ?? OURS, entrant))
      return [...scenarios(judged), "", ...summaries(judged), ...losses]
    }
    case "objective":
    case "cpu":
      return summaries(judged)
  }
}

export const qualityText = (all: Sections): string =>
  Object.entries(all)
    .flatMap(([section, judged]) => {
      const name = section as Section
      const seen = bySeeds(judged)
      return [TITLES[name], "", ...bodyOf(name, seen, all), ""]
    })
    .join("\n")
