import { assert, describe, it } from "vitest"
import { blocked, ExchangeFailure, failureOf } from "#services/httpExchange"

const coded = (code: string, message = "the secret token") => Object.assign(new Error(message), { code })
const parser = Object.assign(new Error("the secret token"), { name: "HTTPParserError" })

describe("an error of Node or undici", () => {
  it.each([
    [coded("ECONNREFUSED"), "Unreachable"],
    [coded("ECONNRESET"), "Unreachable"],
    [coded("EHOSTUNREACH"), "Unreachable"],
    [coded("ENOTFOUND"), "Unreachable"],
    [coded("EAI_AGAIN"), "Unreachable"],
    [coded("UND_ERR_SOCKET"), "Unreachable"],
    [coded("DEPTH_ZERO_SELF_SIGNED_CERT"), "Unreachable"],
    [coded("UNABLE_TO_VERIFY_LEAF_SIGNATURE"), "Unreachable"],
    [coded("ERR_TLS_CERT_ALTNAME_INVALID"), "Unreachable"],
    [coded("ERR_SSL_WRONG_VERSION_NUMBER"), "Unreachable"],
    [coded("UND_ERR_CONNECT_TIMEOUT"), "Timeout"],
    [coded("ETIMEDOUT"), "Timeout"],
    [coded("UND_ERR_HEADERS_OVERFLOW"), "TooLarge"],
    [coded("UND_ERR_RES_CONTENT_LENGTH_MISMATCH"), "Malformed"],
    [coded("HPE_INVALID_CONSTANT"), "Malformed"],
    [coded("Z_DATA_ERROR"), "Malformed"],
    [coded("Z_BUF_ERROR"), "Malformed"],
    [parser, "Malformed"],
    [coded("UND_ERR_INVALID_ARG"), "BadOptions"],
    [new URIError("the secret token"), "BadOptions"],
    [new Error("the secret token"), "Unreachable"],
    [new AggregateError([coded("ECONNREFUSED"), coded("ENETUNREACH")]), "Unreachable"],
    [new AggregateError([blocked("Metadata", "a.example")]), "Blocked"],
    [new Error("wrapped", { cause: blocked("Loopback", "a.example") }), "Blocked"],
    ["thrown text with the secret token", "Unreachable"],
    [null, "Unreachable"]
  ])("%s is %s, and its own words are not repeated", (error, reason) => {
    const failure = failureOf(error)
    assert.strictEqual(failure.reason._tag, reason)
    assert.notInclude(failure.message, "secret")
  })

  it("that is already a failure stays what it is", () => {
    const failure = new ExchangeFailure({ _tag: "TooLarge" }, "was too much")
    assert.strictEqual(failureOf(failure), failure)
  })

  it("tells an untrusted certificate from a name that does not exist", () => {
    assert.include(failureOf(coded("DEPTH_ZERO_SELF_SIGNED_CERT")).message, "certificate")
    assert.include(failureOf(coded("ENOTFOUND")).message, "name")
  })
})
