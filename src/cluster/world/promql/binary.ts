/** Two sides of an operator: numbers with numbers, and series with the series of the other side that has the same labels. */
import { type Labels, NAME } from "#cluster/world/SeriesStore"
import { type Binary, type BinaryOp, COMPARISONS, type Matching, QueryRefused, SET_OPERATORS } from "./syntax.ts"

export interface Point {
  readonly labels: Labels
  readonly value: number
  /** Of the sample itself, where it is one. */
  readonly sampledMillis?: number
}

export type Points = ReadonlyArray<Point>

/** Equal for equal labels. */
export const identityOf = (labels: Labels): string =>
  JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)))

export const without = (labels: Labels, names: ReadonlySet<string>): Labels =>
  Object.fromEntries(Object.entries(labels).filter(([name]) => !names.has(name)))

export const only = (labels: Labels, names: ReadonlyArray<string>): Labels =>
  Object.fromEntries(names.flatMap((name) => ((labels[name] ?? "") === "" ? [] : [[name, labels[name] ?? ""]])))

const NAME_ONLY: ReadonlySet<string> = new Set([NAME])
export const unnamed = (labels: Labels): Labels => (labels[NAME] === undefined ? labels : without(labels, NAME_ONLY))

/** As Prometheus writes labels in its sentences. */
export const labelText = (labels: Labels): string =>
  `{${Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(", ")}}`

const CALCULATIONS: Readonly<Record<string, (a: number, b: number) => number>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "%": (a, b) => a % b,
  "^": (a, b) => a ** b
}

const TESTS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
  ">": (a, b) => a > b,
  "<": (a, b) => a < b,
  ">=": (a, b) => a >= b,
  "<=": (a, b) => a <= b
}

/** Undefined: the comparison does not hold, so there is nothing. */
const combined = (op: BinaryOp, bool: boolean, a: number, b: number, kept = a): number | undefined => {
  const test = TESTS[op]
  if (test === undefined) return CALCULATIONS[op]?.(a, b)
  if (bool) return test(a, b) ? 1 : 0
  return test(a, b) ? kept : undefined
}

export const numbers = ({ op }: Binary, a: number, b: number): number => combined(op, true, a, b) ?? Number.NaN

export const withScalar = ({ bool, op }: Binary, points: Points, scalar: number, side: "left" | "right"): Points => {
  const keepsName = COMPARISONS.has(op) && !bool
  return points.flatMap(({ labels, value }) => {
    const [a, b] = side === "left" ? [scalar, value] : [value, scalar]
    const result = combined(op, bool, a, b, value)
    return result === undefined ? [] : [{ labels: keepsName ? labels : unnamed(labels), value: result }]
  })
}

const groupOf = (matching: Matching | undefined): ((labels: Labels) => Labels) => {
  if (matching?.on === true) return (labels) => only(labels, matching.labels)
  const ignored = new Set([NAME, ...(matching?.labels ?? [])])
  return (labels) => without(labels, ignored)
}

export const vectors = (binary: Binary, left: Points, right: Points): Points => {
  const groupLabels = groupOf(binary.matching)
  return SET_OPERATORS.has(binary.op)
    ? ofSets(binary.op, left, right, groupLabels)
    : oneToOne(binary, left, right, groupLabels)
}

const ofSets = (op: BinaryOp, left: Points, right: Points, groupLabels: (labels: Labels) => Labels): Points => {
  const group = ({ labels }: Point) => identityOf(groupLabels(labels))
  if (op === "or") {
    const there = new Set(left.map(group))
    return [...left, ...right.filter((point) => !there.has(group(point)))]
  }
  const there = new Set(right.map(group))
  return left.filter((point) => there.has(group(point)) === (op === "and"))
}

const oneToOne = (
  { bool, matching, op }: Binary,
  left: Points,
  right: Points,
  groupLabels: (labels: Labels) => Labels
): Points => {
  const others = new Map<string, Point>()
  for (const point of right) {
    const group = identityOf(groupLabels(point.labels))
    const twin = others.get(group)
    if (twin !== undefined) {
      const both = `[${labelText(point.labels)}, ${labelText(twin.labels)}]`
      throw new QueryRefused(
        "execution",
        `found duplicate series for the match group ${labelText(groupLabels(point.labels))} on the right hand-side of the operation: ${both};many-to-many matching not allowed: matching labels must be unique on one side`
      )
    }
    others.set(group, point)
  }
  const keepsName = COMPARISONS.has(op) && !bool
  const matched = new Set<string>()
  return left.flatMap(({ labels, value }) => {
    const group = identityOf(groupLabels(labels))
    const other = others.get(group)
    if (other === undefined) return []
    const result = combined(op, bool, value, other.value)
    if (result === undefined) return []
    if (matched.has(group)) {
      const sentence = "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
      throw new QueryRefused("execution", sentence)
    }
    matched.add(group)
    const kept = keepsName && matching?.on !== true ? without(labels, new Set(matching?.labels)) : groupLabels(labels)
    return [{ labels: kept, value: result }]
  })
}
