import { assert, describe, it } from "vitest"
import { EgressError, EgressReason, printableUrl, statusError } from "#services/Egress"
import { MissingReason } from "#schemas/Reading"

describe("a URL", () => {
  it.each([
    ["http://user:pw@prometheus:9090/api/v1/query?token=x#y", "http://prometheus:9090/api/v1/query"],
    ["https://a.example/", "https://a.example"],
    ["http://[::1]:80/x", "http://[::1]/x"],
    ["nonsense with a secret", "The URL"]
  ])("%s is shown as %s", (url, shown) => {
    assert.strictEqual(printableUrl(url), shown)
  })
})

describe("an error", () => {
  const answer = { body: "<html>secret</html>", url: "http://a.example/q", strippedOfCredentials: false }

  it.each([
    [400, "HttpStatus"],
    [401, "Unauthorized"],
    [403, "Forbidden"],
    [404, "NotFound"],
    [405, "HttpStatus"],
    [429, "Throttled"],
    [500, "HttpStatus"],
    [503, "HttpStatus"]
  ])("of HTTP %s is %s", (status, reason) => {
    const error = statusError({ ...answer, status })
    assert.strictEqual(error.reason._tag, reason)
    assert.strictEqual(error.sourceError.why, reason)
    assert.include(error.message, String(status))
    assert.notInclude(error.message, "secret")
  })

  it("after a redirect that lost the credentials says so", () => {
    const error = statusError({ ...answer, status: 401, strippedOfCredentials: true })
    assert.include(error.message, "name it in the policy instead")
  })

  it("has a MissingReason of the same name for each of its reasons, and a remedy", () => {
    for (const { fields } of EgressReason.members) {
      const tag = fields._tag.schema.literal
      assert.include(MissingReason.literals, tag)
      const reason = { _tag: tag, rule: "Loopback", status: 500 } as EgressReason
      const error = new EgressError({ reason, url: "http://a.example", detail: "did something" })
      assert.match(error.message, /^http:\/\/a\.example did something\. [A-Z].+\.$/u, tag)
      assert.strictEqual(error.sourceError.missing.why, tag)
    }
  })
})
