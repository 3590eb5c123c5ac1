/** What one look at the terminal shows: a line about the world, the table, the latest happenings and where to go. */
import type { Happening } from "#cli/dev/Board"
import { cellsOf, COLUMNS, podsShown, policyName, type Row } from "#cli/dev/rows"
import { cut, paint, plainText, table } from "#cli/dev/table"

export interface Pace {
  readonly startedAt: number
  readonly now: number
  /** As asked for. */
  readonly speed: number
  /** As the machine manages it. */
  readonly achieved: number
}

export interface Page {
  readonly scenario: string
  readonly pace: Pace
  readonly rows: ReadonlyArray<Row>
  /** Newest last. */
  readonly happenings: ReadonlyArray<Happening>
  readonly footer: string
}

export interface PageLook {
  readonly columns: number
  readonly lines: number
  readonly colors: boolean
}

const two = (value: number): string => String(value).padStart(2, "0")

/** The local time of day: what stands on the wall beside the terminal. */
export const clockText = (at: number): string => {
  const date = new Date(at)
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":")
}

export const elapsedText = (millis: number): string => {
  const seconds = Math.max(0, Math.floor(millis / 1000))
  const days = Math.floor(seconds / 86_400)
  const rest = [Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60].map(two).join(":")
  return days === 0 ? rest : `${days}d ${rest}`
}

/** Behind by so much, it is worth a word. */
const BEHIND = 0.9

export const paceText = ({ achieved, now, speed, startedAt }: Pace): string => {
  const behind = achieved < speed * BEHIND ? ` (this machine manages ${Math.max(1, Math.round(achieved))}x)` : ""
  const pace = speed === 1 ? "" : ` at ${speed}x${behind}`
  return `${clockText(now)}, ${elapsedText(now - startedAt)} in${pace}`
}

export const happeningText = ({ at, text }: Happening): string => `${clockText(at)} ${plainText(text)}`

/** Room for the latest happenings is kept even where many policies are. */
const HAPPENINGS_MIN = 4
const HAPPENINGS_MAX = 12
/** The line about the world, an empty one, the table's titles, an empty one, and the footer. */
const FRAME = 5

export const pageLines = (page: Page, { colors, columns, lines }: PageLook): ReadonlyArray<string> => {
  // One column stays free: a full line would wrap on some terminals.
  const width = Math.max(20, columns - 1)
  const free = Math.max(1, lines - 1 - FRAME)
  const below = Math.min(HAPPENINGS_MAX, Math.max(HAPPENINGS_MIN, free - page.rows.length))
  const roomForRows = Math.max(1, free - Math.min(below, Math.max(0, free - 1)))
  const shown = page.rows.slice(0, roomForRows)
  const hidden = page.rows.length - shown.length
  const cells = shown.map((row) => cellsOf(row, page.pace.now))
  const room = Math.max(0, Math.min(below, free - shown.length))
  const happenings = page.happenings
    .slice(Math.max(0, page.happenings.length - room))
    .map((each) => paint(cut(happeningText(each), width), each.tone, colors))
  const more = hidden === 0 ? "" : `; ${hidden} more than fit: kubectl get scalers -A`
  return [
    cut(`NimbusGuard dev: ${page.scenario}, ${paceText(page.pace)}${more}`, width),
    "",
    ...table(COLUMNS, cells, { width, colors }),
    "",
    ...happenings,
    paint(cut(page.footer, width), "faint", colors)
  ]
}

/** For output that is no terminal: how everything stands, in one line. */
export const summaryLine = (rows: ReadonlyArray<Row>, changes: number): string => {
  const phases = Object.entries(Object.groupBy(rows, ({ phase }) => phase)).map(
    ([phase, some]) => `${some.length} ${phase}`
  )
  const replicas = rows.flatMap((row) => {
    const pods = podsShown(row)
    return pods === undefined ? [] : [`${row.target?.name ?? policyName(row.policy)} ${pods.ready}/${pods.wanted}`]
  })
  const changed = changes === 1 ? "1 change" : `${changes} changes`
  return `summary: ${phases.join(", ")}; ${changed} in the last minute; ready/wanted: ${replicas.join(", ")}`
}
