import { assert, describe, it } from "@effect/vitest"
import { Effect, Ref, Result } from "effect"
import * as Base64 from "effect/encoding/Base64"
import type { Reading } from "#schemas/Reading"
import type { EgressRequest } from "#services/Egress"
import { bindSource } from "#sources/index"
import { inTime, ok, refused, run, sample, sampleIn, signal } from "#test/sources/sourceWorld"

const url = "https://billing.example.com/queue"

const read = (body: unknown, options: object = { jsonPointer: "/depth" }, more: Parameters<typeof signal>[2] = {}) =>
  inTime(sampleIn({ http: () => ok(body) }, signal("http", { url, ...options }, more)))

const outcome = (reading: Reading) => (reading._tag === "Missing" ? reading.why : `${reading._tag} ${reading.value}`)

const detail = (reading: Reading) => (reading._tag === "Missing" ? reading.detail : "")

describe("the number", () => {
  it.effect.each([
    [42, "Measured 42"],
    [0, "Measured 0"],
    [-0, "Measured 0"],
    [5.25, "Measured 5.25"],
    ["42", "Measured 42"],
    ["5.25", "Measured 5.25"],
    ["1e3", "Measured 1000"],
    ["1500m", "Measured 1.5"],
    ["2Ki", "Measured 2048"],
    ["0.00001", "Measured 0.00001"],
    [-1, "Negative"],
    ["-1", "Negative"],
    ["NaN", "NotANumber"],
    ["Inf", "NotANumber"],
    ["-Infinity", "NotANumber"],
    [1e300, "Overflow"],
    ["9007199254740993", "Overflow"],
    ["", "Malformed"],
    [" 42", "Malformed"],
    ["42 jobs", "Malformed"],
    ["0x10", "Malformed"],
    ["1,5", "Malformed"],
    [true, "Malformed"],
    [[42], "Malformed"],
    [{ value: 42 }, "Malformed"],
    [null, "Empty"]
  ])("in %j is %s", ([depth, expected]) =>
    Effect.map(read({ depth }), (reading) => assert.strictEqual(outcome(reading), expected, detail(reading)))
  )

  it.effect("too large for JSON's own reader is no number", () =>
    Effect.map(read('{"depth":1e400}'), (reading) => assert.strictEqual(outcome(reading), "NotANumber"))
  )

  it.effect("is found beside what nests a hundred thousand deep", () =>
    Effect.map(read(`{"deep":${"[".repeat(100_000)}${"]".repeat(100_000)},"depth":42}`), (reading) =>
      assert.strictEqual(outcome(reading), "Measured 42")
    )
  )

  it.effect("may be the whole document", () =>
    Effect.gen(function* () {
      assert.strictEqual(outcome(yield* read("42", { jsonPointer: "" })), "Measured 42")
      assert.strictEqual(outcome(yield* read('"42"', { jsonPath: "$" })), "Measured 42")
    })
  )

  it.effect("is missing where the document has no such place, and zero is never made of that", () =>
    Effect.gen(function* () {
      const reading = yield* read({ error: "no database" }, undefined, { onEmpty: "Zero" })
      assert.strictEqual(outcome(reading), "Malformed")
      assert.include(detail(reading), `${url} answered in JSON that has nothing at /depth. Correct jsonPointer`)
      assert.notInclude(detail(reading), "database")
    })
  )

  it.effect("is zero where the document says that there is nothing, and the policy that this means zero", () =>
    Effect.gen(function* () {
      const queues = { jsonPath: "$.queues[*].depth", reduce: "sum" }
      assert.strictEqual(outcome(yield* read({ queues: [] }, queues)), "Empty")
      assert.strictEqual(outcome(yield* read({ queues: [] }, queues, { onEmpty: "Zero" })), "Measured 0")
      assert.strictEqual(outcome(yield* read({ depth: null }, undefined, { onEmpty: "Zero" })), "Measured 0")
      assert.strictEqual(outcome(yield* read({}, queues, { onEmpty: "Zero" })), "Malformed")
    })
  )
})

describe("several numbers", () => {
  const body = { queues: [{ depth: 1 }, { depth: "2" }, { depth: 6 }] }
  const jsonPath = "$.queues[*].depth"

  it.effect.each([
    [undefined, "TooManySeries"],
    ["sum", "Measured 9"],
    ["max", "Measured 6"],
    ["min", "Measured 1"],
    ["avg", "Measured 3"]
  ])("reduced by %s are %s", ([reduce, expected]) =>
    Effect.map(read(body, { jsonPath, ...(reduce === undefined ? {} : { reduce }) }), (reading) =>
      assert.strictEqual(outcome(reading), expected)
    )
  )

  it.effect.each([
    [{ depth: "x" }, "Malformed"],
    [{ depth: null }, "Malformed"],
    [{ depth: -1 }, "Negative"],
    [{ depth: "NaN" }, "NotANumber"]
  ])("are none when %j is among them", ([odd, expected]) =>
    Effect.map(read({ queues: [...body.queues, odd] }, { jsonPath, reduce: "max" }), (reading) =>
      assert.strictEqual(outcome(reading), expected)
    )
  )
})

describe("the request", () => {
  const asked = (options: object) =>
    Effect.gen(function* () {
      const secrets: Readonly<Record<string, string>> = { key: "k&y ö", token: "t0ken", ca: "not pem" }
      const data = Object.fromEntries(Object.entries(secrets).map(([key, text]) => [key, Base64.encode(text)]))
      const world = {
        http: () => ok({ depth: 42 }),
        kubernetes: ({ path }: { readonly path: string }) =>
          path.endsWith("/shop/secrets/billing") ? { data } : refused({ _tag: "NotFound" as const })
      }
      const { layer, requests } = yield* run(world)
      const reading = yield* inTime(
        sample(signal("http", { url, jsonPointer: "/depth", ...options })).pipe(Effect.provide(layer))
      )
      return { reading, request: (yield* Ref.get(requests))[0] }
    })

  const expectRequest = (options: object, expected: Partial<EgressRequest>) =>
    Effect.map(asked(options), ({ reading, request }) => {
      assert.strictEqual(outcome(reading), "Measured 42", detail(reading))
      assert.deepStrictEqual(request, { method: "GET", url, headers: {}, ...expected })
    })

  it.effect("is a GET of nothing but the URL", () => expectRequest({}, {}))

  it.effect("with a body is a POST, of JSON unless it says otherwise", () =>
    Effect.gen(function* () {
      const text = '{"query":"depth"}'
      const method = "POST" as const
      yield* expectRequest({ body: text }, { method, body: { contentType: "application/json", text } })
      yield* expectRequest(
        { body: text, method, headers: { "Content-Type": "text/x", "X-Tenant": "a" } },
        { method, headers: { "x-tenant": "a" }, body: { contentType: "text/x", text } }
      )
      yield* expectRequest({ method }, { method })
    })
  )

  it.effect("carries keys out of Secrets, in headers or in the query", () =>
    Effect.gen(function* () {
      const secret = (key: string) => ({ name: "billing", key })
      yield* expectRequest({ headerSecrets: { "X-API-Key": secret("token") } }, { headers: { "x-api-key": "t0ken" } })
      yield* expectRequest({ bearerSecret: secret("token") }, { headers: { authorization: "Bearer t0ken" } })
      yield* expectRequest(
        { url: `${url}?queue=a&key=old`, querySecrets: { key: secret("key") } },
        { url: `${url}?queue=a&key=k%26y+%C3%B6` }
      )
    })
  )

  it.effect("is not sent where a Secret is missing or holds something else", () =>
    Effect.gen(function* () {
      for (const [options, why] of [
        [{ querySecrets: { key: { name: "none", key: "a" } } }, "NoSecret"],
        [{ caSecret: { name: "billing", key: "ca" } }, "BadOptions"]
      ] as const) {
        const { reading, request } = yield* asked(options)
        assert.strictEqual(outcome(reading), why)
        assert.isUndefined(request)
      }
    })
  )
})

describe("the options", () => {
  it.each([
    [{ jsonPath: "$..depth" }, "is no JSONPath that is read here"],
    [{ jsonPath: "$.a", jsonPointer: "/a" }, "exactly one of jsonPath and jsonPointer"],
    [{ jsonPointer: "/a~b" }, "is no JSON Pointer"],
    [{ jsonPointer: "/a", method: "GET", body: "x" }, "a body is sent with POST"],
    [{ jsonPointer: "/a", certSecret: { name: "a", key: "b" } }, "name certSecret and keySecret together"]
  ])("%j are refused", (options, words) => {
    const bound = bindSource(signal("http", { url, ...options }))
    assert.include(Result.isFailure(bound) ? bound.failure.message : "", words)
  })
})
