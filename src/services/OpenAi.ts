/**
 * The port to a language model that speaks as OpenAI's does: a question in words, an answer of a known shape. Where
 * nobody has configured one it says so at once, and nothing in the operator needs it.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Millis } from "#schemas/Reading"

export interface Question<A> {
  /** Of the answer's shape, for the model. */
  readonly name: string
  /** Our own words; nothing in them comes from a cluster. */
  readonly system: string
  /** What there is to judge, as data. */
  readonly user: string
  readonly answer: Schema.Codec<A, unknown>
  readonly outputTokensMax: number
}

export const OpenAiReason = Schema.Union([
  Schema.TaggedStruct("NotConfigured", {}),
  /** The calls or tokens of this hour are used up. */
  Schema.TaggedStruct("Budget", {}),
  /** It failed several times in a row and is left alone for a while. */
  Schema.TaggedStruct("CircuitOpen", {}),
  Schema.TaggedStruct("Throttled", { retryAfterMillis: Schema.Int }),
  Schema.TaggedStruct("Timeout", {}),
  Schema.TaggedStruct("Unreachable", {}),
  Schema.TaggedStruct("Unauthorized", {}),
  Schema.TaggedStruct("ServerError", { status: Schema.Int }),
  /** The request itself is not understood: the model, or structured output, is not there. */
  Schema.TaggedStruct("Rejected", { status: Schema.Int }),
  /** The question is longer than any that is sent, or than the tokens of a whole hour. */
  Schema.TaggedStruct("TooLong", {}),
  /** Answered, and not in the shape that was asked for. */
  Schema.TaggedStruct("Malformed", {}),
  /** The model would not answer. */
  Schema.TaggedStruct("Refused", {})
])
export type OpenAiReason = typeof OpenAiReason.Type

const remedies = {
  NotConfigured: "Set OPENAI_API_KEY, and OPENAI_BASE_URL for a model of your own.",
  Budget: "Wait, or raise OPENAI_CALLS_PER_HOUR or OPENAI_TOKENS_PER_HOUR.",
  CircuitOpen: "It is asked again within a minute; look at the model's server meanwhile.",
  Throttled: "Ask less often, or raise the limits of the account.",
  Timeout: "Check that the model's server is up and not overloaded, or name a faster model with OPENAI_MODEL.",
  Unreachable: "Check OPENAI_BASE_URL, HTTPS_PROXY and NO_PROXY.",
  Unauthorized: "Set OPENAI_API_KEY to a valid key that may use the model.",
  ServerError: "It is tried again; look at the model's server if it stays so.",
  Rejected: "Set OPENAI_MODEL to a model that knows structured outputs (response_format json_schema).",
  TooLong: "Ask about fewer decisions (explain --last), or raise OPENAI_TOKENS_PER_HOUR.",
  Malformed: "Name a model that keeps to a JSON schema with OPENAI_MODEL.",
  Refused: "Nothing has to be done: no answer changes nothing."
} as const satisfies Record<OpenAiReason["_tag"], string>

export class OpenAiError extends Schema.TaggedError<OpenAiError>()("OpenAiError", {
  reason: OpenAiReason,
  /** What happened, in our words: never the key, the prompt, or what the server said. */
  detail: Schema.String
}) {
  override get message() {
    return `The language model ${this.detail}. ${remedies[this.reason._tag]}`
  }
}

export interface OpenAiService {
  readonly configured: boolean
  /** Names of the cluster are to be kept out of what is asked. */
  readonly pseudonyms: boolean
  /** How long this one of all who ask lets pass between two questions, so that each gets the same share of the hour. */
  readonly paceMillis: (asker: string) => Effect.Effect<number>
  readonly ask: <A>(question: Question<A>) => Effect.Effect<A, OpenAiError>
}

export const NO_MODEL: OpenAiService = {
  configured: false,
  pseudonyms: true,
  paceMillis: () => Effect.succeed(0),
  ask: () => Effect.fail(new OpenAiError({ reason: { _tag: "NotConfigured" }, detail: "is not configured" }))
}

/** Given only where there is a key; else nobody answers. */
export const OpenAi = Context.Reference<OpenAiService>("nimbusguard/services/OpenAi", { defaultValue: () => NO_MODEL })

const HOUR_MILLIS = 3_600_000
/** Who has not been heard of for so long does not want to ask any more. */
const ASKER_MILLIS = 900_000
const COUNT_MILLIS = 60_000
const FAILURES_MAX = 5
const OPEN_MILLIS = 60_000

export interface AdmissionLimits {
  readonly callsPerHour: number
  readonly tokensPerHour: number
}

/** Whether one more request may be made: within the hour's budget, and not to a server that only fails. By a steady clock. */
export class Admission {
  readonly #limits: AdmissionLimits
  #calls: ReadonlyArray<{ readonly at: Millis; tokens: number }> = []
  readonly #askers = new Map<string, Millis>()
  #countedAt: Millis = 0
  #failures = 0
  #closedUntil: Millis = 0
  #throttledUntil: Millis = 0

  constructor(limits: AdmissionLimits) {
    this.#limits = limits
  }

  /** Undefined: it may. `tokens`: what it may use at most. */
  refusal(at: Millis, tokens: number): OpenAiReason | undefined {
    this.#calls = this.#calls.filter((call) => call.at > at - HOUR_MILLIS)
    const used = this.#calls.reduce((sum, call) => sum + call.tokens, 0)
    // No waiting would make room for it, and who waits for it keeps others waiting.
    if (tokens > this.#limits.tokensPerHour) return { _tag: "TooLong" }
    if (this.#calls.length >= this.#limits.callsPerHour || used + tokens > this.#limits.tokensPerHour) {
      return { _tag: "Budget" }
    }
    if (at < this.#throttledUntil) return { _tag: "Throttled", retryAfterMillis: this.#throttledUntil - at }
    return at < this.#closedUntil ? { _tag: "CircuitOpen" } : undefined
  }

  /** The hour's calls, or as many as its tokens are enough for at what calls have used lately, divided among all who ask. */
  paceMillis(at: Millis, asker: string): number {
    this.#askers.set(asker, at)
    if (at >= this.#countedAt + COUNT_MILLIS) {
      this.#countedAt = at
      for (const [other, heardAt] of this.#askers) if (heardAt <= at - ASKER_MILLIS) this.#askers.delete(other)
    }
    const { callsPerHour, tokensPerHour } = this.#limits
    const tokens = this.#calls.reduce((sum, call) => sum + call.tokens, 0)
    const affordable = tokens === 0 ? callsPerHour : (tokensPerHour * this.#calls.length) / tokens
    return Math.ceil((HOUR_MILLIS * this.#askers.size) / Math.max(1, Math.min(callsPerHour, affordable)))
  }

  /** A request that is being made counts as what it may use, until it is known what it has used. */
  begin(at: Millis, tokens: number): (used: number) => void {
    const call = { at, tokens }
    // After the pause one of all who would ask finds out how the server is.
    if (this.#closedUntil > 0) this.#closedUntil = at + OPEN_MILLIS
    this.#calls = [...this.#calls, call]
    return (used) => void (call.tokens = used)
  }

  /** Left alone after several in a row; after the pause one more is enough. */
  failed(at: Millis): void {
    this.#failures++
    if (this.#failures < FAILURES_MAX) return
    this.#closedUntil = at + OPEN_MILLIS
    this.#failures = FAILURES_MAX - 1
  }

  answered(): void {
    this.#failures = 0
    this.#closedUntil = 0
  }

  throttled(until: Millis): void {
    this.#throttledUntil = Math.max(this.#throttledUntil, until)
  }
}
