import { assert, describe, it } from "vitest"
import { refusal } from "#services/redisRefusals"

describe("a refusal", () => {
  it.each([
    ["NOAUTH Authentication required.", "Unauthorized"],
    ["WRONGPASS invalid username-password pair or user is disabled.", "Unauthorized"],
    ["ERR invalid password", "Unauthorized"],
    ["ERR AUTH <password> called without any password configured for the default user.", "Unauthorized"],
    ["ERR Client sent AUTH, but no password is set", "Unauthorized"],
    ["NOPERM this user has no permissions to run the 'llen' command", "Forbidden"],
    ["DENIED Redis is running in protected mode", "Forbidden"],
    ["LOADING Redis is loading the dataset in memory", "Unreachable"],
    ["CLUSTERDOWN Hash slot not served", "Unreachable"],
    ["ERR max number of clients reached", "Throttled"],
    ["ERR DB index is out of range", "BadOptions"],
    ["ERR SELECT is not allowed in cluster mode", "BadOptions"],
    ["WRONGTYPE Operation against a key holding the wrong kind of value", "Malformed"],
    ["ERR unknown command 'AUTH', with args beginning with: 'hunter2'", "Malformed"],
    ["toString", "Malformed"],
    ["", "Malformed"]
  ])("%j means %s", (text, why) => {
    const error = refusal({ _tag: "ErrorReply", text }, "Redis at redis:6379")
    assert.strictEqual(error.why, why)
    assert.match(error.detail, /^Redis at redis:6379 .+\. [A-Z].+\.$/su, "says what to do")
    assert.notInclude(error.detail, "hunter2", "a server may repeat what it was sent")
  })
})
