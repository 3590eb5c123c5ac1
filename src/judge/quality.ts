/**
 * What is tried to say how good the default decides: which entrants meet which scenarios, in sections that each answer
 * one question. A job is one scenario of one section, so that whoever runs them can show how far it is.
 */
import { hashOf } from "#domain/hash"
import { plantedTable } from "#domain/qlearningTable"
import { type Load, loadOf, type Scenario } from "#workload/Load"
import { capacityOf, PLANTS, WEB } from "#workload/Workload"
import type { Seed } from "#workload/words"
import { referenceOf } from "./clairvoyant.ts"
import { judge, type Judged, outcomeOf } from "./contest.ts"
import { type Entrant, type Own, ownEntrant, rivalEntrant, USUAL_RIVALS } from "./entrants.ts"
import type { MakeRival } from "./Rival.ts"
import type { RivalName } from "./rivals/index.ts"
import { run } from "./run.ts"
import { drifting, losing } from "./scenarios.ts"
import { type Outcome, scored } from "./score.ts"

export const SECTIONS = ["main", "objective", "drift", "lost", "cpu", "knobs", "choice", "learning"] as const
export type Section = (typeof SECTIONS)[number]

/** What the clairvoyant came to, which takes longer than all others together and changes only with the plants. */
export interface Measure extends Outcome {
  readonly reference: number
}

export type References = Readonly<Record<string, Measure>>

export interface Job {
  readonly section: Section
  readonly scenario: Scenario
  readonly seed: Seed
  readonly entrants: ReadonlyArray<Entrant>
}

const OBJECTIVES = [0.95, 0.98, 0.995, 0.999]
const TARGETS = [0.4, 0.5, 0.6, 0.8, 0.9]
export const OURS = "auto"
const CPU_INTERVAL_SECONDS = 15

const SWEPT: ReadonlyArray<RivalName> = USUAL_RIVALS

export interface Wanted {
  readonly scenarios: ReadonlyArray<Scenario>
  readonly seeds: ReadonlyArray<Seed>
  readonly sections: ReadonlyArray<Section>
  readonly rivals: ReadonlyArray<RivalName>
  /** Settings of `auto` among which one is chosen by the other scenarios. */
  readonly tries: ReadonlyArray<Own["auto"]>
}

/** Ten pods fewer, whatever the state, and nothing that could teach it better. */
export const PLANTED = { learningRate: 0, learned: plantedTable(-10) }

/** One engine without learning, and with all that learning may be. */
const learningOn = (engine: string, own: Own): ReadonlyArray<Entrant> => [
  ownEntrant(engine, engine === OURS ? "NimbusGuard" : "By target", own),
  ownEntrant(`${engine}, learning`, "With Q-learning", { ...own, qLearning: {} }),
  ownEntrant(`${engine}, planted`, "With a bad policy planted", { ...own, qLearning: PLANTED }),
  ownEntrant(`${engine}, bounded`, "With bounded exploration", { ...own, qLearning: { exploration: "Bounded" } })
]

const entrantsOf = (section: Section, { rivals, tries }: Wanted): ReadonlyArray<Entrant> => {
  const ours = ownEntrant(OURS, "NimbusGuard")
  const against = rivals.map((name) => rivalEntrant(name))
  switch (section) {
    case "main":
    case "drift":
    case "lost":
      return [ours, ...against]
    case "objective":
      return OBJECTIVES.map((goodFraction) => ownEntrant(`${OURS}:${goodFraction}`, "NimbusGuard", { goodFraction }))
    case "cpu":
      return [
        ownEntrant(`${OURS}, CPU alone`, "CPU alone", { cpuOnly: true, intervalSeconds: CPU_INTERVAL_SECONDS }),
        ownEntrant(`${OURS}, 15 s`, "Every 15 s", { intervalSeconds: CPU_INTERVAL_SECONDS })
      ]
    case "knobs":
      return SWEPT.flatMap((name) => TARGETS.map((target) => rivalEntrant(name, target)))
    case "choice":
      return tries.map((auto = {}) => ownEntrant(JSON.stringify(auto), "NimbusGuard", { auto }))
    case "learning":
      return [...learningOn(OURS, {}), ...learningOn("target", { byTarget: true })]
  }
}

const CHANGED: Partial<Readonly<Record<Section, (scenario: Scenario) => Scenario>>> = { drift: drifting, lost: losing }

/** Section by section, so that what matters most is known first. */
export const jobsOf = (wanted: Wanted): ReadonlyArray<Job> =>
  wanted.sections.flatMap((section) => {
    const entrants = entrantsOf(section, wanted)
    const change = CHANGED[section] ?? ((scenario: Scenario) => scenario)
    if (entrants.length === 0) return []
    return wanted.scenarios.flatMap((scenario) =>
      wanted.seeds.map((seed) => ({ section, scenario: change(scenario), seed, entrants }))
    )
  })

const SAMPLE_SECONDS = 600
const DRIFT = [{ fromSeconds: 400, factor: 0.7 }]

/** Short, and so steep that pods start too late for some of it even for those who know it beforehand. */
const SAMPLES: ReadonlyArray<Scenario> = [PLANTS["web"] ?? WEB, PLANTS["queue"] ?? WEB].map((usual) => ({
  name: usual.kind,
  workload: { ...usual, startupSeconds: 30, drift: DRIFT },
  traffic: (second) => capacityOf(usual) * (second % 90 < 60 ? 2 : second % 7 < 2 ? 50 : 15),
  seconds: SAMPLE_SECONDS
}))

/** So few pods for so long that work waits, is late and is dropped. */
const tooLate: MakeRival = () => ({ intervalSeconds: 120, begins: 4, decide: () => 12 })

/** Another one where plants or the clairvoyant are others than they were, and no reference that was kept holds any more. */
export const plantHash = (): string =>
  hashOf(
    SAMPLES.map((sample) => {
      const load = loadOf(sample, 1)
      return [outcomeOf(run(load, tooLate)), measureOf(load)]
    })
  )

const keyOf = ({ arrivals, factors, name, seconds, seed, workload }: Load, plants: string): string => {
  const { lost: _, ...plant } = workload
  const sum = (numbers: Float64Array) => numbers.reduce((total, value) => total + value, 0)
  return `${name} ${hashOf({ plants, seconds, seed: String(seed), plant, arrivals: sum(arrivals), factors: sum(factors) })}`
}

export interface Done {
  readonly section: Section
  readonly judged: ReadonlyArray<Judged>
  /** What was found out about the reference, to be known the next time. */
  readonly references: References
}

export const CLAIRVOYANT = "clairvoyant"

/** `plants`: as plantHash says of them. */
export const workOff = ({ entrants, scenario, section, seed }: Job, known: References, plants: string): Done => {
  const load = loadOf(scenario, seed)
  const key = keyOf(load, plants)
  const measure = known[key] ?? measureOf(load)
  const ideal = { scenario: load.name, entrant: CLAIRVOYANT, ...scored(measure, measure.reference) }
  const judged = entrants.map((entrant) => judge(load, measure.reference, entrant))
  return { section, judged: section === "main" ? [...judged, ideal] : judged, references: { [key]: measure } }
}

const measureOf = (load: Load): Measure => {
  const { podHours, run } = referenceOf(load)
  return { ...outcomeOf(run), reference: podHours }
}
