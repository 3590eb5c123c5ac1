import { assert, describe, it } from "@effect/vitest"
import { inlineSecrets, plugsOf, worksAtZero, worksAtZeroRule } from "#schemas/crd/Crd/plugs"
import { SOURCES } from "#sources/index"

describe("what works with no pod running", () => {
  it.each(Object.values(SOURCES))("agrees with the source $name itself", ({ name, worksAtZero: itself }) => {
    assert.strictEqual(worksAtZero(name, {}), itself)
  })

  it("is otherwise what its author says", () => {
    assert.isTrue(worksAtZero("prometheus", { worksAtZero: true }))
    assert.isFalse(worksAtZero("prometheus", { worksAtZero: "true" }))
    assert.isFalse(worksAtZero("http", undefined))
  })

  it("is asked of an object by the same distinction", () => {
    assert.strictEqual(
      worksAtZeroRule("s", ["redis", "http"]),
      "has(s.redis) || (has(s.http) && has(s.http.worksAtZero) && s.http.worksAtZero)"
    )
  })
})

describe("a hole", () => {
  it("holds whatever is not one of the item's own fields", () => {
    assert.deepStrictEqual(plugsOf({ name: "a", redis: { db: 1 }, nats: {} }, { name: true }), [
      { plug: "redis", options: { db: 1 } },
      { plug: "nats", options: {} }
    ])
  })
})

describe("credentials in plain text", () => {
  it("are passwords and the headers that carry credentials, with the field to use instead", () => {
    assert.deepStrictEqual(
      inlineSecrets({
        password: "x",
        headers: {
          Authorization: "Bearer x",
          "X-Api-Key": "x",
          Cookie: "x",
          Accept: "text/plain",
          "X-Scope-OrgID": "shop"
        }
      }),
      [
        { path: "password", instead: "passwordSecret" },
        { path: "headers.Authorization", instead: "headerSecrets.Authorization" },
        { path: "headers.X-Api-Key", instead: "headerSecrets.X-Api-Key" },
        { path: "headers.Cookie", instead: "headerSecrets.Cookie" }
      ]
    )
  })

  it("are not seen where there are none", () => {
    for (const options of [
      undefined,
      null,
      "password",
      {},
      { headers: null },
      { passwordSecret: { name: "a", key: "b" } }
    ]) {
      assert.deepStrictEqual(inlineSecrets(options), [])
    }
  })
})
