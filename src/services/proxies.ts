/** Which proxy a URL goes through, by HTTP_PROXY, HTTPS_PROXY and NO_PROXY as curl and Go read them. */
import { BlockList, isIP } from "node:net"

export interface Proxies {
  readonly http: string | undefined
  readonly https: string | undefined
  /** Commas or spaces between: names, .suffixes, addresses, CIDR ranges, each with an optional port; or *. */
  readonly except: string | undefined
}

const family = (address: string) => (isIP(address) === 6 ? "ipv6" : "ipv4")

const inRange = (address: string, range: string): boolean => {
  const [base = "", bits = ""] = range.split("/")
  const width = isIP(base) === 6 ? 128 : 32
  if (isIP(base) === 0 || !/^\d{1,3}$/u.test(bits) || Number(bits) > width) return false
  const list = new BlockList()
  list.addSubnet(base, Number(bits), family(base))
  return list.check(address, family(address))
}

const matches = (entry: string, host: string, port: string): boolean => {
  if (entry === "*") return true
  if (entry.includes("/")) return isIP(host) !== 0 && inRange(host, entry)
  const withPort = /^(\[[^\]]+\]|[^:]+):(\d+)$/u.exec(entry)
  const name = (withPort?.[1] ?? entry).replace(/^\[|\]$/gu, "").replace(/^\*?\./u, "")
  if (withPort !== null && withPort[2] !== port) return false
  return host === name || (isIP(host) === 0 && name !== "" && host.endsWith(`.${name}`))
}

/** Undefined: ask directly. */
export const proxyFor = (proxies: Proxies, url: URL): string | undefined => {
  const secure = url.protocol === "https:"
  const proxy = secure ? proxies.https : proxies.http
  if (proxy === undefined || proxy === "") return undefined
  const host = url.hostname
    .replace(/^\[|\]$/gu, "")
    .replace(/\.$/u, "")
    .toLowerCase()
  // A proxy's own loopback is another machine's: Go and curl never send these through one.
  if (host === "localhost" || (isIP(host) !== 0 && (host === "::1" || host.startsWith("127.")))) return undefined
  const port = url.port === "" ? (secure ? "443" : "80") : url.port
  const exceptions = (proxies.except ?? "")
    .toLowerCase()
    .split(/[\s,]+/u)
    .filter((entry) => entry !== "")
  return exceptions.some((entry) => matches(entry, host, port)) ? undefined : proxy
}
