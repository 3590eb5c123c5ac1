import { assert, describe, it } from "@effect/vitest"
import { Effect, Ref, Schema } from "effect"
import type { MissingReason, Reading } from "#schemas/Reading"
import { scalar, vector } from "#test/sources/answers"
import { paths, replaced } from "#test/sources/replaced"
import { inTime, NOW, ok, run, sample, sampleIn, signal } from "#test/sources/sourceWorld"

const server = "http://prometheus:9090"
const query = "sum(up)"
const base = { serverUrl: server, query }

const read = (body: unknown, options: object = {}, more: Parameters<typeof signal>[2] = {}) =>
  inTime(sampleIn({ http: () => ok(body) }, signal("prometheus", { ...base, ...options }, more)))

const outcome = (reading: Reading) => (reading._tag === "Missing" ? reading.why : `${reading._tag} ${reading.value}`)

const vectorOf = (value: unknown) => ({
  status: "success",
  data: { resultType: "vector", result: [{ metric: {}, value }] }
})

const VALUES: ReadonlyArray<readonly [string, MissingReason | `Measured ${number}`]> = [
  ["42", "Measured 42"],
  ["0", "Measured 0"],
  ["-0", "Measured 0"],
  ["0.125", "Measured 0.125"],
  [".5", "Measured 0.5"],
  ["1.", "Measured 1"],
  ["+3", "Measured 3"],
  ["1e3", "Measured 1000"],
  ["1.5E-3", "Measured 0.0015"],
  ["9007199254740991", "Measured 9007199254740991"],
  ["9007199254740993", "Overflow"],
  ["1e20", "Overflow"],
  ["1e400", "Overflow"],
  ["NaN", "NotANumber"],
  ["+Inf", "NotANumber"],
  ["-Inf", "NotANumber"],
  ["Inf", "NotANumber"],
  ["-1", "Negative"],
  ["-0.001", "Negative"],
  ["", "Malformed"],
  [" 1", "Malformed"],
  ["1 ", "Malformed"],
  ["0x10", "Malformed"],
  ["1_000", "Malformed"],
  ["1,5", "Malformed"],
  ["１", "Malformed"],
  ["nan", "Malformed"],
  ["Infinity", "Malformed"],
  ["null", "Malformed"],
  ["toString", "Malformed"],
  ["1e", "Malformed"],
  [".", "Malformed"]
]

describe("the value of a query", () => {
  it.effect.each(VALUES)("written %j is %s, in a vector and as a scalar", ([text, expected]) =>
    Effect.gen(function* () {
      assert.strictEqual(outcome(yield* read(vector(text))), expected)
      assert.strictEqual(outcome(yield* read(scalar(text))), expected)
    })
  )

  it.effect.each([42, null, true, ["42"], { value: "42" }])("is never %j: the protocol writes text", (value) =>
    Effect.gen(function* () {
      assert.strictEqual(outcome(yield* read(vectorOf([1_700_000_000, value]))), "Malformed")
      assert.strictEqual(outcome(yield* read(vectorOf(["1700000000", "42"]))), "Malformed")
      assert.strictEqual(outcome(yield* read(vectorOf(["42"]))), "Malformed")
      assert.strictEqual(outcome(yield* read(vectorOf([1_700_000_000, "42", "43"]))), "Malformed")
    })
  )

  it.effect.each([
    { resultType: "matrix", result: [{ metric: {}, values: [[1_700_000_000, "42"]] }] },
    { resultType: "string", result: [1_700_000_000, "42"] },
    { resultType: "vector", result: [{ metric: {}, histogram: [1_700_000_000, { count: "42" }] }] },
    { resultType: "streams", result: [] },
    { resultType: "scalar", result: [{ metric: {}, value: [1_700_000_000, "42"] }] }
  ])("is not taken out of %j", (data) =>
    Effect.map(read({ status: "success", data }), (reading) => assert.strictEqual(outcome(reading), "Malformed"))
  )

  it.effect("is the time of its evaluation's, and never of the future's", () =>
    Effect.gen(function* () {
      const reading = yield* read(vectorOf([NOW / 1000 - 3, "1"]))
      assert.deepStrictEqual(reading, { _tag: "Measured", value: 1, at: NOW - 3000, coverage: 1 })
      const ahead = yield* read(vectorOf([NOW / 1000 + 3, "1"]))
      assert.strictEqual(ahead._tag === "Measured" ? ahead.at : undefined, NOW)
    })
  )
})

describe("several series", () => {
  it.effect("are refused unless the policy says what to make of them", () =>
    Effect.gen(function* () {
      const reading = yield* read(vector("1", "2", "3"))
      assert.strictEqual(outcome(reading), "TooManySeries")
      assert.include(JSON.stringify(reading), "yields 3 series")
    })
  )

  it.effect.each([
    ["max", 3],
    ["min", 1],
    ["sum", 6],
    ["avg", 2]
  ] as const)("reduced by %s are %s", ([reduce, expected]) =>
    Effect.map(read(vector("2", "3", "1"), { reduce }), (reading) =>
      assert.strictEqual(outcome(reading), `Measured ${expected}`)
    )
  )

  it.effect("reduced to the first are the first by labels, in whatever order they come", () =>
    Effect.gen(function* () {
      const series = (pod: string, value: string) => ({ metric: { pod, a: "x" }, value: [1_700_000_000, value] })
      const results = [series("b", "2"), series("a", "1"), series("c", "NaN")]
      for (const result of [results, results.toReversed()]) {
        const reading = yield* read({ status: "success", data: { resultType: "vector", result } }, { reduce: "first" })
        assert.strictEqual(outcome(reading), "Measured 1")
      }
    })
  )

  it.effect.each(["max", "min", "sum", "avg"])("reduced by %s are nothing when one of them is no number", (reduce) =>
    Effect.gen(function* () {
      assert.strictEqual(outcome(yield* read(vector("1", "NaN", "2"), { reduce })), "NotANumber")
      assert.strictEqual(outcome(yield* read(vector("1", "-5"), { reduce })), "Negative")
    })
  )

  it.effect("that add up beyond any load are an Overflow", () =>
    Effect.map(read(vector("9007199254740991", "9007199254740991"), { reduce: "sum" }), (reading) =>
      assert.strictEqual(outcome(reading), "Overflow")
    )
  )
})

describe("an empty answer", () => {
  it.effect("is Missing, or zero where the policy says so", () =>
    Effect.gen(function* () {
      assert.strictEqual(outcome(yield* read(vector())), "Empty")
      assert.strictEqual(outcome(yield* read(vector(), {}, { onEmpty: "Zero" })), "Measured 0")
    })
  )

  it.effect("is the only thing that onEmpty makes zero", () =>
    Effect.gen(function* () {
      for (const [body, why] of [
        [vector("NaN"), "NotANumber"],
        [{ status: "success", data: { resultType: "vector" } }, "Malformed"],
        [{ status: "success", data: { resultType: "vector", result: null } }, "Malformed"],
        [{ status: "error", errorType: "internal", error: "x" }, "HttpStatus"],
        [{}, "Malformed"]
      ] as const) {
        assert.strictEqual(outcome(yield* read(body, {}, { onEmpty: "Zero" })), why)
      }
    })
  )
})

/** Prometheus with one sample of this age: evaluation hides it, `timestamp()` shows it to plain selectors. */
const aged = (
  ageSeconds: number,
  more: { readonly knowsLookback: boolean; readonly evaluatedSecondsAgo?: number }
) => ({
  http: ({ body }: { readonly body?: { readonly text: string } }) => {
    const parameters = new URLSearchParams(body?.text)
    const promql = parameters.get("query") ?? ""
    const lookback = more.knowsLookback ? Number(parameters.get("lookback_delta") ?? 300) : 300
    if (lookback < ageSeconds) return ok(vector())
    const now = NOW / 1000 - (more.evaluatedSecondsAgo ?? 0)
    const isSelector = promql === "timestamp(depth\n)"
    if (!promql.startsWith("timestamp(")) return ok(vectorOf([now, "7"]))
    return ok(vectorOf([now, String(isSelector ? NOW / 1000 - ageSeconds : now)]))
  }
})

describe("an old sample", () => {
  const one = (
    world: ReturnType<typeof aged>,
    promql: string,
    maxSampleAgeMillis: number | undefined,
    onEmpty: "Missing" | "Zero" = "Missing"
  ) =>
    inTime(
      sampleIn(
        world,
        signal(
          "prometheus",
          { ...base, query: promql },
          {
            onEmpty,
            ...(maxSampleAgeMillis === undefined ? {} : { maxSampleAgeMillis })
          }
        )
      )
    )

  it.effect("is Stale beyond maxSampleAge, with the number for people to see", () =>
    Effect.gen(function* () {
      const world = aged(90, { knowsLookback: false })
      assert.strictEqual(outcome(yield* one(world, "depth", undefined)), "Measured 7")
      assert.strictEqual(outcome(yield* one(world, "depth", 90_000)), "Measured 7")
      const reading = yield* one(world, "depth", 60_000)
      assert.strictEqual(outcome(reading), "Stale 7")
      assert.strictEqual(reading._tag === "Stale" ? reading.ageMillis : undefined, 90_000)
    })
  )

  it.effect("is found inside an expression too, by asking for young samples only", () =>
    Effect.gen(function* () {
      const world = aged(120, { knowsLookback: true })
      for (const promql of ["depth", "sum(depth)"]) {
        assert.strictEqual(outcome(yield* one(world, promql, 180_000)), "Measured 7")
        assert.strictEqual(outcome(yield* one(world, promql, 60_000)), "Stale 7")
        assert.strictEqual(outcome(yield* one(world, promql, 60_000, "Zero")), "Stale 7", "no empty queue")
      }
    })
  )

  it.effect("is what a cache in between makes of a young one", () =>
    Effect.gen(function* () {
      const world = aged(0, { knowsLookback: true, evaluatedSecondsAgo: 90 })
      assert.strictEqual(outcome(yield* one(world, "sum(depth)", 60_000)), "Stale 7")
      assert.strictEqual(outcome(yield* one(world, "sum(depth)", 100_000)), "Measured 7")
    })
  )

  it.effect("is not looked for where nobody asked, and never behind a comment", () =>
    Effect.gen(function* () {
      const { layer, requests } = yield* run({ http: aged(0, { knowsLookback: true }).http, kubernetes: () => ({}) })
      const asked = (more: object) =>
        Effect.gen(function* () {
          yield* Ref.set(requests, [])
          yield* inTime(sample(signal("prometheus", { ...base, query: "up # all" }, more)).pipe(Effect.provide(layer)))
          return (yield* Ref.get(requests)).map(({ body }) => new URLSearchParams(body?.text).get("query"))
        })
      assert.deepStrictEqual(yield* asked({}), ["up # all"])
      assert.deepStrictEqual(yield* asked({ maxSampleAgeMillis: 60_000 }), ["up # all", "timestamp(up # all\n)"])
    })
  )
})

describe("a refusal", () => {
  const refuse = (errorType: string, error: string, status = 400) =>
    inTime(
      sampleIn(
        { http: () => ({ status, body: JSON.stringify({ status: "error", errorType, error }) }) },
        signal("prometheus", base)
      )
    )

  it.effect.each([
    ["bad_data", 400, "BadOptions"],
    ["execution", 422, "BadOptions"],
    ["timeout", 503, "Timeout"],
    ["canceled", 503, "Timeout"],
    ["unavailable", 503, "Unreachable"],
    ["internal", 500, "HttpStatus"],
    ["bad_data", 200, "BadOptions"]
  ] as const)("of type %s with HTTP %s is %s", ([type, status, why]) =>
    Effect.map(refuse(type, "it is wrong", status), (reading) => assert.strictEqual(outcome(reading), why))
  )

  it.effect("is told in Prometheus' own words, on one line, and not at any length", () =>
    Effect.gen(function* () {
      const reading = yield* refuse("bad_data", `parse error:\n\u001b[31m ${"x".repeat(1000)}`)
      assert.strictEqual(reading._tag, "Missing")
      if (reading._tag !== "Missing") return
      assert.include(reading.detail, "parse error: [31m xxx")
      assert.isBelow(reading.detail.length, 400)
      assert.notMatch(reading.detail, /\p{Cc}/u)
    })
  )
})

describe("the server", () => {
  it.effect("is the policy's, asked as a tenant's, or else the operator's own", () =>
    Effect.gen(function* () {
      const { layer, requests } = yield* run(
        { http: () => ok(vector("1")), kubernetes: () => ({}) },
        { prometheusUrl: "http://own:9090/prefix/" }
      )
      const ask = (options: object) => inTime(sample(signal("prometheus", options)).pipe(Effect.provide(layer)))
      yield* ask({ ...base, serverUrl: "http://theirs:9090/" })
      yield* ask({ query })
      assert.deepStrictEqual(
        (yield* Ref.get(requests)).map(({ method, trusted, url }) => [method, url, trusted]),
        [
          ["POST", "http://theirs:9090/api/v1/query", false],
          ["POST", "http://own:9090/prefix/api/v1/query", true]
        ]
      )
    })
  )

  it.effect("has to be somebody's", () =>
    Effect.gen(function* () {
      const reading = yield* inTime(sampleIn({}, signal("prometheus", { query })))
      assert.strictEqual(outcome(reading), "BadOptions")
      assert.include(JSON.stringify(reading), "PROMETHEUS_URL")
    })
  )

  it.effect("is not asked a preset that nobody has written yet", () =>
    Effect.map(inTime(sampleIn({}, signal("prometheus", { preset: "istio" }))), (reading) =>
      assert.strictEqual(outcome(reading), "NotBuilt")
    )
  )
})

/** An answer in which one part was replaced by arbitrary JSON. */
const Mutation = Schema.Struct({
  path: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 15 })),
  json: Schema.Json
})

describe("an answer with one part replaced", () => {
  const whole = vectorOf([NOW / 1000, "42"])
  const places = paths(whole)

  it.effect.prop(
    "is either refused or still says 42, unless the value itself was replaced by another one",
    [Mutation],
    ([{ json, path }]) =>
      Effect.gen(function* () {
        const place = places[path % places.length] ?? []
        const reading = yield* read(replaced(whole, place, json))
        if (reading._tag !== "Measured") return
        const isValue = place.join(".") === "data.result.0.value.1"
        const expected = isValue && typeof json === "string" ? Number(json) : 42
        assert.strictEqual(reading.value, expected, JSON.stringify([place, json]))
      }),
    { arbitrary: { runs: 500 } }
  )
})
