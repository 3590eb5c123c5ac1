/**
 * The language model over HTTP: chat completions with a JSON schema for the answer, through the operator's own Egress.
 * It waits as long as Retry-After says, gives up early, spends no more than the hour's budget, keeps an answer for
 * five minutes, and lets neither key nor prompt out of its hands.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { toCodecOpenAI } from "effect/ai/OpenAiStructuredOutput"
import { Egress, type EgressAnswer, EgressError } from "#services/Egress"
import { parseJson } from "#services/jsonBody"
import { keptAnswers } from "#services/keptAnswers"
import { Metrics } from "#services/Metrics"
import { Admission, OpenAi, OpenAiError, type OpenAiReason, type OpenAiService, type Question } from "#services/OpenAi"
import { Settings } from "#services/Settings"
import { steadyMillis } from "#services/steadyMillis"

const TIMEOUT_MILLIS = 20_000
const RETRIES = 2
const PAUSE_MILLIS = 1_000
/** Whoever asks for a longer pause than this is not waited for; until it is over, nobody is asked. */
const PAUSE_MAX_MILLIS = 30_000
const RETRY_AFTER_MAX_MILLIS = 3_600_000
const CACHED = "5 minutes"
const ANSWERS_KEPT = 256
/** Of English and JSON, about; only the budget goes by it, until the answer says what was used. */
const CHARS_PER_TOKEN = 3
const CHARS_MAX = 60_000

/** What of the published shape is read. */
const Completion = Schema.Struct({
  id: Schema.optionalKey(Schema.String),
  model: Schema.optionalKey(Schema.String),
  choices: Schema.NonEmptyArray(
    Schema.Struct({
      finish_reason: Schema.optionalKey(Schema.NullOr(Schema.String)),
      message: Schema.Struct({
        content: Schema.optionalKey(Schema.NullOr(Schema.String)),
        refusal: Schema.optionalKey(Schema.NullOr(Schema.String))
      })
    })
  ),
  usage: Schema.optionalKey(
    Schema.NullOr(Schema.Struct({ prompt_tokens: Schema.Finite, completion_tokens: Schema.Finite }))
  )
})
type Completion = typeof Completion.Type
const decodeCompletion = Schema.decodeUnknownResult(Completion)

/** A question as JSON: its text is its key in the cache. */
interface Asked {
  readonly name: string
  readonly system: string
  readonly user: string
  readonly schema: unknown
  readonly outputTokensMax: number
}

const fail = (reason: OpenAiReason, detail: string) => new OpenAiError({ reason, detail })

/** Seconds, or a date; undefined: it did not say. */
export const retryAfterMillis = (header: string | undefined, now: number): number | undefined => {
  const text = header?.trim() ?? ""
  if (text === "") return undefined
  const millis = /^\d+$/u.test(text) ? Number(text) * 1000 : Date.parse(text) - now
  return Number.isNaN(millis) ? undefined : Math.min(Math.max(0, Math.ceil(millis)), RETRY_AFTER_MAX_MILLIS)
}

const ofEgress = ({ reason }: EgressError): OpenAiError => {
  switch (reason._tag) {
    case "Timeout":
      return fail({ _tag: "Timeout" }, `did not answer within ${TIMEOUT_MILLIS / 1000} s`)
    case "Malformed":
    case "TooLarge":
      return fail({ _tag: "Malformed" }, "was cut off, answered at too great a length or spoke no HTTP")
    default:
      return fail({ _tag: "Unreachable" }, `cannot be asked (${reason._tag})`)
  }
}

const ofStatus = ({ status, retryAfter }: EgressAnswer, now: number): OpenAiError => {
  const detail = `answered with HTTP ${status}`
  const pause = retryAfterMillis(retryAfter, now)
  if (status === 429) return fail({ _tag: "Throttled", retryAfterMillis: pause ?? PAUSE_MILLIS }, detail)
  if (status === 401 || status === 403) return fail({ _tag: "Unauthorized" }, detail)
  return status >= 500 ? fail({ _tag: "ServerError", status }, detail) : fail({ _tag: "Rejected", status }, detail)
}

const completionIn = ({ body }: EgressAnswer): Result.Result<Completion, OpenAiError> =>
  parseJson(body).pipe(
    Result.flatMap(decodeCompletion),
    Result.mapError(() => fail({ _tag: "Malformed" }, "answered with something else than a chat completion"))
  )

const textIn = ({ choices: [choice] }: Completion): Result.Result<string, OpenAiError> => {
  const { content, refusal } = choice.message
  if (typeof refusal === "string") return Result.fail(fail({ _tag: "Refused" }, "refused to answer"))
  if (choice.finish_reason === "length" || typeof content !== "string") {
    return Result.fail(fail({ _tag: "Malformed" }, "did not answer to the end"))
  }
  return Result.succeed(content)
}

/** More than any answer to such questions takes: who says so, says nothing. */
const TOKENS_MAX = 1_000_000

/** Undefined: it does not say, or nothing that can be true. */
const usageIn = ({ usage }: Completion): { readonly input: number; readonly output: number } | undefined => {
  const { completion_tokens: output, prompt_tokens: input } = usage ?? {}
  const counts = [input, output].every((count) => Number.isInteger(count) && Number(count) >= 0)
  if (!counts || input === undefined || output === undefined || input + output > TOKENS_MAX) return undefined
  return { input, output }
}

/** Shorter ones are words that people give to a server which asks for no key. */
const KEY_CHARS_MIN = 8

const NAME = /^[\w.:/@-]{1,100}$/u
const FINISHES: ReadonlySet<string> = new Set(["stop", "length", "content_filter", "tool_calls", "function_call"])

const PASSING: ReadonlySet<OpenAiReason["_tag"]> = new Set(["Throttled", "ServerError", "Unreachable"])
/** The server is well: it is the question, the account or the model that is not. */
const HARMLESS: ReadonlySet<OpenAiReason["_tag"]> = new Set(["Refused", "Malformed", "Throttled"])

const make = Effect.gen(function* () {
  const egress = yield* Egress
  const metrics = yield* Metrics
  const settings = yield* Settings
  const { openaiApiKey, openaiBaseUrl, openaiModel: model } = settings
  if (openaiApiKey === undefined) return undefined
  const admission = new Admission({
    callsPerHour: settings.openaiCallsPerHour,
    tokensPerHour: settings.openaiTokensPerHour
  })
  const { hostname, port, protocol } = new URL(openaiBaseUrl)
  const attributes = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": model,
    "gen_ai.output.type": "json",
    "server.address": hostname,
    "server.port": Number(port || (protocol === "https:" ? 443 : 80))
  }
  const key = Redacted.value(openaiApiKey)
  const repeatsKey = (words: string) => key.length >= KEY_CHARS_MIN && words.includes(key)
  /** A name of the server's own choosing, where it is one that may be shown. */
  const named = (attribute: string, name: string | undefined) =>
    name !== undefined && NAME.test(name) && !repeatsKey(name) ? { [attribute]: name } : {}
  const costOf = (input: number, output: number) =>
    (input * (settings.openaiInputPrice ?? 0) + output * (settings.openaiOutputPrice ?? 0)) / 1_000_000

  const post = (asked: Asked) =>
    egress.request({
      method: "POST",
      url: `${openaiBaseUrl}/chat/completions`,
      headers: { authorization: `Bearer ${key}` },
      body: {
        contentType: "application/json",
        text: JSON.stringify({
          model,
          messages: [
            { role: "system", content: asked.system },
            { role: "user", content: asked.user }
          ],
          response_format: {
            type: "json_schema",
            json_schema: { name: asked.name, strict: true, schema: asked.schema }
          },
          max_completion_tokens: asked.outputTokensMax
        })
      },
      trusted: true,
      timeoutMillis: TIMEOUT_MILLIS
    })

  /** One request: counted, and remembered as the server's good or bad health. */
  const attempt = Effect.fnUntraced(function* (asked: Asked) {
    const at = yield* steadyMillis
    const most = Math.ceil((asked.system.length + asked.user.length) / CHARS_PER_TOKEN) + asked.outputTokensMax
    const refusal = admission.refusal(at, most)
    if (refusal !== undefined) return yield* fail(refusal, `is not asked now (${refusal._tag})`)
    const used = admission.begin(at, most)
    const answer = yield* Effect.result(Effect.mapError(post(asked), ofEgress))
    const [now, wallNow] = [yield* steadyMillis, yield* Clock.currentTimeMillis]
    const completion = Result.flatMap(answer, (got) =>
      got.status === 200 ? completionIn(got) : Result.fail(ofStatus(got, wallNow))
    )
    const usage = Result.isSuccess(completion) ? usageIn(completion.success) : undefined
    const { input: inputTokens, output: outputTokens } = usage ?? { input: 0, output: 0 }
    // Who says nothing of its tokens is taken to have used what it was allowed.
    used(usage === undefined ? most : inputTokens + outputTokens)
    const text = Result.flatMap(completion, textIn)
    const result = Result.isSuccess(text) ? "answered" : text.failure.reason._tag
    const cost = costOf(inputTokens, outputTokens)
    yield* metrics.asked({ result, seconds: (now - at) / 1000, inputTokens, outputTokens, cost })
    if (Result.isSuccess(completion)) {
      const { choices, id, model: answering } = completion.success
      const finish = choices[0].finish_reason ?? ""
      yield* Effect.annotateCurrentSpan({
        ...named("gen_ai.response.id", id),
        ...named("gen_ai.response.model", answering),
        "gen_ai.response.finish_reasons": [FINISHES.has(finish) ? finish : "other"],
        "gen_ai.usage.input_tokens": inputTokens,
        "gen_ai.usage.output_tokens": outputTokens
      })
    }
    if (Result.isSuccess(text)) {
      admission.answered()
      return text.success
    }
    const { reason } = text.failure
    yield* Effect.annotateCurrentSpan({ "error.type": reason._tag })
    if (reason._tag === "Throttled") admission.throttled(now + reason.retryAfterMillis)
    if (HARMLESS.has(reason._tag)) admission.answered()
    else admission.failed(now)
    return yield* text.failure
  })

  /** As long as the server asks for, else longer each time. */
  const pauseAfter = ({ reason }: OpenAiError, tries: number) =>
    reason._tag === "Throttled"
      ? Effect.succeed(reason.retryAfterMillis)
      : Effect.map(Random.nextBetween(0.5, 1.5), (factor) => Math.round(PAUSE_MILLIS * 2 ** tries * factor))

  const persist = (asked: Asked, tries: number): Effect.Effect<string, OpenAiError> =>
    attempt(asked).pipe(
      Effect.catch((error) =>
        tries >= RETRIES || !PASSING.has(error.reason._tag)
          ? Effect.fail(error)
          : Effect.flatMap(pauseAfter(error, tries), (millis) =>
              millis > PAUSE_MAX_MILLIS
                ? Effect.fail(error)
                : Effect.andThen(Effect.sleep(millis), persist(asked, tries + 1))
            )
      )
    )

  const answers = yield* keptAnswers({
    capacity: ANSWERS_KEPT,
    lookup: (key: string) =>
      persist(JSON.parse(key) as Asked, 0).pipe(Effect.withSpan(`chat ${model}`, { kind: "client", attributes })),
    timeToLive: (exit) => (Exit.isSuccess(exit) ? CACHED : 0)
  })

  const ask = Effect.fn("OpenAi.ask")(function* <A>(question: Question<A>) {
    const { codec, jsonSchema } = toCodecOpenAI(question.answer)
    const { name, outputTokensMax, system, user } = question
    if (system.length + user.length > CHARS_MAX) return yield* fail({ _tag: "TooLong" }, "would be asked too much")
    const asked: Asked = { name, system, user, schema: jsonSchema, outputTokensMax }
    const text = yield* answers.get(JSON.stringify(asked))
    const said = parseJson(text)
    if (Result.isSuccess(said) && repeatsKey(JSON.stringify(said.success))) {
      return yield* fail({ _tag: "Malformed" }, "repeated the key in its answer")
    }
    const decoded = Result.flatMap(said, Schema.decodeUnknownResult(codec))
    if (Result.isSuccess(decoded)) return decoded.success
    return yield* fail({ _tag: "Malformed" }, "did not keep to the shape of the answer")
  })

  const paceMillis = (asker: string) => Effect.map(steadyMillis, (at) => admission.paceMillis(at, asker))

  return { configured: true, pseudonyms: settings.openaiPseudonyms, paceMillis, ask } satisfies OpenAiService
})

/** Nothing but the default where there is no key. */
export const layer = Layer.unwrap(
  Effect.map(make, (service) => (service === undefined ? Layer.empty : Layer.succeed(OpenAi, service)))
)
