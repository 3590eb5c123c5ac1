/** Entrants on one load, each judged by the same reference, and what is said of them over many loads. */
import type { Load } from "#workload/Load"
import type { Entrant } from "./entrants.ts"
import { paretoFront, podHoursAt } from "./front.ts"
import { run } from "./run.ts"
import { BUDGET, type Outcome, type Scored, scored } from "./score.ts"

export interface Judged extends Scored {
  readonly scenario: string
  readonly entrant: string
}

export const outcomeOf = ({ changesPerHour, podHours, violations }: Outcome): Outcome => ({
  violations,
  podHours,
  changesPerHour
})

export const judge = (load: Load, referencePodHours: number, { make, name }: Entrant): Judged => ({
  scenario: load.name,
  entrant: name,
  ...scored(outcomeOf(run(load, make)), referencePodHours)
})

export interface Summary {
  readonly entrant: string
  readonly scenarios: number
  readonly worstScore: number
  readonly worstScenario: string
  readonly meanScore: number
  readonly meanViolations: number
  readonly within: number
  /** Geometric mean. */
  readonly overReference: number
  readonly changesPerHour: number
}

export const meanOf = (numbers: ReadonlyArray<number>): number =>
  numbers.length === 0 ? 0 : numbers.reduce((sum, value) => sum + value, 0) / numbers.length

/** Of one entrant. */
export const summaryOf = (entrant: string, all: ReadonlyArray<Judged>): Summary => {
  const own = all.filter((one) => one.entrant === entrant)
  const worst = own.reduce<Judged | undefined>((a, b) => (a === undefined || b.score < a.score ? b : a), undefined)
  return {
    entrant,
    scenarios: own.length,
    worstScore: worst?.score ?? 0,
    worstScenario: worst?.scenario ?? "",
    meanScore: meanOf(own.map(({ score }) => score)),
    meanViolations: meanOf(own.map(({ violations }) => violations)),
    within: own.filter(({ violations }) => violations <= BUDGET).length,
    overReference: Math.exp(meanOf(own.map(({ overReference }) => Math.log(Math.max(overReference, 1e-9))))),
    changesPerHour: meanOf(own.map(({ changesPerHour }) => changesPerHour))
  }
}

export interface Equal {
  readonly entrant: string
  /** Pod-hours over the reference at 1 % and at 3 % of bad answers, geometric mean where it was reached, and how often that was. */
  readonly atOne: number | undefined
  readonly atOneReached: number
  readonly atThree: number | undefined
  readonly atThreeReached: number
  /** Mean over the shares from 0.3 % to 5 %, evenly by their logarithm; what is not reached counts as UNREACHED. */
  readonly area: number
}

const UNREACHED = 4
const AREA_POINTS = 12
const [AREA_FROM, AREA_TO] = [0.003, 0.05]

/** What an entrant costs at the same share of bad answers, from a sweep of its knob: the part of a name before the colon. */
export const equalOf = (family: string, sweep: ReadonlyArray<Judged>): Equal => {
  const own = sweep.filter(({ entrant }) => entrant.split(":")[0] === family)
  const fronts = [...Map.groupBy(own, ({ scenario }) => scenario).values()].map((points) =>
    paretoFront(points.map(({ overReference, violations }) => ({ violations, podHours: overReference })))
  )
  const at = (violations: number) => fronts.flatMap((front) => podHoursAt(front, violations) ?? [])
  const geometric = (all: ReadonlyArray<number>) =>
    all.length === 0 ? undefined : Math.exp(meanOf(all.map((value) => Math.log(value))))
  const shares = Array.from(
    { length: AREA_POINTS },
    (_, point) => AREA_FROM * (AREA_TO / AREA_FROM) ** (point / (AREA_POINTS - 1))
  )
  const [one, three] = [at(BUDGET), at(3 * BUDGET)]
  return {
    entrant: family,
    atOne: geometric(one),
    atOneReached: one.length,
    atThree: geometric(three),
    atThreeReached: three.length,
    area: meanOf(fronts.map((front) => meanOf(shares.map((share) => podHoursAt(front, share) ?? UNREACHED))))
  }
}

/** For each scenario the best of the others by their mean, judged on it: what a choice is worth where it was not made. */
export const leaveOneOut = (
  all: ReadonlyArray<Judged>
): { readonly mean: number; readonly chosen: ReadonlyArray<string> } => {
  const entrants = [...new Set(all.map(({ entrant }) => entrant))]
  const scenarios = [...new Set(all.map(({ scenario }) => scenario))]
  const scoreOf = (entrant: string, wanted: (scenario: string) => boolean) =>
    meanOf(all.filter((one) => one.entrant === entrant && wanted(one.scenario)).map(({ score }) => score))
  const left = scenarios.map((left) => {
    const [best = ""] = entrants.toSorted(
      (a, b) => scoreOf(b, (scenario) => scenario !== left) - scoreOf(a, (scenario) => scenario !== left)
    )
    return { best, score: scoreOf(best, (scenario) => scenario === left) }
  })
  return { mean: meanOf(left.map(({ score }) => score)), chosen: left.map(({ best }) => best) }
}
