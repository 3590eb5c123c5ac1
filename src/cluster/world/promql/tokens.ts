/** A query's words: what Prometheus reads as one piece each, and where in the text a mistake is. */
import { type Matcher, QueryRefused } from "#cluster/world/promql/syntax"

export interface Token {
  readonly kind: "word" | "number" | "text" | "duration" | "sign" | "end"
  readonly text: string
  readonly at: number
}

const TOKENS =
  /(?<space>\s+|#[^\n]*)|(?<duration>\d+(?:ms|[smhdwy])(?:\d+(?:ms|[smhdwy]))*)|(?<number>0[xX][\da-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?<word>[a-zA-Z_:][\w:]*)|(?<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)|(?<sign>==|!=|=~|!~|>=|<=|[-+*/%^()[\]{},=<>@:])/uy

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000
}

/** "5m", "1h30m" */
export const durationMillis = (text: string): number => {
  let millis = 0
  for (const [, amount, unit = ""] of text.matchAll(/(\d+)(ms|[smhdwy])/gu))
    millis += Number(amount) * (UNITS[unit] ?? 0)
  return millis
}

const tokensOf = (query: string): ReadonlyArray<Token> => {
  const tokens: Array<Token> = []
  const pattern = new RegExp(TOKENS.source, TOKENS.flags)
  while (pattern.lastIndex < query.length) {
    const at = pattern.lastIndex
    const groups = pattern.exec(query)?.groups
    if (groups === undefined) throw refused(query, at, `unexpected character: ${JSON.stringify(query[at])}`)
    for (const kind of ["word", "number", "text", "duration", "sign"] as const) {
      const text = groups[kind]
      if (text !== undefined) tokens.push({ kind, text, at })
    }
  }
  return [...tokens, { kind: "end", text: "end of input", at: query.length }]
}

const refused = (query: string, at: number, what: string) => {
  const before = query.slice(0, at).split("\n")
  const place = `${before.length}:${(before.at(-1) ?? "").length + 1}`
  return new QueryRefused("bad_data", `${place}: parse error: ${what}`)
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", a: "\u0007", b: "\b", f: "\f", v: "\v" }

export const unquoted = (text: string): string =>
  text.startsWith("`")
    ? text.slice(1, -1)
    : text
        .slice(1, -1)
        .replace(/\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|(.))/gu, (_, hex: string, unicode: string, one: string) =>
          one === undefined ? String.fromCodePoint(parseInt(hex ?? unicode, 16)) : (ESCAPES[one] ?? one)
        )

/** A matcher that does not match the empty text. */
export const narrows = (op: Matcher["op"], value: string): boolean => {
  switch (op) {
    case "=":
      return value !== ""
    case "!=":
      return value === ""
    case "=~":
      return compiled(value)?.test("") === false
    case "!~":
      return compiled(value)?.test("") === true
  }
}

/** Anchored, as Prometheus' are. RE2 and JavaScript agree on what queries use; what only RE2 has is refused. */
export const compiled = (pattern: string): RegExp | undefined => {
  const folded = pattern.startsWith("(?i)")
  const anchored = `^(?:${folded ? pattern.slice(4) : pattern})$`
  // Without `u` for escapes that need none, which RE2 takes.
  for (const flags of ["su", "s"]) {
    try {
      return new RegExp(anchored, folded ? `${flags}i` : flags)
    } catch {
      continue
    }
  }
  return undefined
}

/** The words of one query, read from left to right. */
export class Words {
  readonly #query: string
  readonly #tokens: ReadonlyArray<Token>
  #next = 0

  constructor(query: string) {
    this.#query = query
    this.#tokens = tokensOf(query)
  }

  peek(): Token {
    return this.#tokens[this.#next] as Token
  }

  take(): Token {
    const token = this.peek()
    if (token.kind !== "end") this.#next++
    return token
  }

  takes(text: string): boolean {
    const is = this.peek().kind !== "text" && this.peek().text.toLowerCase() === text
    if (is) this.#next++
    return is
  }

  expect(text: string, where: string): void {
    if (!this.takes(text)) throw this.unexpected(where, `"${text}"`)
  }

  unexpected(where: string, expected?: string, { at, kind, text } = this.peek()) {
    const found = kind === "end" ? text : JSON.stringify(text)
    return refused(
      this.#query,
      at,
      `unexpected ${found} ${where}` + (expected === undefined ? "" : `, expected ${expected}`)
    )
  }

  unsupported(what: string, at = this.peek().at) {
    return refused(
      this.#query,
      at,
      `${what} is part of PromQL, but the Prometheus of this embedded cluster does not support it`
    )
  }

  skip(): void {
    this.#next++
  }

  refused(at: number, what: string): QueryRefused {
    return refused(this.#query, at, what)
  }
}
