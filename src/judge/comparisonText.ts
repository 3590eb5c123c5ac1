/** A comparison for a terminal. */
import { type Comparison, verdict } from "./comparison.ts"
import { tell } from "./episodes.ts"
import type { Outcome } from "./score.ts"
import { scored } from "./score.ts"

const HEAD = ["", "bad answers", "pod-hours", "over best", "changes/h", "CPU", "score"]

const cells = (title: string, outcome: Outcome, referencePodHours: number, utilization: number) => {
  const { changesPerHour, overReference, podHours, score, violations } = scored(outcome, referencePodHours)
  return [
    title,
    `${(100 * violations).toFixed(3)} %`,
    podHours.toFixed(1),
    overReference.toFixed(3),
    changesPerHour.toFixed(1),
    `${Math.round(100 * utilization)} %`,
    score.toFixed(1)
  ]
}

export const rowsOf = ({ ideal, referencePodHours, shown }: Comparison): ReadonlyArray<ReadonlyArray<string>> => [
  ...shown.map(({ run, title }) => cells(title, run, referencePodHours, run.utilization)),
  cells("Who knows the future", ideal, referencePodHours, ideal.utilization)
]

export const HEADS: ReadonlyArray<string> = HEAD

const aligned = (rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ")
      .trimEnd()
  )
}

export const toText = (comparison: Comparison): string => {
  const { notes, shown, title } = comparison
  const wrong = shown.flatMap(({ episodes, title }) =>
    episodes.slice(0, 1).map((episode) => `  ${title}: at ${tell(episode)}`)
  )
  return [
    title,
    ...notes.map((note) => `  ${note}`),
    "",
    ...aligned([HEAD, ...rowsOf(comparison)]),
    "",
    verdict(comparison),
    ...(wrong.length === 0 ? [] : ["", "Where each went wrong most:", ...wrong])
  ].join("\n")
}
