/**
 * The observations of one input, line by line, and the decision for each: the domain's own pipeline, with the memory
 * in between. A line that cannot be understood ends the session, because a decider that skips is one that is wrong.
 */
import * as Result from "effect/Result"
import { Decider } from "#judge/Decider"
import type { Decision } from "#schemas/Decision"
import { measured, missing, type Reading } from "#schemas/Reading"
import { unusable } from "#sources/Source"
import type { PolicyFile } from "#judge/policyFile"

const REPLICAS_MAX = 2 ** 31 - 1
/** Milliseconds that every date can hold. */
export const SECONDS_MAX = 8.64e12
const LINE_CHARS_MAX = 1_000_000
const FIELDS: ReadonlySet<string> = new Set(["t", "replicas", "ready", "signals"])
const EXAMPLE = '{"t": 15, "replicas": 4, "ready": 4, "signals": {"NAME": 120}}'

type Json = Readonly<Record<string, unknown>>

const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

const isCount = (value: unknown): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= REPLICAS_MAX

interface Line {
  readonly t: number
  readonly replicas: number
  readonly ready: number
  readonly signals: Json
  readonly unknown: ReadonlyArray<string>
}

const shown = (value: unknown): string => (value === undefined ? "nothing" : JSON.stringify(value).slice(0, 80))

const parse = (text: string): Result.Result<Line, string> => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return Result.fail(`this is not JSON; write one object on one line, such as ${EXAMPLE}`)
  }
  if (!isJson(value)) return Result.fail(`an observation is an object, such as ${EXAMPLE}`)
  const { ready, replicas, signals, t } = value
  if (typeof t !== "number" || !(Math.abs(t) <= SECONDS_MAX)) {
    return Result.fail(`t is ${shown(t)}; give the time in seconds as a number`)
  }
  if (!isCount(replicas)) {
    return Result.fail(`replicas is ${shown(replicas)}; give a whole number of at least 0`)
  }
  if (ready !== undefined && !isCount(ready)) {
    return Result.fail(`ready is ${shown(ready)}; give a whole number of at least 0, or leave it out`)
  }
  if (!isJson(signals)) {
    return Result.fail(
      `signals is ${shown(signals)}; give an object of name and number, or {} when nothing was measured`
    )
  }
  for (const [name, given] of Object.entries(signals)) {
    if (given === null || typeof given === "number") continue
    return Result.fail(`the signal ${name} is ${shown(given)}; give a number, or null when it was not measured`)
  }
  const unknown = Object.keys(value).filter((field) => !FIELDS.has(field))
  return Result.succeed({ t, replicas, ready: ready ?? replicas, signals, unknown })
}

const NOT_GIVEN = missing("NotGiven", "No value was given for it.")

/** A number is believed as far as the operator's sources believe it. JSON writes infinity as 1e999. */
const readingOf = (name: string, value: unknown, at: number): Reading =>
  typeof value === "number" ? (unusable(value, `The value of ${name}`) ?? measured(value, at)) : NOT_GIVEN

export const answerOf = (t: number, { desired, engine, limitedBy, reason, recommended }: Decision) => ({
  t,
  desired,
  recommended: recommended ?? null,
  limitedBy,
  engine,
  reason
})

export class Session {
  readonly #decider: Decider
  readonly #names: ReadonlySet<string>
  /** Said once each. */
  readonly #warned = new Set<string>()
  #lastT = Number.NEGATIVE_INFINITY
  #line = 0
  #rest = ""
  warnings: Array<string> = []

  constructor(file: PolicyFile) {
    this.#decider = new Decider(file)
    this.#names = new Set(file.policy.signals.map(({ name }) => name))
  }

  /** Answers every line that `text` completes. The failure holds the answers before it. */
  feed(text: string): { readonly out: string; readonly problem?: string } {
    // Only the last piece can be unfinished.
    const lines = (this.#rest + text).split("\n")
    this.#rest = lines.pop() ?? ""
    const answered = this.#answer(lines)
    if (answered.problem !== undefined || this.#rest.length <= LINE_CHARS_MAX) return answered
    return { ...answered, problem: `line ${this.#line + 1}: it does not end; write one observation on each line` }
  }

  /** A last line that nothing ends. */
  end(): { readonly out: string; readonly problem?: string } {
    const last = this.#rest
    this.#rest = ""
    return this.#answer([last])
  }

  #answer(lines: ReadonlyArray<string>): { readonly out: string; readonly problem?: string } {
    let out = ""
    for (const text of lines) {
      this.#line += 1
      if (text.trim() === "") continue
      const line = parse(text)
      if (Result.isFailure(line)) return { out, problem: `line ${this.#line}: ${line.failure}` }
      out += `${JSON.stringify(this.#decide(line.success))}\n`
    }
    return { out }
  }

  #decide(line: Line) {
    this.#look(line)
    const at = Math.round(line.t * 1000)
    const decision = this.#decider.decide({
      at,
      replicas: line.replicas,
      ready: line.ready,
      pods: line.replicas,
      seed: this.#line,
      reading: ({ name }) => readingOf(name, Object.hasOwn(line.signals, name) ? line.signals[name] : null, at)
    })
    return answerOf(line.t, decision)
  }

  /** What is odd and still has one meaning. */
  #look({ signals, t, unknown }: Line): void {
    for (const field of unknown) this.#warn(`the field ${field} is not looked at; use t, replicas, ready and signals`)
    for (const name of Object.keys(signals)) {
      if (this.#names.has(name)) continue
      const known = this.#names.size === 0 ? "none" : [...this.#names].join(", ")
      this.#warn(`the policy has no signal ${name}, so it is not looked at; it has ${known}`)
    }
    if (t < this.#lastT) this.#warn("time goes back here; sort the lines by t")
    this.#lastT = Math.max(t, this.#lastT)
  }

  #warn(what: string): void {
    if (this.#warned.has(what) || this.#warned.size > 100) return
    this.#warned.add(what)
    this.warnings.push(`line ${this.#line}: ${what}`)
  }
}
