import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { HttpAuth } from "#schemas/Endpoint"
import { requestHeaders } from "#services/requestHeaders"
import { secretsOf } from "#test/services/secretsOf"

const SECRETS: Readonly<Record<string, string>> = {
  "shop/auth/token": "t0ken",
  "shop/auth/password": "pässword: x",
  "shop/auth/lines": "a\r\nHost: evil",
  "shop/auth/nul": "a\u0000b",
  "shop/auth/emoji": "🔑"
}

const secrets = secretsOf(SECRETS)

const headers = (auth: HttpAuth, namespace = "shop") => requestHeaders(namespace, auth).pipe(Effect.provide(secrets))
const at = (key: string) => ({ name: "auth", key })

describe("the headers of a request", () => {
  it.effect("are the policy's, in lower case", () =>
    Effect.map(headers({ headers: { "X-Tenant": "a" } }), (sent) => assert.deepStrictEqual(sent, { "x-tenant": "a" }))
  )

  it.effect("are none when nothing is said", () => Effect.map(headers({}), (sent) => assert.deepStrictEqual(sent, {})))

  it.effect("take a Secret over an inline value of the same name, in whatever case", () =>
    Effect.gen(function* () {
      const sent = yield* headers({
        headers: { authorization: "inline" },
        headerSecrets: { Authorization: at("token") }
      })
      assert.deepStrictEqual(sent, { authorization: "t0ken" })
    })
  )

  it.effect("carry user and password as HTTP wants them, and a bearer token", () =>
    Effect.gen(function* () {
      const basic = yield* headers({
        headers: { authorization: "inline" },
        basicAuth: { username: "me", passwordSecret: at("password") }
      })
      const encoded = (basic["authorization"] ?? "").replace("Basic ", "")
      assert.strictEqual(Buffer.from(encoded, "base64").toString(), "me:pässword: x")
      assert.deepStrictEqual(yield* headers({ bearerSecret: at("token") }), { authorization: "Bearer t0ken" })
    })
  )

  it.effect("never come from another namespace", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(headers({ bearerSecret: at("token") }, "other"))
      assert.strictEqual(error.why, "NoSecret")
    })
  )

  it.effect.each(["lines", "nul", "emoji"])("refuse a Secret that no header can carry: %s", (key) =>
    Effect.gen(function* () {
      for (const auth of [{ headerSecrets: { "x-a": at(key) } }, { bearerSecret: at(key) }]) {
        const error = yield* Effect.flip(headers(auth))
        assert.strictEqual(error.why, "BadOptions")
        assert.include(error.detail, `The key ${key} of the Secret shop/auth`)
        assert.notInclude(error.detail, "evil")
      }
    })
  )
})
