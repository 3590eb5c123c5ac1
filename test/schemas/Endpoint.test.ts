import { assert, describe, it } from "vitest"
import { Result, Schema } from "effect"
import { BasicAuth, exactlyOneOf, headerNameIssue, Headers, httpUrl, SecretKey } from "#schemas/Endpoint"

const accepts = (schema: Schema.Codec<unknown, unknown>, value: unknown) =>
  Result.isSuccess(Schema.decodeUnknownResult(schema)(value))

describe("a URL of a tenant", () => {
  it.each([
    ["http://prometheus:9090", true],
    ["https://user:pw@host/path?x=y#z", true],
    ["HTTP://host", false],
    ["ftp://host", false],
    ["http://", false],
    ["http://a b", false],
    ["//host", false],
    [`http://${"a".repeat(2048)}`, false]
  ])("%s is accepted: %s", (url, expected) => {
    assert.strictEqual(accepts(httpUrl("Address."), url), expected)
  })
})

describe("a header", () => {
  it.each([
    ["Authorization", true],
    ["X-Scope-OrgID", true],
    ["x_y.z~1", true],
    ["Host", false],
    ["content-length", false],
    ["Transfer-Encoding", false],
    ["Proxy-Authorization", false],
    ["a:b", false],
    ["a b", false],
    ["", false],
    ["é", false],
    ["a".repeat(257), false]
  ])("called %j may be sent: %s", (name, expected) => {
    assert.strictEqual(headerNameIssue(name) === undefined, expected)
    assert.strictEqual(accepts(Headers, { [name]: "x" }), expected)
  })

  it.each([
    ["Bearer abc", true],
    ["", true],
    ["caf\u00e9\t~", true],
    ["a\r\nb: c", false],
    ["a\nb", false],
    ["a\u0000", false],
    ["a\u0085b", false],
    ["🔑", false],
    ["a".repeat(8193), false]
  ])("with the value %j may be sent: %s", (value, expected) => {
    assert.strictEqual(accepts(Headers, { "x-a": value }), expected)
  })

  it("comes at most sixteen times", () => {
    const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`x-${at}`, "1"]))
    assert.isTrue(accepts(Headers, many(16)))
    assert.isFalse(accepts(Headers, many(17)))
  })
})

describe("a Secret's key", () => {
  it.each([
    ["prometheus", "token", true],
    ["a.b-c", "credentials.json", true],
    ["../other", "token", false],
    ["a/b", "token", false],
    ["Upper", "token", false],
    ["", "token", false],
    ["a", "", false],
    ["a", "x/y", false],
    ["a", "..", true]
  ])("%s / %s is accepted: %s", (name, key, expected) => {
    assert.strictEqual(accepts(SecretKey, { name, key }), expected)
  })

  it("belongs to a user whose name HTTP can carry", () => {
    const passwordSecret = { name: "a", key: "b" }
    assert.isTrue(accepts(BasicAuth, { username: "me", passwordSecret }))
    assert.isFalse(accepts(BasicAuth, { username: "me:you", passwordSecret }))
    assert.isFalse(accepts(BasicAuth, { username: "me\n", passwordSecret }))
  })
})

describe("two spellings of one thing", () => {
  const either = exactlyOneOf("a", "b")
  const Options = Schema.Struct({ a: Schema.optionalKey(Schema.Int), b: Schema.optionalKey(Schema.Int) }).check(
    either.check
  )

  it.each([
    [{ a: 1 }, true],
    [{ b: 1 }, true],
    [{}, false],
    [{ a: 1, b: 1 }, false]
  ])("%j is accepted: %s", (value, expected) => {
    assert.strictEqual(accepts(Options, value), expected)
    assert.strictEqual(either.rule.rule, "has(self.a) != has(self.b)")
  })
})
