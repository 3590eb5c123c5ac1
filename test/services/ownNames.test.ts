import { assert, describe, it } from "@effect/vitest"
import { isOwnName, isOwnNameOfContainers } from "#services/ownNames"

describe("the names of this machine", () => {
  it.each(["localhost", "LOCALHOST:6550", "127.0.0.1:9090", "127.0.0.53", "[::1]:8082", "[::1]"])(
    "have %s among them",
    (host) => assert.isTrue(isOwnName(host))
  )

  const OTHERS = [
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
  ]
  it.each(OTHERS)("have %s not among them", (host) => assert.isFalse(isOwnName(host)))

  const OF_CONTAINERS = ["host.docker.internal", "Host.Docker.Internal:9090"]
  it.each(OF_CONTAINERS)("have %s among them only where nothing but reading is done", (host) => {
    assert.isFalse(isOwnName(host))
    assert.isTrue(isOwnNameOfContainers(host))
  })

  it.each([
    ...OTHERS,
    "docker.internal",
    "evil.host.docker.internal",
    "host.docker.internal.rebound.example",
    "hostxdocker.internal",
    "host.docker.internal:"
  ])("have %s not among them for containers either", (host) => assert.isFalse(isOwnNameOfContainers(host)))
})
