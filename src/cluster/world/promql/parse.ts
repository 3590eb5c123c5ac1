/**
 * From the text of a query to what it is made of: the part of PromQL that policies, examples and dashboards use. What
 * the real language has beyond that is refused by name, so that nobody takes an answer for what it is not.
 */
import {
  type AggregateOp,
  AGGREGATES,
  type Binary,
  type BinaryOp,
  type Expression,
  FUNCTIONS,
  type Grouping,
  type Matcher,
  type Matching,
  misfit,
  NOT_HERE,
  QueryRefused,
  SET_OPERATORS,
  type Selector,
  typeOf,
  type ValueType
} from "#cluster/world/promql/syntax"
import { compiled, durationMillis, narrows, type Token, unquoted, Words } from "#cluster/world/promql/tokens"

const PRECEDENCE: ReadonlyMap<string, number> = new Map(
  [["or"], ["and", "unless"], ["==", "!=", ">", "<", ">=", "<="], ["+", "-"], ["*", "/", "%"], ["^"]].flatMap(
    (operators, index) => operators.map((op) => [op, index + 1] as const)
  )
)
const POWER = 6
/** A query is a line that a person wrote; what nests deeper would end in a full stack. */
const DEPTH_MAX = 64

const NAMES: Readonly<Record<ValueType, string>> = {
  scalar: "scalar",
  vector: "instant vector",
  matrix: "range vector"
}

/** What stands between parentheses and commas, and where. */
interface Part {
  readonly at: number
  readonly expression: Expression
}

class Parser extends Words {
  #depth = 0

  whole(): Expression {
    if (this.peek().kind === "end")
      throw new QueryRefused("bad_data", "unknown position: parse error: no expression found in input")
    const expression = this.#binary(0)
    if (this.peek().kind !== "end") throw this.unexpected("in the query")
    return expression
  }

  #typed({ at, expression }: Part, wanted: ValueType, where: string): Expression {
    const type = typeOf(expression)
    if (type === wanted) return expression
    throw this.refused(at, `expected type ${NAMES[wanted]} in ${where}, got ${NAMES[type]}`)
  }

  #binary(least: number): Expression {
    if (this.#depth++ > DEPTH_MAX) throw this.unsupported(`a query nested deeper than ${DEPTH_MAX}`)
    const begin = this.peek().at
    let left = this.#unary()
    for (;;) {
      const { at, kind, text } = this.peek()
      const op = kind === "sign" || kind === "word" ? text.toLowerCase() : ""
      if (op === "atan2") throw this.unsupported("atan2")
      const precedence = PRECEDENCE.get(op)
      if (precedence === undefined || precedence < least) break
      this.skip()
      const bool = this.takes("bool")
      const matching = this.#matching()
      const right = this.#binary(precedence === POWER ? precedence : precedence + 1)
      const binary: Binary = { tag: "Binary", op: op as BinaryOp, bool, matching, left, right }
      const wrong = misfit(binary)
      if (wrong !== undefined) throw this.refused(SET_OPERATORS.has(op) ? begin : at, wrong)
      left = binary
    }
    this.#depth--
    return left
  }

  #matching(): Matching | undefined {
    const on = this.takes("on")
    if (!on && !this.takes("ignoring")) return undefined
    const labels = this.#labels()
    const { text } = this.peek()
    if (["group_left", "group_right"].includes(text.toLowerCase())) throw this.unsupported(text)
    return { on, labels }
  }

  #unary(): Expression {
    const { at, kind, text } = this.peek()
    if (kind !== "sign" || (text !== "-" && text !== "+")) return this.#postfixed()
    this.skip()
    const of = this.#binary(POWER)
    if (typeOf(of) === "matrix")
      throw this.refused(
        at,
        'unary expression only allowed on expressions of type scalar or instant vector, got "range vector"'
      )
    return text === "+" ? of : { tag: "Negated", of }
  }

  #postfixed(): Expression {
    const { at } = this.peek()
    const expression = this.#primary()
    if (this.peek().text === "[" && this.peek().kind === "sign") {
      if (expression.tag !== "Selector" || expression.rangeMillis !== undefined)
        throw this.unsupported("a subquery", at)
      this.skip()
      const range = this.#duration("in a range")
      if (this.peek().text === ":") throw this.unsupported("a subquery", at)
      this.expect("]", "in a range")
      return this.#shifted({ ...expression, rangeMillis: range })
    }
    return this.#shifted(expression)
  }

  #shifted(expression: Expression): Expression {
    const { at, text } = this.peek()
    if (text === "@") throw this.unsupported("the @ modifier")
    if (this.peek().kind !== "word" || !this.takes("offset")) return expression
    if (expression.tag !== "Selector") {
      const what =
        "offset modifier must be preceded by an instant vector selector or range vector selector or a subquery"
      throw this.refused(at, `${what}, but follows ${JSON.stringify(text)}`)
    }
    const sign = this.takes("-") ? -1 : 1
    const offsetMillis = sign * this.#duration("after offset")
    if (this.peek().text === "[") throw this.unexpected("after offset")
    if (this.peek().text === "@") throw this.unsupported("the @ modifier")
    return { ...expression, offsetMillis }
  }

  #duration(where: string): number {
    const { kind, text } = this.peek()
    if (kind !== "duration") throw this.unexpected(where, "a duration such as 5m")
    this.skip()
    const millis = durationMillis(text)
    if (millis === 0) throw this.refused(this.peek().at, "duration must be greater than 0")
    return millis
  }

  #primary(): Expression {
    const { at, kind, text } = this.peek()
    if (kind === "number") {
      this.skip()
      return { tag: "Number", value: Number(text) }
    }
    if (kind === "text") throw this.unsupported("a string")
    if (kind === "sign" && text === "{") return this.#selector(undefined)
    if (kind === "sign" && text === "(") {
      this.skip()
      const inner = this.#binary(0)
      this.expect(")", "in parentheses")
      return inner
    }
    if (kind !== "word") throw this.unexpected("in the query")
    this.skip()
    const word = text.toLowerCase()
    const opens = this.peek().kind === "sign" && this.peek().text === "("
    const groups = this.peek().kind === "word" && ["by", "without"].includes(this.peek().text.toLowerCase())
    if (AGGREGATES.has(word) && (opens || groups)) return this.#aggregate(word as AggregateOp)
    if ((opens || groups) && NOT_HERE.has(word)) throw this.unsupported(word, at)
    if (opens) return this.#call(text, at)
    if (word === "nan" || word === "inf") return { tag: "Number", value: word === "nan" ? Number.NaN : Infinity }
    return this.#selector(text)
  }

  #selector(name: string | undefined): Selector {
    const matchers: Array<Matcher> = []
    const { at } = this.peek()
    if (this.peek().kind === "sign" && this.takes("{")) {
      while (!this.takes("}")) {
        const label = this.take()
        if (label.kind !== "word") throw this.unexpected("in label matching", 'a label or "}"', label)
        const op = this.take()
        if (!["=", "!=", "=~", "!~"].includes(op.text))
          throw this.unexpected("in label matching", "label matching operator", op)
        const value = this.take()
        if (value.kind !== "text") throw this.unexpected("in label matching", "string", value)
        matchers.push(this.#matcher(label.text, op.text as Matcher["op"], value))
        if (!this.takes(",") && this.peek().text !== "}") throw this.unexpected("in label matching", '"," or "}"')
      }
    }
    if (name === undefined && !matchers.some(({ op, value }) => narrows(op, value)))
      throw this.refused(at, "vector selector must contain at least one non-empty matcher")
    return { tag: "Selector", name, matchers, offsetMillis: 0 }
  }

  #matcher(label: string, op: Matcher["op"], { at, text }: Token): Matcher {
    const value = unquoted(text)
    if (op === "=~" || op === "!~") {
      const pattern = compiled(value)
      if (pattern === undefined)
        throw this.refused(
          at,
          `error parsing regexp: ${JSON.stringify(value)} is not one that this cluster's Prometheus can read`
        )
    }
    return { label, op, value }
  }

  #labels(): ReadonlyArray<string> {
    this.expect("(", "in grouping opts")
    const labels: Array<string> = []
    while (!this.takes(")")) {
      const label = this.take()
      if (label.kind !== "word") throw this.unexpected("in grouping opts", "label", label)
      labels.push(label.text)
      if (!this.takes(",") && this.peek().text !== ")") throw this.unexpected("in grouping opts", '"," or ")"')
    }
    return labels
  }

  #grouping(): Grouping | undefined {
    const by = this.takes("by")
    if (!by && !this.takes("without")) return undefined
    return { without: !by, labels: this.#labels() }
  }

  #aggregate(op: AggregateOp): Expression {
    const before = this.#grouping()
    const { at } = this.peek()
    const parts = this.#parts()
    const [part] = parts
    if (part === undefined || parts.length > 1)
      throw this.refused(
        at,
        `wrong number of arguments for aggregate expression provided, expected 1, got ${parts.length}`
      )
    const grouping = before ?? this.#grouping() ?? { without: false, labels: [] }
    return { tag: "Aggregate", op, grouping, of: this.#typed(part, "vector", "aggregation expression") }
  }

  #parts(): ReadonlyArray<Part> {
    this.expect("(", "in call")
    const parts: Array<Part> = []
    while (!this.takes(")")) {
      parts.push({ at: this.peek().at, expression: this.#binary(0) })
      if (!this.takes(",") && this.peek().text !== ")") throw this.unexpected("in call", '"," or ")"')
    }
    return parts
  }

  #call(name: string, at: number): Expression {
    const known = FUNCTIONS[name]
    if (known === undefined || !Object.hasOwn(FUNCTIONS, name))
      throw this.refused(at, `unknown function with name ${JSON.stringify(name)}`)
    const parts = this.#parts()
    const { takes } = known
    if (parts.length !== takes.length)
      throw this.refused(
        at,
        `expected ${takes.length} argument(s) in call to ${JSON.stringify(name)}, got ${parts.length}`
      )
    const where = `call to function ${JSON.stringify(name)}`
    return { tag: "Call", name, parts: parts.map((part, index) => this.#typed(part, takes[index] ?? "vector", where)) }
  }
}

export const parse = (query: string): Expression => new Parser(query).whole()
