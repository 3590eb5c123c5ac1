import { assert, describe, it } from "vitest"
import { wasSent } from "#services/transportFailures"

const failure = (code: string | undefined, cause?: unknown) => {
  const error = new Error("it failed", cause === undefined ? {} : { cause })
  return code === undefined ? error : Object.assign(error, { code })
}

describe("a failed connection", () => {
  for (const code of [
    "ECONNREFUSED",
    "ENOTFOUND",
    "UND_ERR_CONNECT_TIMEOUT",
    "CERT_HAS_EXPIRED",
    "ERR_TLS_CERT_ALTNAME_INVALID"
  ]) {
    it(`by ${code} has sent nothing`, () => assert.isFalse(wasSent(failure(code))))
  }
  for (const code of ["ECONNRESET", "EPIPE", "UND_ERR_SOCKET", "UND_ERR_ABORTED", undefined]) {
    it(`by ${code ?? "an unknown error"} may have sent everything`, () => assert.isTrue(wasSent(failure(code))))
  }

  it("is judged by its cause and by each address that was tried", () => {
    assert.isFalse(wasSent(failure(undefined, failure("ECONNREFUSED"))))
    assert.isTrue(wasSent(failure(undefined, failure("ECONNRESET"))))
    assert.isFalse(wasSent(new AggregateError([failure("ECONNREFUSED"), failure("ENETUNREACH")])))
    assert.isTrue(wasSent(new AggregateError([failure("ECONNREFUSED"), failure("ECONNRESET")])))
    assert.isTrue(wasSent("nonsense"))
  })
})
