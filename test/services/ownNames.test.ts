import { assert, describe, it } from "@effect/vitest"
import { isOwnName } from "#services/ownNames"

describe("the names of this machine", () => {
  it.each(["localhost", "LOCALHOST:6550", "127.0.0.1:9090", "127.0.0.53", "[::1]:8082", "[::1]"])(
    "have %s among them",
    (host) => assert.isTrue(isOwnName(host))
  )

  it.each([
    undefined,
    "",
    "rebound.example",
    "rebound.example:6550",
    "127.0.0.1.rebound.example",
    "127.evil.example",
    "localhost.rebound.example",
    "rebound.example#localhost",
    "localhost@rebound.example",
    "10.0.0.1:6550",
    "localhost:",
    "localhost\n"
  ])("have %s not among them", (host) => assert.isFalse(isOwnName(host)))
})
