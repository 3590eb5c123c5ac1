import type { LookupFunction } from "node:net"
import { assert, describe, it } from "vitest"
import { makeJudge } from "#services/forbiddenAddresses"
import { ExchangeFailure } from "#services/httpExchange"
import { judgedLookup } from "#services/judgedLookup"

/** A resolver that knows these addresses of any name. */
const resolving = (...addresses: ReadonlyArray<string>): LookupFunction => {
  const found = addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }))
  return (_, __, callback) => callback(null, found)
}

const look = (lookup: LookupFunction, loopbackAllowed: boolean, all = true) =>
  new Promise<unknown>((resolve) => {
    judgedLookup(makeJudge(), lookup, loopbackAllowed)("queue.shop.svc", { all }, (error, found, family) =>
      resolve(error instanceof ExchangeFailure ? error.reason : (error ?? (all ? found : [found, family])))
    )
  })

describe("a name", () => {
  it("is what it resolves to, all of it or the first", async () => {
    const lookup = resolving("10.0.0.7", "fd00::7")
    assert.deepStrictEqual(await look(lookup, false), [
      { address: "10.0.0.7", family: 4 },
      { address: "fd00::7", family: 6 }
    ])
    assert.deepStrictEqual(await look(lookup, false, false), ["10.0.0.7", 4])
  })

  it("is refused whole when one of its addresses is forbidden", async () => {
    const reason = { _tag: "Blocked", rule: "Metadata" }
    assert.deepStrictEqual(await look(resolving("10.0.0.7", "169.254.169.254"), true), reason)
    assert.deepStrictEqual(await look(resolving("::ffff:169.254.169.254"), true, false), reason)
  })

  it("may be this machine only where that is allowed", async () => {
    assert.deepStrictEqual(await look(resolving("127.0.0.1"), false), { _tag: "Blocked", rule: "Loopback" })
    assert.deepStrictEqual(await look(resolving("127.0.0.1"), true, false), ["127.0.0.1", 4])
  })

  it("without any address is unreachable, and a resolver's own error stays what it is", async () => {
    assert.deepStrictEqual(await look(resolving(), true), { _tag: "Unreachable" })
    const error = new Error("ENOTFOUND")
    assert.strictEqual(await look((_, __, callback) => callback(error, []), true), error)
  })
})
