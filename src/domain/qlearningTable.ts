/**
 * What each action was worth in each state, as text: a row per state, so that one tick reads and writes one row and
 * shares all others with the memory before it. The states that were visited longest ago make room for new ones.
 */

/** Visited states kept; a row has at most 21 actions and some 280 characters, so a table is at most some 50,000 characters. */
export const STATES_MAX = 192
export const ACTION_MAX = 10
/** An action that was tried less often is not known well enough to be chosen. */
const VISITS_MIN = 3
/** Beyond this, a count says nothing more and only takes room. */
const VISITS_MAX = 999

export interface Cell {
  readonly action: number
  readonly value: number
  readonly visits: number
}

/** Rows by state, those visited last at the end. */
export type Table = Readonly<Record<string, string>>

const DIGITS = 1e4
/** Beyond what rewards can add up to: whatever says so was not learned. */
const WORTH_MAX = 1e6

const parseCell = (text: string): ReadonlyArray<Cell> => {
  const [action, value, visits] = text.split(":").map(Number)
  if (action === undefined || value === undefined || visits === undefined) return []
  const possible = Number.isInteger(action) && Math.abs(action) <= ACTION_MAX && Math.abs(value) <= WORTH_MAX
  return possible && visits >= 1 ? [{ action, value, visits: Math.min(Math.trunc(visits), VISITS_MAX) }] : []
}

export const rowOf = (table: Table, state: string): ReadonlyArray<Cell> => {
  const text = Object.hasOwn(table, state) ? table[state] : undefined
  return text === undefined || text === "" ? [] : text.split(" ").flatMap(parseCell)
}

const textOf = (row: ReadonlyArray<Cell>): string =>
  row.map(({ action, value, visits }) => `${action}:${Math.round(value * DIGITS) / DIGITS}:${visits}`).join(" ")

/** The best of what is known well enough; of equals the smallest change. */
export const best = (row: ReadonlyArray<Cell>, allowed: (action: number) => boolean = () => true): Cell | undefined => {
  let found: Cell | undefined
  for (const cell of row) {
    if (cell.visits < VISITS_MIN || !allowed(cell.action)) continue
    const ties = found !== undefined && cell.value === found.value && Math.abs(cell.action) < Math.abs(found.action)
    if (found === undefined || cell.value > found.value || ties) found = cell
  }
  return found
}

export interface Transition {
  readonly from: string
  readonly action: number
  readonly reward: number
  readonly to: string
}

export interface Rates {
  readonly learningRate: number
  readonly discountFactor: number
}

/**
 * One step of Q-learning. A state of which nothing is known is taken to be worth what all have been worth so far: to
 * call it worth nothing would make whatever is unknown look best, since rewards are never above 0.
 */
export const learn = (
  table: Table,
  { action, from, reward, to }: Transition,
  { discountFactor, learningRate }: Rates,
  meanReward: number
): Table => {
  const row = rowOf(table, from)
  const usual = meanReward / Math.max(1e-3, 1 - discountFactor)
  const ahead = best(rowOf(table, to))?.value ?? usual
  const worth = reward + discountFactor * ahead
  const before = row.find((cell) => cell.action === action)
  const value = before === undefined ? worth : before.value + learningRate * (worth - before.value)
  const visits = Math.min((before?.visits ?? 0) + 1, VISITS_MAX)
  const next = [...row.filter((cell) => cell.action !== action), { action, value, visits }]
  const text = textOf(next.toSorted((left, right) => left.action - right.action))
  const { [from]: _, ...others } = table
  const kept = Object.entries(others)
  if (kept.length < STATES_MAX) return { ...others, [from]: text }
  return { ...Object.fromEntries(kept.slice(kept.length - STATES_MAX + 1)), [from]: text }
}

/** Actions that lead to a number of replicas within the bounds. */
export const actionsWithin = (replicas: number, bounds: { readonly min: number; readonly max: number }) => {
  const actions: Array<number> = []
  for (let action = -ACTION_MAX; action <= ACTION_MAX; action++) {
    const wanted = replicas + action
    if (action === 0 || (wanted >= bounds.min && wanted <= bounds.max)) actions.push(action)
  }
  return actions
}

const SEPARATOR = ";"

/** The whole table as one text that a manifest can hold. */
export const exportTable = (table: Table): string =>
  Object.entries(table)
    .map(([state, row]) => `${state}=${row}`)
    .join(SEPARATOR)

/** A table that takes the same action in every state without memory readings: to see what a gate makes of it. */
export const plantedTable = (action: number): string =>
  Array.from({ length: 11 * 3 * 5 }, (_, index) => {
    const [busy, trend, share] = [Math.floor(index / 15), Math.floor(index / 5) % 3, index % 5]
    return `c${busy}m-t${trend}r${share}=${action}:5:${VISITS_MAX}`
  }).join(SEPARATOR)

const STATE = /^c(?:\d|10)m[-0-3]t[0-2]r[0-4]$/u

/** What of a text is a table; a state that this version does not know is left out. */
export const importTable = (text: string): Table => {
  const table: Record<string, string> = {}
  for (const part of text.split(SEPARATOR)) {
    const [state = "", row = ""] = part.trim().split("=")
    if (!STATE.test(state)) continue
    const byAction = new Map(row.split(" ").flatMap((cell) => parseCell(cell).map((each) => [each.action, each])))
    const cells = [...byAction.values()]
    if (cells.length > 0 && Object.keys(table).length < STATES_MAX) table[state] = textOf(cells)
  }
  return table
}
