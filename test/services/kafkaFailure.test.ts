import { assert, describe, it } from "vitest"
import { ExchangeFailure } from "#services/httpExchange"
import { failureOfCode, failureOfSocket, KafkaFailure, silence } from "#services/kafkaFailure"

const withCode = (code: string) => Object.assign(new Error("text of a library, with a password"), { code })

describe("a failure of Kafka", () => {
  it.each([
    [3, "NotFound", false],
    [5, "NotLeader", true],
    [6, "NotLeader", true],
    [14, "NotLeader", true],
    [15, "NotLeader", true],
    [16, "NotLeader", true],
    [24, "BadOptions", false],
    [29, "Forbidden", false],
    [30, "Forbidden", false],
    [33, "BadOptions", false],
    [58, "Unauthorized", false],
    [74, "NotLeader", true],
    [78, "NotLeader", true],
    [89, "Throttled", false],
    [-1, "Malformed", true],
    [4711, "Malformed", false]
  ] as const)("with the code %s is %s", (code, why, again) => {
    const failure = failureOfCode(code, "Kafka")
    assert.strictEqual(failure.why, why)
    assert.strictEqual(failure.again, again)
    assert.match(failure.sourceError.detail, /^Kafka .+\. [A-Z].+\.$/u, "says what to do")
  })

  it.each([
    ["ECONNREFUSED", "Unreachable", true],
    ["ECONNRESET", "Unreachable", true],
    ["ENOTFOUND", "Unreachable", true],
    ["ETIMEDOUT", "Timeout", true],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "Unreachable", false],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "Unreachable", false],
    ["ERR_SSL_WRONG_VERSION_NUMBER", "Unreachable", false],
    ["ERR_OSSL_PEM_NO_START_LINE", "BadOptions", false]
  ] as const)("of the connection, %s, is %s", (code, why, again) => {
    for (const error of [withCode(code), new AggregateError([withCode(code)])]) {
      const failure = failureOfSocket(error, "Kafka at kafka:9092")
      assert.strictEqual(failure.why, why)
      assert.strictEqual(failure.again, again)
      assert.include(failure.message, `(${code})`)
      assert.notInclude(failure.message, "password")
      assert.match(failure.message, /\. [A-Z].+\.$/u, "says what to do")
    }
  })

  it("keeps its reason through the hands of a socket", () => {
    const blocked = failureOfSocket(
      new ExchangeFailure(
        { _tag: "Blocked", rule: "Metadata" },
        "is refused, because x is the cloud's metadata service"
      ),
      "Kafka at x:9092"
    )
    assert.deepStrictEqual([blocked.why, blocked.again], ["Blocked", false])
    assert.include(blocked.message, "Kafka at x:9092 is refused")
    const own = new KafkaFailure("TooLarge", "Much. Ask for less.")
    assert.strictEqual(failureOfSocket(own, "Kafka"), own)
  })

  it("of silence says how long", () => {
    assert.match(silence("Kafka at x", 10_000).message, /did not answer within 10000 ms\. Check that the server is up/u)
  })
})
