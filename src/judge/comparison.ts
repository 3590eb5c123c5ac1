/** Entrants side by side on one load: what `simulate` and `backtest` show, as text, as JSON and as a page. */
import type { Load } from "#workload/Load"
import type { Entrant } from "./entrants.ts"
import { type Episode, episodesOf } from "./episodes.ts"
import { type Run, run } from "./run.ts"
import { type Scored, scored } from "./score.ts"

export interface Shown {
  readonly name: string
  readonly title: string
  readonly run: Run
  readonly scored: Scored
  readonly episodes: ReadonlyArray<Episode>
}

export interface Comparison {
  readonly title: string
  /** What is assumed, and what is not known. */
  readonly notes: ReadonlyArray<string>
  readonly load: Load
  /** Who knew it all beforehand. */
  readonly ideal: Run
  readonly referencePodHours: number
  /** Ours first. */
  readonly shown: ReadonlyArray<Shown>
  /** The share of answers that must be good. */
  readonly goodFraction: number
}

const EPISODES_MAX = 3

export const shownOf = (
  load: Load,
  ideal: { readonly podHours: number; readonly run: Run },
  { name, title }: Pick<Entrant, "name" | "title">,
  own: Run
): Shown => ({
  name,
  title,
  run: own,
  scored: scored(own, ideal.podHours),
  episodes: episodesOf(load, own, ideal.run, EPISODES_MAX)
})

export const compare = (load: Load, ideal: { readonly podHours: number; readonly run: Run }, entrant: Entrant): Shown =>
  shownOf(load, ideal, entrant, run(load, entrant.make))

const percent = (share: number): string => `${(100 * share).toFixed(share < 0.0995 ? 2 : 1)} %`

/** One sentence for whoever reads no table. */
export const verdict = ({ goodFraction, ideal, load, shown }: Comparison): string => {
  const [ours, ...others] = shown
  if (ours === undefined) return ""
  const allowed = 1 - goodFraction
  const bad = load.workload.kind === "queue" ? "of the messages late" : "bad answers"
  const kept = ours.scored.violations <= allowed ? "keeps" : "misses"
  const more = Math.round(100 * (ours.scored.podHours / Math.max(ideal.podHours, 1e-9) - 1))
  const pods = more === 0 ? "as many pods as" : `${Math.abs(more)} % ${more > 0 ? "more" : "fewer"} pods than`
  const best = others.toSorted((a, b) => b.scored.score - a.scored.score)[0]
  return `${ours.title} ${kept} the objective: ${percent(ours.scored.violations)} ${bad} where ${percent(allowed)} are allowed, with ${pods} somebody who knows the future.${best === undefined ? "" : ` ${besides(ours, best)}`}`
}

/** A tenth of a point is chance. */
const SAME = 0.1

const besides = (ours: Shown, best: Shown): string => {
  const scores = `(score ${best.scored.score.toFixed(1)} to ${ours.scored.score.toFixed(1)})`
  const ahead = best.scored.score - ours.scored.score
  if (Math.abs(ahead) < SAME) return `${best.title} does as well ${scores}.`
  return ahead > 0 ? `${best.title} does better here ${scores}.` : `The best of the others is ${best.title} ${scores}.`
}

/** `policy`: a suggested one, as YAML. */
export const toJson = (comparison: Comparison, policy?: string): string => {
  const { ideal, load, notes, referencePodHours, shown, title } = comparison
  return JSON.stringify({
    title,
    verdict: verdict(comparison),
    notes,
    seconds: load.seconds,
    seed: load.seed,
    workload: load.workload,
    ...(policy === undefined ? {} : { policy }),
    referencePodHours,
    clairvoyant: { violations: ideal.violations, podHours: ideal.podHours, changesPerHour: ideal.changesPerHour },
    results: shown.map(({ episodes, name, run: { changes, utilization }, scored: figures, title }) => ({
      name,
      title,
      violations: figures.violations,
      podHours: figures.podHours,
      overReference: figures.overReference,
      changesPerHour: figures.changesPerHour,
      score: figures.score,
      utilization,
      episodes,
      changes
    }))
  })
}
