import { assert, describe, it } from "vitest"
import type { KubernetesReason } from "#services/Kubernetes"
import { type Answer, failureOf, watchFailureOf } from "#services/kubernetesStatus"

const NOW = Date.UTC(2026, 0, 1)
const reason = (answer: Partial<Answer>): KubernetesReason =>
  failureOf("GET /x", { method: "GET", status: 500, body: undefined, nowMillis: NOW, ...answer }).reason

describe("an answer of the API server", () => {
  const cases: ReadonlyArray<readonly [string, Partial<Answer>, KubernetesReason]> = [
    ["409 because the object changed", { status: 409, body: { reason: "Conflict" } }, { _tag: "Conflict" }],
    ["409 because it is there", { status: 409, body: { reason: "AlreadyExists" } }, { _tag: "AlreadyExists" }],
    ["410", { status: 410 }, { _tag: "Gone" }],
    ["404", { status: 404 }, { _tag: "NotFound" }],
    ["403", { status: 403 }, { _tag: "Forbidden" }],
    ["401", { status: 401 }, { _tag: "Unauthorized" }],
    ["422", { status: 422 }, { _tag: "Invalid" }],
    ["415", { status: 415 }, { _tag: "Invalid" }],
    ["a redirect", { status: 302 }, { _tag: "Malformed" }],
    ["429 without a time", { status: 429 }, { _tag: "Throttled", retryAfterMillis: 1000 }],
    ["429 with seconds", { status: 429, retryAfter: "3" }, { _tag: "Throttled", retryAfterMillis: 3000 }],
    [
      "429 with a date",
      { status: 429, retryAfter: "Thu, 01 Jan 2026 00:00:05 GMT" },
      { _tag: "Throttled", retryAfterMillis: 5000 }
    ],
    ["429 with nonsense", { status: 429, retryAfter: "-5" }, { _tag: "Throttled", retryAfterMillis: 1000 }],
    ["429 with an age", { status: 429, retryAfter: "999999" }, { _tag: "Throttled", retryAfterMillis: 120_000 }],
    [
      "a read that the server was too slow for",
      { status: 504, body: { details: { retryAfterSeconds: 2 } } },
      { _tag: "Throttled", retryAfterMillis: 2000 }
    ],
    ["a read that failed", { status: 500 }, { _tag: "ServerError", status: 500 }],
    [
      "a write turned away at the door",
      { method: "PUT", status: 503, retryAfter: "1" },
      { _tag: "Throttled", retryAfterMillis: 1000 }
    ],
    ["a write that a proxy lost", { method: "PUT", status: 503 }, { _tag: "Unknown" }],
    ["a write that etcd may have taken", { method: "PATCH", status: 500, retryAfter: "1" }, { _tag: "Unknown" }],
    ["a write that took too long", { method: "POST", status: 504 }, { _tag: "Unknown" }]
  ]
  for (const [title, answer, want] of cases) {
    it(`${title} is ${want._tag}`, () => assert.deepStrictEqual(reason(answer), want))
  }

  it("is told in the server's words, within bounds", () => {
    const error = failureOf("GET /x", {
      method: "GET",
      status: 404,
      body: { message: "no\u00a0such thing" },
      nowMillis: NOW
    })
    assert.strictEqual(error.message, "GET /x: NotFound: HTTP 404: no\u00a0such thing")
    const long = failureOf("GET /x", {
      method: "GET",
      status: 500,
      body: { message: "x".repeat(5000) },
      nowMillis: NOW
    })
    assert.isAtMost(long.detail.length, 600)
    const silent = failureOf("GET /x", { method: "GET", status: 500, body: "<html>", nowMillis: NOW })
    assert.match(silent.detail, /gave no reason/u)
  })

  it("comes as an ERROR event too, by its own code", () => {
    assert.strictEqual(watchFailureOf("WATCH /x", { code: 410, reason: "Expired" }, NOW).reason._tag, "Gone")
    assert.deepStrictEqual(watchFailureOf("WATCH /x", "nonsense", NOW).reason, { _tag: "ServerError", status: 500 })
  })
})
