import { assert, describe, it } from "vitest"
import { printableServer } from "#services/RedisWire"

describe("what is said of a server", () => {
  it.each([
    [{ host: "redis", port: 6379 }, "Redis at redis:6379"],
    [{ host: "fd00::7", port: 6380 }, "Redis at [fd00::7]:6380"]
  ])("of %j is where it is, and nothing of who asks", (server, expected) => {
    const whole = { ...server, db: 0, username: "me", password: "hunter2" }
    assert.strictEqual(printableServer(whole), expected)
  })
})
