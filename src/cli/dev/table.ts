/** A table that fits: what matters least goes first, what is left shares the width. Text in, lines out. */

export type Tone = "plain" | "good" | "busy" | "bad" | "faint"

export interface Cell {
  readonly text: string
  readonly tone?: Tone
}

export interface Column {
  readonly title: string
  /** Below this it says nothing. */
  readonly min: number
  /** More than this does not help; absent: it takes what is left. */
  readonly max?: number
  /** Columns that do not fit go in this order, the highest first; 0 stays. */
  readonly leaves: number
  readonly right?: boolean
  /** What is newest stands last, so that what does not fit is cut off in front. */
  readonly newestLast?: boolean
}

export interface Look {
  readonly width: number
  readonly colors: boolean
}

const GAP = 2
const CODES: Readonly<Record<Tone, number>> = { plain: 0, good: 32, busy: 33, bad: 31, faint: 90 }

export const paint = (text: string, tone: Tone, colors: boolean): string =>
  colors && tone !== "plain" ? `\u001b[${CODES[tone]}m${text}\u001b[0m` : text

/** One line of one-column characters: what comes from servers must not drive the terminal. */
export const plainText = (text: string): string =>
  // oxlint-disable-next-line no-control-regex
  text.replace(/\s+/gu, " ").replace(/[\u0000-\u001f\u007f-\u009f]/gu, "")

/** In columns, as far as a character is one: good enough for names, numbers and bars. */
export const widthOf = (text: string): number => Array.from(text).length

/** To so many characters, with an ellipsis where something is missing. */
export const cut = (text: string, width: number): string => {
  const characters = Array.from(text)
  if (characters.length <= width) return text
  return width <= 0 ? "" : `${characters.slice(0, width - 1).join("")}…`
}

const fitted = (text: string, width: number, { newestLast = false, right = false }: Column): string => {
  const short = newestLast ? Array.from(text).slice(-width).join("") : cut(text, width)
  const space = " ".repeat(Math.max(0, width - widthOf(short)))
  return right ? space + short : short + space
}

/** Columns that fit, each with its width. */
const layout = (columns: ReadonlyArray<Column>, longest: ReadonlyArray<number>, width: number) => {
  let kept = columns.map((column, index) => ({ column, index, natural: Math.max(column.min, longest[index] ?? 0) }))
  const least = () => kept.reduce((sum, { column, natural }) => sum + GAP + Math.min(column.min, natural), -GAP)
  while (least() > width) {
    const [first] = kept.filter(({ column }) => column.leaves > 0).toSorted((a, b) => b.column.leaves - a.column.leaves)
    if (first === undefined) break
    kept = kept.filter((each) => each !== first)
  }
  let free = Math.max(0, width - least())
  const widths = new Map(kept.map(({ column, index }) => [index, column.min]))
  // Those that stay longest are served first.
  for (const { column, index, natural } of kept.toSorted((a, b) => a.column.leaves - b.column.leaves)) {
    const more = Math.min(free, Math.max(0, Math.min(natural, column.max ?? natural) - column.min))
    widths.set(index, column.min + more)
    free -= more
  }
  return kept.map(({ column, index }) => ({ column, index, width: widths.get(index) ?? column.min }))
}

export const table = (
  columns: ReadonlyArray<Column>,
  rows: ReadonlyArray<ReadonlyArray<Cell>>,
  { colors, width }: Look
): ReadonlyArray<string> => {
  const texts = rows.map((row) => row.map(({ text }) => plainText(text)))
  const longest = columns.map(({ title }, index) =>
    Math.max(title.length, ...texts.map((row) => widthOf(row[index] ?? "")))
  )
  const laid = layout(columns, longest, width)
  const line = (cells: (index: number, column: Column, width: number) => string) =>
    laid.map(({ column, index, width: own }) => cells(index, column, own)).join(" ".repeat(GAP))
  return [
    line((_, column, own) =>
      paint(fitted(column.title, own, { ...column, newestLast: false }), "faint", colors)
    ).trimEnd(),
    ...rows.map((row, at) =>
      line((index, column, own) =>
        paint(fitted(texts[at]?.[index] ?? "", own, column), row[index]?.tone ?? "plain", colors)
      ).trimEnd()
    )
  ]
}

const BARS = "▁▂▃▄▅▆▇█"

/** The course of a number, newest at the right, on a scale that begins at zero. */
export const sparkline = (values: ReadonlyArray<number>, most: number): string => {
  const top = Math.max(1, most, ...values)
  return values.map((value) => BARS[Math.min(7, Math.max(0, Math.ceil((value / top) * 8) - 1))] ?? "▁").join("")
}
