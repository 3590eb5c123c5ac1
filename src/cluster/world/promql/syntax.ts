/** What a query is made of, and how a query is refused: in the words and with the errors of Prometheus itself. */

export type ValueType = "scalar" | "vector" | "matrix"

export interface Matcher {
  readonly label: string
  readonly op: "=" | "!=" | "=~" | "!~"
  readonly value: string
}

export interface Selector {
  readonly tag: "Selector"
  readonly name: string | undefined
  readonly matchers: ReadonlyArray<Matcher>
  /** Present: a range vector. */
  readonly rangeMillis?: number
  readonly offsetMillis: number
}

export type AggregateOp = "sum" | "avg" | "min" | "max" | "count"

export interface Grouping {
  readonly without: boolean
  readonly labels: ReadonlyArray<string>
}

export interface Matching {
  readonly on: boolean
  readonly labels: ReadonlyArray<string>
}

export type BinaryOp =
  | "+"
  | "-"
  | "*"
  | "/"
  | "%"
  | "^"
  | "=="
  | "!="
  | ">"
  | "<"
  | ">="
  | "<="
  | "and"
  | "or"
  | "unless"

export interface Binary {
  readonly tag: "Binary"
  readonly op: BinaryOp
  readonly bool: boolean
  readonly matching: Matching | undefined
  readonly left: Expression
  readonly right: Expression
}

export interface Call {
  readonly tag: "Call"
  readonly name: string
  readonly parts: ReadonlyArray<Expression>
}

export interface Aggregate {
  readonly tag: "Aggregate"
  readonly op: AggregateOp
  readonly grouping: Grouping
  readonly of: Expression
}

export type Expression =
  | { readonly tag: "Number"; readonly value: number }
  | { readonly tag: "Negated"; readonly of: Expression }
  | Selector
  | Call
  | Aggregate
  | Binary

/** As the API's `errorType`: a query that cannot be read, and one that cannot be carried out. */
export class QueryRefused extends Error {
  readonly errorType: "bad_data" | "execution"
  constructor(errorType: "bad_data" | "execution", sentence: string) {
    super(sentence)
    this.errorType = errorType
  }
}

export const COMPARISONS: ReadonlySet<string> = new Set(["==", "!=", ">", "<", ">=", "<="])
export const SET_OPERATORS: ReadonlySet<string> = new Set(["and", "or", "unless"])

/** What a function takes and gives. */
export const FUNCTIONS: Readonly<
  Record<string, { readonly takes: ReadonlyArray<ValueType>; readonly gives: ValueType }>
> = {
  rate: { takes: ["matrix"], gives: "vector" },
  increase: { takes: ["matrix"], gives: "vector" },
  irate: { takes: ["matrix"], gives: "vector" },
  delta: { takes: ["matrix"], gives: "vector" },
  avg_over_time: { takes: ["matrix"], gives: "vector" },
  min_over_time: { takes: ["matrix"], gives: "vector" },
  max_over_time: { takes: ["matrix"], gives: "vector" },
  sum_over_time: { takes: ["matrix"], gives: "vector" },
  count_over_time: { takes: ["matrix"], gives: "vector" },
  last_over_time: { takes: ["matrix"], gives: "vector" },
  stddev_over_time: { takes: ["matrix"], gives: "vector" },
  quantile_over_time: { takes: ["scalar", "matrix"], gives: "vector" },
  histogram_quantile: { takes: ["scalar", "vector"], gives: "vector" },
  clamp: { takes: ["vector", "scalar", "scalar"], gives: "vector" },
  clamp_min: { takes: ["vector", "scalar"], gives: "vector" },
  clamp_max: { takes: ["vector", "scalar"], gives: "vector" },
  abs: { takes: ["vector"], gives: "vector" },
  ceil: { takes: ["vector"], gives: "vector" },
  floor: { takes: ["vector"], gives: "vector" },
  timestamp: { takes: ["vector"], gives: "vector" },
  absent: { takes: ["vector"], gives: "vector" },
  vector: { takes: ["scalar"], gives: "vector" },
  scalar: { takes: ["vector"], gives: "scalar" },
  time: { takes: [], gives: "scalar" }
}

export const AGGREGATES: ReadonlySet<string> = new Set<AggregateOp>(["sum", "avg", "min", "max", "count"])

/** What the real one knows and this one has not: told apart from a misspelt word. */
export const NOT_HERE: ReadonlySet<string> = new Set(
  (
    "topk bottomk quantile stddev stdvar group count_values limitk limit_ratio absent_over_time stdvar_over_time " +
    "present_over_time mad_over_time changes day_of_month day_of_week day_of_year days_in_month deriv exp holt_winters " +
    "double_exponential_smoothing hour idelta label_join label_replace ln log10 log2 minute month pi predict_linear resets " +
    "round sgn sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh deg rad sort sort_desc sort_by_label " +
    "sort_by_label_desc sqrt year histogram_count histogram_sum histogram_fraction histogram_avg info"
  ).split(" ")
)

export const typeOf = (expression: Expression): ValueType => {
  switch (expression.tag) {
    case "Number":
      return "scalar"
    case "Negated":
      return typeOf(expression.of)
    case "Selector":
      return expression.rangeMillis === undefined ? "vector" : "matrix"
    case "Aggregate":
      return "vector"
    case "Call":
      return FUNCTIONS[expression.name]?.gives ?? "vector"
    case "Binary":
      return typeOf(expression.left) === "scalar" && typeOf(expression.right) === "scalar" ? "scalar" : "vector"
  }
}

/** Why the two sides do not go together, in Prometheus' own words. */
export const misfit = ({ bool, left, matching, op, right }: Binary): string | undefined => {
  const types = [typeOf(left), typeOf(right)]
  if (types.includes("matrix")) return "binary expression must contain only scalar and instant vector types"
  const comparison = COMPARISONS.has(op)
  if (bool && !comparison) return "bool modifier can only be used on comparison operators"
  const scalars = types.filter((type) => type === "scalar").length
  if (scalars === 2 && comparison && !bool) return "comparisons between scalars must use BOOL modifier"
  if (scalars > 0 && SET_OPERATORS.has(op)) return `set operator "${op}" not allowed in binary scalar expression`
  if (scalars > 0 && matching !== undefined) return "vector matching only allowed between instant vectors"
  return undefined
}
