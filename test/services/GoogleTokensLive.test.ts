import { generateKeyPairSync } from "node:crypto"
import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Redacted } from "effect"
import * as TestClock from "effect/testing/TestClock"
import { Egress } from "#services/Egress"
import type { EgressRequest } from "#services/Egress"
import { GoogleMetadata } from "#services/GoogleMetadata"
import { GoogleTokens } from "#services/GoogleTokens"
import type { GoogleCredentials } from "#services/GoogleTokens"
import { layer } from "#services/GoogleTokensLive"
import type { SourceError } from "#services/SourceError"

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 })

const keyOf = (email: string) =>
  Redacted.make(
    JSON.stringify({
      type: "service_account",
      client_email: email,
      private_key: privateKey.export({ type: "pkcs8", format: "pem" })
    })
  )
const credentials = keyOf("reader@p.iam.gserviceaccount.com")

interface Reply {
  readonly status: number
  readonly body: string
}

const granted = (access_token: unknown, life: object = { expires_in: 3599 }): Reply => ({
  status: 200,
  body: JSON.stringify({ access_token, ...life, token_type: "Bearer" })
})

/** A token endpoint and a metadata server that take a second each. */
const world = (token: (request: EgressRequest) => Reply, metadata: () => Reply = () => granted("own")) => {
  const requests: Array<EgressRequest> = []
  const url = "https://oauth2.googleapis.com/token"
  const egress = Layer.succeed(Egress, {
    request: (request) =>
      Effect.sync(() => {
        requests.push(request)
        return { ...token(request), url, strippedOfCredentials: false }
      }).pipe(Effect.delay("1 second"))
  })
  const own = Layer.succeed(GoogleMetadata, {
    token: Effect.sync(() => ({ ...metadata(), url: "metadata", strippedOfCredentials: false })).pipe(
      Effect.delay("1 second")
    )
  })
  return { requests, layer: layer.pipe(Layer.provide([egress, own])) }
}

const ask = (which: GoogleCredentials = credentials) =>
  Effect.gen(function* () {
    const tokens = yield* GoogleTokens
    const fiber = yield* Effect.forkChild(tokens.token(which))
    yield* TestClock.adjust("2 seconds")
    return Redacted.value(yield* Fiber.join(fiber))
  })

const why = (token: () => Reply, which: GoogleCredentials = credentials) => {
  const { layer: provided } = world(token, token)
  return Effect.flip(ask(which)).pipe(Effect.provide(provided)) as Effect.Effect<SourceError>
}

describe("an access token", () => {
  it.effect("is exchanged for an assertion, by a form", () =>
    Effect.gen(function* () {
      const { layer: provided, requests } = world(() => granted("ya29.x"))
      assert.strictEqual(yield* Effect.provide(ask(), provided), "ya29.x")
      const [request] = requests
      assert.strictEqual(request?.method, "POST")
      assert.strictEqual(request?.url, "https://oauth2.googleapis.com/token")
      assert.strictEqual(request?.body?.contentType, "application/x-www-form-urlencoded")
      const form = new URLSearchParams(request?.body?.text)
      assert.strictEqual(form.get("grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer")
      assert.match(form.get("assertion") ?? "", /^[\w-]+\.[\w-]+\.[\w-]+$/u)
      assert.isUndefined(request?.trusted, "the Secret's author names the address")
    })
  )

  it.effect("is shared by all who ask, kept until shortly before it expires, and then asked for anew", () =>
    Effect.gen(function* () {
      let count = 0
      const { layer: provided, requests } = world(() => granted(`token-${(count += 1)}`))
      yield* Effect.gen(function* () {
        const tokens = yield* GoogleTokens
        const all = yield* Effect.forkChild(
          Effect.forEach(Array.from({ length: 100 }), () => tokens.token(credentials), { concurrency: "unbounded" })
        )
        yield* TestClock.adjust("2 seconds")
        yield* Fiber.join(all)
        assert.strictEqual(requests.length, 1)
        yield* TestClock.adjust("54 minutes")
        assert.strictEqual(yield* ask(), "token-1")
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(yield* ask(), "token-2", "five minutes before the first one ends")
        assert.strictEqual(
          yield* ask(keyOf("another@p.iam.gserviceaccount.com")),
          "token-3",
          "a rotated key is another"
        )
      }).pipe(Effect.provide(provided))
    })
  )

  it.effect.each([
    ["half of a short life", { expires_in: 60 }, 30],
    ["not beyond an hour, whatever is promised", { expires_in: 1e9 }, 3300],
    ["not at all where no time is told", {}, 0]
  ] as const)("is kept %s", ([, life, seconds]) =>
    Effect.gen(function* () {
      const { layer: provided, requests } = world(() => granted("t", life))
      yield* Effect.gen(function* () {
        yield* ask()
        yield* TestClock.adjust(`${Math.max(seconds - 5, 0)} seconds`)
        yield* ask()
        assert.strictEqual(requests.length, seconds === 0 ? 2 : 1)
        yield* TestClock.adjust("5 seconds")
        yield* ask()
        assert.strictEqual(requests.length, seconds === 0 ? 3 : 2)
      }).pipe(Effect.provide(provided))
    })
  )

  it.effect("is replaced when Google takes it no longer", () =>
    Effect.gen(function* () {
      let count = 0
      const { layer: provided } = world(() => granted(`token-${(count += 1)}`))
      yield* Effect.gen(function* () {
        assert.strictEqual(yield* ask(), "token-1")
        yield* (yield* GoogleTokens).forget(credentials)
        assert.strictEqual(yield* ask(), "token-2")
      }).pipe(Effect.provide(provided))
    })
  )

  it.effect("is asked of the metadata server for workload identity, and of nobody else", () =>
    Effect.gen(function* () {
      const { layer: provided, requests } = world(() => granted("exchanged"))
      assert.strictEqual(yield* ask("WorkloadIdentity").pipe(Effect.provide(provided)), "own")
      assert.deepStrictEqual(requests, [])
    })
  )

  it.effect("is never shown", () =>
    Effect.gen(function* () {
      const { layer: provided } = world(() => granted("ya29.secret"))
      yield* Effect.gen(function* () {
        yield* ask()
        const token = yield* (yield* GoogleTokens).token(credentials)
        assert.notInclude(inspect(token) + JSON.stringify(token), "ya29")
      }).pipe(Effect.provide(provided))
    })
  )
})

describe("no access token", () => {
  const refusal = (error: string, error_description?: string): Reply => ({
    status: 400,
    body: JSON.stringify({ error, ...(error_description === undefined ? {} : { error_description }) })
  })

  it.effect.each([
    [
      refusal("invalid_grant", "Invalid JWT Signature."),
      "Unauthorized",
      /Invalid JWT Signature\..*JSON key of a service account/u
    ],
    [refusal("unauthorized_client"), "Unauthorized", /JSON key of a service account/u],
    [refusal("invalid_scope", "Bad"), "HttpStatus", /\(invalid_scope: Bad\)/u],
    [{ status: 500, body: "oops" }, "HttpStatus", /server's own log/u],
    [{ status: 429, body: "" }, "Throttled", /Ask less often/u],
    [granted(42), "Malformed", /Check that the URL/u],
    [granted("line\nbreak"), "Malformed", /Check that the URL/u],
    [{ status: 200, body: '{"access_token":"x","token_type":"mac"}' }, "Malformed", /Check that the URL/u],
    [{ status: 200, body: '{"access_token":"x' }, "Malformed", /cut off/u]
  ] as const)("comes of %j, and the remedy is told", ([reply, expected, words]) =>
    Effect.map(
      why(() => reply),
      (error) => {
        assert.strictEqual(error.why, expected, error.detail)
        assert.match(error.detail, words)
      }
    )
  )

  it.effect("comes of a Secret that is no key, and nothing is asked", () =>
    Effect.gen(function* () {
      const { layer: provided, requests } = world(() => granted("x"))
      const error = yield* Effect.flip(ask(Redacted.make("my secret")).pipe(Effect.provide(provided)))
      assert.strictEqual(error.why, "BadOptions")
      assert.notInclude(error.detail, "my secret")
      assert.deepStrictEqual(requests, [])
    })
  )

  it.effect("comes of an operator without a Google account", () =>
    Effect.map(
      why(() => ({ status: 404, body: "Not Found" }), "WorkloadIdentity"),
      (error) => {
        assert.strictEqual(error.why, "NotFound")
        assert.match(error.detail, /Bind the operator's ServiceAccount/u)
      }
    )
  )

  it.effect("is told without what was sent, when an endpoint echoes it", () =>
    Effect.gen(function* () {
      const { layer: provided } = world(({ body }) =>
        refusal("invalid_grant", `I got ${new URLSearchParams(body?.text).get("assertion")}`)
      )
      const error = yield* Effect.flip(ask().pipe(Effect.provide(provided)))
      assert.notInclude(error.detail, "eyJ")
      assert.match(error.detail, /invalid_grant\)/u)
    })
  )

  it.effect("is remembered for five seconds, so that a fleet with a bad key asks once", () =>
    Effect.gen(function* () {
      const { layer: provided, requests } = world(() => refusal("invalid_grant"))
      yield* Effect.gen(function* () {
        yield* Effect.flip(ask())
        yield* Effect.flip(ask())
        assert.strictEqual(requests.length, 1)
        yield* TestClock.adjust("5 seconds")
        yield* Effect.flip(ask())
        assert.strictEqual(requests.length, 2)
      }).pipe(Effect.provide(provided))
    })
  )
})
