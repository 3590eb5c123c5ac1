import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { TlsAuth } from "#schemas/Endpoint"
import { tlsMaterial } from "#services/tlsMaterial"
import { secretsOf } from "#test/services/secretsOf"

const pem = (kind: string) => `-----BEGIN ${kind}-----\nMIIB\n-----END ${kind}-----`

const SECRETS: Readonly<Record<string, string>> = {
  "shop/tls/ca": pem("CERTIFICATE"),
  "shop/tls/cert": `# for the queue\n${pem("CERTIFICATE")}\n${pem("CERTIFICATE")}`,
  "shop/tls/key": pem("PRIVATE KEY"),
  "shop/tls/ec": pem("EC PRIVATE KEY"),
  "shop/tls/half": pem("CERTIFICATE").slice(0, 40),
  "shop/tls/text": "hunter2"
}

const secrets = secretsOf(SECRETS)

const material = (options: TlsAuth) => tlsMaterial("shop", options).pipe(Effect.provide(secrets))
const at = (key: string) => ({ name: "tls", key })

describe("the TLS material", () => {
  it.effect("is none where the options say nothing", () =>
    Effect.map(material({}), (found) => assert.isUndefined(found))
  )

  it.effect("is what the Secrets hold", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* material({ caSecret: at("ca") }), { ca: SECRETS["shop/tls/ca"] ?? "" })
      assert.deepStrictEqual(yield* material({ certSecret: at("cert"), keySecret: at("ec") }), {
        cert: SECRETS["shop/tls/cert"] ?? "",
        key: SECRETS["shop/tls/ec"] ?? ""
      })
    })
  )

  it.effect.each([
    [{ caSecret: at("text") }, "BadOptions"],
    [{ caSecret: at("half") }, "BadOptions"],
    [{ caSecret: at("key") }, "BadOptions"],
    [{ certSecret: at("cert"), keySecret: at("cert") }, "BadOptions"],
    [{ caSecret: at("none") }, "NoSecret"]
  ] as const)("is not made of %j", ([options, why]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(material(options))
      assert.strictEqual(error.why, why)
      assert.notInclude(error.detail, "hunter2")
      assert.match(error.detail, /\. [A-Z].+\.$/su, "says what to do")
    })
  )
})
