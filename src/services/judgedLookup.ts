/** How names become addresses for whoever connects to what a tenant names: judged on the very answer that is used. */
import type { LookupFunction } from "node:net"
import type { Judge } from "#services/forbiddenAddresses"
import { blocked, ExchangeFailure } from "#services/httpExchange"

/** Refuses the whole name when one of its addresses is forbidden: an honest name has none. */
export const judgedLookup =
  (judge: Judge, lookup: LookupFunction, loopbackAllowed: boolean): LookupFunction =>
  (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, [])
      const addresses = typeof found === "string" ? [{ address: found, family: found.includes(":") ? 6 : 4 }] : found
      const rule = addresses
        .map(({ address }) => judge.address(address, loopbackAllowed))
        .find((verdict) => verdict !== undefined)
      if (rule !== undefined) return callback(blocked(rule, hostname), [])
      const [first] = addresses
      if (first === undefined) {
        return callback(new ExchangeFailure({ _tag: "Unreachable" }, "has a name without any address"), [])
      }
      return options.all === true ? callback(null, addresses) : callback(null, first.address, first.family)
    })
  }
