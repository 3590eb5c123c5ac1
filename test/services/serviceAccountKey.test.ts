import { createPrivateKey, generateKeyPairSync, verify } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { MONITORING_SCOPE, readServiceAccountKey, signedAssertion } from "#services/serviceAccountKey"

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 })
const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString()

const file = {
  type: "service_account",
  client_email: "reader@p.iam.gserviceaccount.com",
  private_key: pem,
  private_key_id: "k1"
}

const read = (parts: object) => readServiceAccountKey(JSON.stringify(parts))

describe("the key of a service account", () => {
  it("is read as Google gives it, with Google's token endpoint where it names none", () => {
    const key = Result.getOrThrow(read({ ...file, project_id: "p", universe_domain: "googleapis.com" }))
    assert.strictEqual(key.email, file.client_email)
    assert.strictEqual(key.tokenUri, "https://oauth2.googleapis.com/token")
    const other = Result.getOrThrow(read({ ...file, token_uri: "http://127.0.0.1:1/token" }))
    assert.strictEqual(other.tokenUri, "http://127.0.0.1:1/token")
  })

  const elliptic = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({
    type: "pkcs8",
    format: "pem"
  })
  it.each<readonly [string, string, RegExp]>([
    ["text", "not JSON", /not the JSON of a key/u],
    ["a list", "[]", /not the JSON of a key/u],
    ["a person's credentials", JSON.stringify({ ...file, type: "authorized_user" }), /not service_account/u],
    ["a federation that would run a command", JSON.stringify({ type: "external_account" }), /not service_account/u],
    ["a key without an owner", JSON.stringify({ type: file.type, private_key: pem }), /no client_email/u],
    ["no key in it", JSON.stringify({ ...file, private_key: "secret-text" }), /no key in PEM/u],
    [
      "a public key",
      JSON.stringify({ ...file, private_key: publicKey.export({ type: "spki", format: "pem" }) }),
      /no key/u
    ],
    ["a key of another kind", JSON.stringify({ ...file, private_key: elliptic }), /not an RSA key/u]
  ])("is refused when it is %s, without a word of what it is", (_, text, expected) => {
    const refused = readServiceAccountKey(text)
    assert.isTrue(Result.isFailure(refused))
    if (Result.isFailure(refused)) {
      assert.match(refused.failure, expected)
      assert.notInclude(refused.failure, "secret-text")
    }
  })

  it("is refused when signing with it would hold everybody up", () => {
    // Nobody looks for primes here: a number of that size is all that a key of that size is known by.
    const number = (bytes: number) => Buffer.alloc(bytes, 0xff).toString("base64url")
    const half = number(257)
    const jwk = {
      kty: "RSA",
      e: "AQAB",
      n: number(513),
      d: number(513),
      p: half,
      q: half,
      dp: half,
      dq: half,
      qi: half
    }
    const huge = createPrivateKey({ key: jwk, format: "jwk" })
    const refused = read({ ...file, private_key: huge.export({ type: "pkcs8", format: "pem" }) })
    assert.match(Result.isFailure(refused) ? refused.failure : "", /more than 4096 bits/u)
  })

  it.effect.prop("is refused or read, whatever the Secret holds, and nothing is thrown", [Schema.Json], ([json]) =>
    Effect.sync(() => assert.isTrue(Result.isFailure(readServiceAccountKey(JSON.stringify(json)))))
  )
})

describe("an assertion", () => {
  it("claims an hour of reading metrics, and is signed with the key", () => {
    const key = Result.getOrThrow(read(file))
    const [head = "", claims = "", signature = ""] = signedAssertion(key, 1_700_000_000_999).split(".")
    const part = (text: string) => JSON.parse(Buffer.from(text, "base64url").toString()) as unknown
    assert.deepStrictEqual(part(head), { alg: "RS256", typ: "JWT", kid: "k1" })
    assert.deepStrictEqual(part(claims), {
      iss: file.client_email,
      scope: MONITORING_SCOPE,
      aud: "https://oauth2.googleapis.com/token",
      iat: 1_700_000_000,
      exp: 1_700_003_600
    })
    assert.isTrue(
      verify("RSA-SHA256", Buffer.from(`${head}.${claims}`), publicKey, Buffer.from(signature, "base64url"))
    )
  })
})
