/** A number out of the JSON that any URL answers with. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { certWithKey, exactlyOneOf, httpAuthFields, httpUrl, SecretKey, tlsFields } from "#schemas/Endpoint"
import { parseQuantityMilli } from "#schemas/quantity"
import { measured, missing } from "#schemas/Reading"
import type { Missing, Reading } from "#schemas/Reading"
import { HttpJson } from "#services/HttpJson"
import type { JsonAnswer } from "#services/HttpJson"
import { requestHeaders } from "#services/requestHeaders"
import { Secrets } from "#services/Secrets"
import { tlsMaterial } from "#services/tlsMaterial"
import { traced } from "#services/traced"
import { parsePath, parsePointer, select } from "#sources/http/jsonPath"
import { unusable } from "#sources/Source"
import type { SampleInput, Source } from "#sources/Source"

const PATH_HELP =
  "names (.depth, ['queue depth']), indexes ([0], [-1]), wildcards ([*]) and equality ([?(@.name == 'jobs')])"

const readable = (parse: (text: string) => object | undefined, issue: string) =>
  Schema.makeFilter<string>((text) => (parse(text) === undefined ? issue : undefined))

const either = exactlyOneOf("jsonPath", "jsonPointer")

const BODY_ASKS = "a body is sent with POST: leave method out, or set it to POST"

export const HttpOptions = Schema.Struct({
  url: httpUrl("Address to ask."),
  jsonPath: Schema.optionalKey(
    Schema.String.annotate({
      description: `Where the number is, as a JSONPath of ${PATH_HELP}: \`$.queues[0].depth\`.`
    }).check(
      Schema.isMaxLength(512),
      Schema.isPattern(/^\$/u),
      readable(parsePath, `is no JSONPath that is read here: use ${PATH_HELP}`)
    )
  ),
  jsonPointer: Schema.optionalKey(
    Schema.String.annotate({ description: "Where the number is, as a JSON Pointer: `/queue/depth`." }).check(
      Schema.isMaxLength(512),
      Schema.isPattern(/^(\/.*)?$/u),
      readable(parsePointer, "is no JSON Pointer: a ~ stands only before 0 (for ~) or 1 (for /)")
    )
  ),
  reduce: Schema.optionalKey(
    Schema.Literals(["max", "min", "sum", "avg"]).annotate({
      description: "What to make of several numbers that jsonPath finds. Absent: several are an error."
    })
  ),
  method: Schema.optionalKey(
    Schema.Literals(["GET", "POST"]).annotate({
      description: "HTTP method; POST when there is a body, else GET when absent."
    })
  ),
  body: Schema.optionalKey(
    Schema.String.annotate({
      description: "Body of a POST. It is called application/json unless headers has a content-type."
    }).check(Schema.isMaxLength(16_384))
  ),
  querySecrets: Schema.optionalKey(
    Schema.Record(Schema.String, SecretKey)
      .annotate({
        description:
          "Query parameters whose value is in a Secret, by their names: for API keys that are sent in the URL."
      })
      .check(Schema.isMaxProperties(8))
  ),
  ...httpAuthFields,
  ...tlsFields,
  worksAtZero: Schema.optionalKey(
    Schema.Boolean.annotate({
      description: "True: the number is right with no pod running, so minReplicas may be 0. False when absent."
    })
  )
})
  .annotate({
    description: "A number out of the JSON that a URL answers with. Name one of jsonPath and jsonPointer.",
    "x-kubernetes-validations": [
      either.rule,
      certWithKey.rule,
      { rule: "!has(self.body) || !has(self.method) || self.method == 'POST'", message: BODY_ASKS }
    ]
  })
  .check(
    either.check,
    certWithKey.check,
    Schema.makeFilter<{ readonly body?: string; readonly method?: string }>(({ body, method }) =>
      body !== undefined && method === "GET" ? { path: ["method"], issue: BODY_ASKS } : undefined
    )
  )
export type HttpOptions = typeof HttpOptions.Type

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/u
const NOT_FINITE = /^([+-]?)(?:(nan)|inf(?:inity)?)$/iu

/** A number, also one in a string: plain, or as a Kubernetes quantity. Undefined: none. */
const numberOf = (value: Schema.Json): number | undefined => {
  if (typeof value === "number") return value
  if (typeof value !== "string") return undefined
  if (DECIMAL.test(value)) return Number(value)
  const special = NOT_FINITE.exec(value)
  if (special !== null) return special[2] === undefined ? (special[1] === "-" ? -Infinity : Infinity) : Number.NaN
  const milli = parseQuantityMilli(value)
  return milli === undefined ? undefined : milli / 1000
}

const kindOf = (value: Schema.Json): string =>
  Array.isArray(value) ? "a list" : typeof value === "object" ? "an object" : `a ${typeof value}`

const REDUCTIONS: Readonly<Record<NonNullable<HttpOptions["reduce"]>, (values: ReadonlyArray<number>) => number>> = {
  max: (values) => values.reduce((a, b) => Math.max(a, b)),
  min: (values) => values.reduce((a, b) => Math.min(a, b)),
  sum: (values) => values.reduce((a, b) => a + b),
  avg: (values) => values.reduce((a, b) => a + b) / values.length
}

const whereOf = ({ jsonPath, jsonPointer }: HttpOptions): string =>
  jsonPath ?? (jsonPointer === "" ? "the whole document" : (jsonPointer ?? ""))

/** One number, nothing at all where the document says so, or why there is none. */
const numberAt = ({ json, url }: JsonAnswer, options: HttpOptions): number | "nothing" | Missing => {
  const { jsonPath, jsonPointer = "", reduce } = options
  const where = whereOf(options)
  const steps = jsonPath === undefined ? parsePointer(jsonPointer) : parsePath(jsonPath)
  const { emptied, values } = steps === undefined ? { emptied: false, values: [] } : select(json, steps)
  if (emptied || (values.length === 1 && values[0] === null)) return "nothing"
  if (values.length === 0) {
    return missing(
      "Malformed",
      `${url} answered in JSON that has nothing at ${where}. Correct ${jsonPath === undefined ? "jsonPointer" : "jsonPath"}, or look whether the server told an error of its own.`
    )
  }
  if (values.length > 1 && reduce === undefined) {
    return missing(
      "TooManySeries",
      `${url} answered with ${values.length} values at ${where} where one number is needed. Pick one with jsonPath, or set reduce.`
    )
  }
  const numbers: Array<number> = []
  for (const value of values) {
    const number = numberOf(value)
    if (number === undefined) {
      return missing(
        "Malformed",
        `${url} answered with ${kindOf(value)} at ${where} where a number is needed. Name the place of the number itself; in a string it stands alone, without a unit that Kubernetes does not know.`
      )
    }
    const bad = unusable(number, `What ${url} has at ${where}`)
    if (bad !== undefined) return bad
    numbers.push(number)
  }
  const number = REDUCTIONS[reduce ?? "max"](numbers)
  // -0 is no negative load.
  return unusable(number, `The sum of what ${url} has at ${where}`) ?? number + 0
}

const withSecrets = Effect.fnUntraced(function* (namespace: string, { querySecrets, url }: HttpOptions) {
  if (querySecrets === undefined || !URL.canParse(url)) return url
  const secrets = yield* Secrets
  const whole = new URL(url)
  for (const [name, secret] of Object.entries(querySecrets)) {
    whole.searchParams.set(name, Redacted.value(yield* secrets.get(namespace, secret)))
  }
  return whole.href
})

const sampleOnce = traced("http.sample")(function* (input: SampleInput<HttpOptions>) {
  const { at, namespace, onEmpty, options } = input
  const { "content-type": contentType = "application/json", ...headers } = yield* requestHeaders(namespace, options)
  const tls = yield* tlsMaterial(namespace, options)
  const url = yield* withSecrets(namespace, options)
  const http = yield* HttpJson
  const answer = yield* http.ask({
    method: options.method ?? (options.body === undefined ? "GET" : "POST"),
    url,
    headers,
    ...(options.body === undefined ? {} : { body: { contentType, text: options.body } }),
    ...(tls === undefined ? {} : { tls })
  })
  const found = numberAt(answer, options)
  if (found !== "nothing") return typeof found === "number" ? measured(found, at) : (found as Reading)
  return onEmpty === "Zero"
    ? measured(0, at)
    : missing(
        "Empty",
        `${answer.url} answered with nothing (null, or an empty list) at ${whereOf(options)}. Let it answer with 0 when it means none, or set onEmpty: Zero.`
      )
})

const sample = (input: SampleInput<HttpOptions>) =>
  sampleOnce(input).pipe(Effect.catchTag("SourceError", (error) => Effect.succeed<Reading>(error.missing)))

export const http: Source<HttpOptions, HttpJson | Secrets> = {
  name: "http",
  description: "A number out of the JSON that a URL answers with.",
  options: HttpOptions,
  example: { url: "https://billing.example.com/queue", jsonPointer: "/depth" },
  built: true,
  worksAtZero: false,
  sample
}
