import { generateKeyPairSync } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Ref } from "effect"
import type { MissingReason, Reading } from "#schemas/Reading"
import type { EgressReason, EgressRequest } from "#services/Egress"
import { SOURCES } from "#sources/index"
import { int64, timeSeries } from "#test/sources/answers"
import { inTime, NOW, ok, refused, run, sample, signal } from "#test/sources/sourceWorld"
import type { Behaviour, World } from "#test/sources/sourceWorld"

const key = JSON.stringify({
  type: "service_account",
  client_email: "reader@my-project.iam.gserviceaccount.com",
  private_key: generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ type: "pkcs8", format: "pem" })
})

const isToken = ({ url }: EgressRequest) => new URL(url).pathname === "/token"

/** Google, with this answer to every question about time series. */
const google = (list: (request: EgressRequest) => Behaviour, token: () => Behaviour = granted): World => ({
  http: (request) => (isToken(request) ? token() : list(request)),
  kubernetes: ({ path }) =>
    path.endsWith("/gcp-credentials")
      ? { data: { "credentials.json": Buffer.from(key).toString("base64") } }
      : refused({ _tag: "NotFound" })
})

const granted = () => ok({ access_token: "ya29.token", expires_in: 3599, token_type: "Bearer" })
const points = (...all: Parameters<typeof timeSeries>) => ok({ timeSeries: [timeSeries(...all)], unit: "1" })
const one = (value: unknown, agoMillis = 90_000) => points([{ agoMillis, value }])

const example = SOURCES.pubsub.example as object
const { credentialsSecret: _, ...withoutSecret } = example as { readonly credentialsSecret: object }

type More = Parameters<typeof signal>[2]

const asked = (world: World, options: object = {}, more: More = {}) =>
  Effect.gen(function* () {
    const { layer, requests } = yield* run(world)
    const reading = yield* inTime(
      sample(signal("pubsub", { ...example, ...options }, more)).pipe(Effect.provide(layer))
    )
    return { reading, requests: yield* Ref.get(requests) }
  })

const read = (list: (request: EgressRequest) => Behaviour, options: object = {}, more: More = {}) =>
  Effect.map(asked(google(list), options, more), ({ reading }) => reading)

const outcome = (reading: Reading) => (reading._tag === "Missing" ? reading.why : `${reading._tag} ${reading.value}`)

/** Nothing within the age that is asked for first, this in the day before. */
const onlyBefore =
  (answer: Behaviour) =>
  ({ url }: EgressRequest): Behaviour => {
    const { searchParams } = new URL(url)
    const [start, end] = ["startTime", "endTime"].map((name) => Date.parse(searchParams.get(`interval.${name}`) ?? ""))
    return (end ?? 0) - (start ?? 0) >= 86_400_000 ? answer : ok({})
  }

describe("the newest point", () => {
  it.effect("is asked for by metric, project and subscription, with a token and nothing of the key", () =>
    Effect.gen(function* () {
      const { reading, requests } = yield* asked(google(() => one(int64(42))))
      assert.deepStrictEqual(reading, { _tag: "Measured", value: 42, at: NOW - 90_000, coverage: 1 })
      const [token, list] = requests
      assert.strictEqual(token?.url, "https://oauth2.googleapis.com/token")
      const url = new URL(list?.url ?? "")
      assert.strictEqual(
        url.origin + url.pathname,
        "https://monitoring.googleapis.com/v3/projects/my-project/timeSeries"
      )
      assert.deepStrictEqual(Object.fromEntries(url.searchParams), {
        filter:
          'metric.type = "pubsub.googleapis.com/subscription/num_undelivered_messages" AND resource.type = "pubsub_subscription" AND resource.labels.project_id = "my-project" AND resource.labels.subscription_id = "my-subscription"',
        "interval.startTime": "1969-12-31T23:55:00.001Z",
        "interval.endTime": "1970-01-01T00:00:00.001Z",
        view: "FULL",
        pageSize: "500"
      })
      assert.deepStrictEqual(list?.headers, { authorization: "Bearer ya29.token" })
      assert.strictEqual(requests.length, 2)
    })
  )

  const VALUES: ReadonlyArray<readonly [unknown, MissingReason | `Measured ${number}`]> = [
    [int64(0), "Measured 0"],
    [int64("-0"), "Measured 0"],
    [int64("9007199254740991"), "Measured 9007199254740991"],
    [int64("9223372036854775807"), "Overflow"],
    [int64(-1), "Negative"],
    [{ doubleValue: 4.5 }, "Measured 4.5"],
    [{ doubleValue: "NaN" }, "NotANumber"],
    [{ doubleValue: "Infinity" }, "NotANumber"],
    [{ int64Value: 42 }, "Malformed"],
    [int64("4.5"), "Malformed"],
    [int64(""), "Malformed"],
    [{ stringValue: "42" }, "Malformed"],
    [{ boolValue: true }, "Malformed"],
    [{ distributionValue: { count: "42" } }, "Malformed"],
    [null, "Malformed"],
    [{}, "Malformed"]
  ]
  it.effect.each(VALUES)("written %j is %s", ([value, expected]) =>
    Effect.map(
      read(() => one(value)),
      (reading) => assert.strictEqual(outcome(reading), expected)
    )
  )

  it.effect("is the one with the latest end, in whatever order they come", () =>
    Effect.map(
      read(() =>
        points([
          { agoMillis: 120_000, value: int64(1) },
          { agoMillis: 60_000, value: int64(2) },
          { agoMillis: 180_000, value: int64(3) }
        ])
      ),
      (reading) => assert.deepInclude(reading, { value: 2, at: NOW - 60_000 })
    )
  )

  it.effect("is not of the future, when Google's clock is ahead", () =>
    Effect.map(
      read(() => one(int64(7), -5_000)),
      (reading) => assert.deepInclude(reading, { _tag: "Measured", value: 7, at: NOW })
    )
  )

  it.effect("is the age of the oldest message where the mode says so", () =>
    Effect.gen(function* () {
      const world = google(() => points([{ agoMillis: 1, value: int64(35) }], { metric: "oldest_unacked_message_age" }))
      const { reading, requests } = yield* asked(world, { mode: "OldestUnackedMessageAge" })
      assert.strictEqual(outcome(reading), "Measured 35")
      assert.include(new URL(requests[1]?.url ?? "").searchParams.get("filter") ?? "", "oldest_unacked_message_age")
    })
  )
})

describe("an old point", () => {
  it.effect("of more than five minutes is shown, and must not be acted upon", () =>
    Effect.gen(function* () {
      const reading = yield* read(onlyBefore(one(int64(9), 301_000)))
      assert.deepInclude(reading, { _tag: "Stale", value: 9, at: NOW - 301_000, ageMillis: 301_000 })
      assert.match(
        reading._tag === "Stale" ? reading.detail : "",
        /raise maxSampleAge, or check that the subscription/u
      )
    })
  )

  it.effect("never passes for an empty subscription", () =>
    Effect.map(read(onlyBefore(one(int64(9), 7_200_000)), {}, { onEmpty: "Zero" }), (reading) =>
      assert.strictEqual(outcome(reading), "Stale 9")
    )
  )

  it.effect("may be as old as maxSampleAge says", () =>
    Effect.gen(function* () {
      const old = () => one(int64(9), 301_000)
      assert.strictEqual(outcome(yield* read(old, {}, { maxSampleAgeMillis: 600_000 })), "Measured 9")
      assert.strictEqual(outcome(yield* read(old, {}, { maxSampleAgeMillis: 60_000 })), "Stale 9")
    })
  )

  it.effect("is looked for in the smallest answer there can be", () =>
    Effect.gen(function* () {
      const { requests } = yield* asked(google(onlyBefore(one(int64(9), 301_000))))
      const last = new URL(requests.at(-1)?.url ?? "").searchParams
      assert.strictEqual(last.get("pageSize"), "1")
      assert.strictEqual(requests.length, 3)
    })
  )
})

describe("an answer without a point", () => {
  it.effect.each([{}, { timeSeries: [] }, { unit: "1" }, { timeSeries: [timeSeries([])] }])("is empty: %j", (answer) =>
    Effect.gen(function* () {
      const empty = yield* read(() => ok(answer))
      assert.strictEqual(outcome(empty), "Empty")
      assert.match(empty._tag === "Missing" ? empty.detail : "", /my-subscription in my-project.*Check both names/u)
      assert.strictEqual(outcome(yield* read(() => ok(answer), {}, { onEmpty: "Zero" })), "Measured 0")
    })
  )

  it.effect.each([
    { status: "success" },
    { executionErrors: [{ code: 4, message: "deadline" }] },
    { unreachable: ["projects/p/locations/us-east1"] },
    { timeSeries: [timeSeries([{ agoMillis: 1, value: int64(5) }])], unreachable: ["us-east1"] }
  ])("is not empty, and no number, when it is %j", (answer) =>
    Effect.map(
      read(() => ok(answer), {}, { onEmpty: "Zero" }),
      (reading) => assert.strictEqual(reading._tag, "Missing")
    )
  )
})

describe("what is not the answer", () => {
  it.effect("is another subscription's, or another project's", () =>
    Effect.forEach([{ subscription: "other" }, { project: "other" }, { metric: "backlog_bytes" }], (more) =>
      Effect.map(
        read(() => points([{ agoMillis: 1, value: int64(42) }], more)),
        (reading) => assert.strictEqual(outcome(reading), "Malformed")
      )
    )
  )

  it.effect("is one of several series", () =>
    Effect.map(
      read(() =>
        ok({
          timeSeries: ["a", "b"].map((region) =>
            timeSeries([{ agoMillis: 1, value: int64(4) }], { labels: { region } })
          )
        })
      ),
      (reading) => assert.strictEqual(outcome(reading), "TooManySeries")
    )
  )

  const refusal = (code: number, status: string, message: string): Behaviour => ({
    status: code,
    body: JSON.stringify({ error: { code, status, message } })
  })
  it.effect.each<readonly [Behaviour, MissingReason, RegExp]>([
    [refusal(400, "INVALID_ARGUMENT", "Bad filter."), "BadOptions", /: Bad filter\. Correct projectId/u],
    [{ status: 400, body: "no" }, "HttpStatus", /server's own log/u],
    [refusal(401, "UNAUTHENTICATED", "Who?"), "Unauthorized", /JSON key of a service account/u],
    [refusal(403, "PERMISSION_DENIED", "Permission denied"), "Forbidden", /denied\. Grant the role Monitoring Viewer/u],
    [refusal(404, "NOT_FOUND", "Cannot find metric"), "NotFound", /Check projectId/u],
    [refusal(429, "RESOURCE_EXHAUSTED", "Quota"), "Throttled", /Ask less often/u],
    [refusal(503, "UNAVAILABLE", "Later"), "HttpStatus", /HTTP 503: Later\. Look at/u],
    [{ status: 500, body: "<html>" }, "HttpStatus", /Look at the server's own log/u]
  ])("is a refusal: %j", ([answer, why, words]) =>
    Effect.map(
      read(() => answer),
      (reading) => {
        assert.strictEqual(outcome(reading), why)
        assert.match(reading._tag === "Missing" ? reading.detail : "", words)
      }
    )
  )

  it.effect("is told without the token, when a server echoes it", () =>
    Effect.map(
      read(({ headers }) => refusal(403, "PERMISSION_DENIED", `not ${headers?.["authorization"]}`)),
      (reading) => {
        assert.strictEqual(outcome(reading), "Forbidden")
        assert.notInclude(JSON.stringify(reading), "ya29")
      }
    )
  )

  it.effect.each<EgressReason>([{ _tag: "Unreachable" }, { _tag: "Timeout" }, { _tag: "Blocked", rule: "Metadata" }])(
    "is %j, on the way to the token or to the number",
    (fails) =>
      Effect.gen(function* () {
        assert.strictEqual(outcome(yield* read(() => ({ fails }))), fails._tag)
        const { reading } = yield* asked(
          google(
            () => one(int64(1)),
            () => ({ fails })
          )
        )
        assert.strictEqual(outcome(reading), fails._tag)
      })
  )
})

describe("pages", () => {
  const paged = (pages: number) => (request: EgressRequest) => {
    const at = Number(new URL(request.url).searchParams.get("pageToken") ?? "0")
    return ok({
      timeSeries: [timeSeries([{ agoMillis: 60_000 * (at + 1), value: int64(at) }])],
      ...(at + 1 < pages ? { nextPageToken: String(at + 1) } : { nextPageToken: "" })
    })
  }

  it.effect("are one series together", () =>
    Effect.map(read(paged(3)), (reading) => assert.deepInclude(reading, { _tag: "Measured", value: 0 }))
  )

  it.effect("end, also when the server's do not", () =>
    Effect.gen(function* () {
      const { reading, requests } = yield* asked(google(paged(Infinity)))
      assert.strictEqual(outcome(reading), "TooLarge")
      assert.strictEqual(requests.length, 9)
    })
  )
})

describe("who asks", () => {
  const list = () => one(int64(42))
  const metadata = () => ({ status: 200, body: JSON.stringify({ access_token: "own", expires_in: 3599 }) })

  it.effect("is the operator itself where it lends its identity, and else says what to set", () =>
    Effect.gen(function* () {
      const { layer, requests } = yield* run({ ...google(list), metadata })
      const reading = yield* inTime(sample(signal("pubsub", withoutSecret)).pipe(Effect.provide(layer)))
      assert.strictEqual(outcome(reading), "Measured 42")
      const [request] = yield* Ref.get(requests)
      assert.deepStrictEqual(request?.headers, { authorization: "Bearer own" })
      const refusing = yield* run(google(list))
      const other = yield* inTime(sample(signal("pubsub", withoutSecret)).pipe(Effect.provide(refusing.layer)))
      assert.strictEqual(outcome(other), "BadOptions")
    })
  )

  it.effect("never brings the operator's own token to an address of a tenant's choice", () =>
    Effect.gen(function* () {
      const { layer, requests } = yield* run({ ...google(list), metadata })
      const options = { ...withoutSecret, endpoint: "https://thief.example/base/" }
      const reading = yield* inTime(sample(signal("pubsub", options)).pipe(Effect.provide(layer)))
      assert.strictEqual(outcome(reading), "Measured 42")
      const [request] = yield* Ref.get(requests)
      assert.match(request?.url ?? "", /^https:\/\/thief\.example\/base\/v3\/projects\//u)
      assert.deepStrictEqual(request?.headers, {})
      assert.isFalse(request?.trusted)
    })
  )

  it.effect("says which Secret is missing", () =>
    Effect.gen(function* () {
      const { reading } = yield* asked(google(list), { credentialsSecret: { name: "none", key: "k" } })
      assert.strictEqual(outcome(reading), "NoSecret")
      assert.include(JSON.stringify(reading), "shop/none")
    })
  )

  it.effect("asks for another token once when the one it has is no longer taken", () =>
    Effect.gen(function* () {
      let tokens = 0
      const world = google(
        ({ headers }) => (headers?.["authorization"] === "Bearer token-2" ? list() : { status: 401, body: "" }),
        () => ok({ access_token: `token-${(tokens += 1)}`, expires_in: 3599 })
      )
      const { reading, requests } = yield* asked(world)
      assert.strictEqual(outcome(reading), "Measured 42")
      assert.strictEqual(requests.length, 4)
      const { reading: refusedStill } = yield* asked(google(() => ({ status: 401, body: "" })))
      assert.strictEqual(outcome(refusedStill), "Unauthorized")
    })
  )
})
