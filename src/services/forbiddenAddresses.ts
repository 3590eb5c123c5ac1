/**
 * Which addresses tenants may not make the operator ask: its own machine, its link, and the cloud's metadata, whose
 * answers are credentials. Judged on what a name resolved to, since a name proves nothing.
 */
import { BlockList, isIP } from "node:net"
import type { EgressReason } from "#services/Egress"

export type Rule = Extract<EgressReason, { readonly _tag: "Blocked" }>["rule"]

const METADATA_NAMES = new Set([
  "metadata",
  "metadata.google.internal",
  "metadata.goog",
  "instance-data",
  "instance-data.ec2.internal"
])

/** The most telling rule first: 169.254.169.254 is link-local too. */
export const RANGES: ReadonlyArray<readonly [Rule, ReadonlyArray<string>]> = [
  [
    "Metadata",
    [
      "169.254.169.254/32", // nearly everywhere
      "169.254.170.2/32", // credentials of ECS tasks
      "169.254.170.23/32", // and of EKS pods
      "168.63.129.16/32", // Azure's wire server
      "100.100.100.200/32", // Alibaba
      "192.0.0.192/32", // Oracle
      "fd00:ec2::254/128",
      "fd00:ec2::23/128",
      "fd20:ce::254/128" // Google over IPv6
    ]
  ],
  ["LinkLocal", ["169.254.0.0/16", "fe80::/10"]],
  // Connecting to the unspecified address reaches loopback on Linux.
  ["Loopback", ["127.0.0.0/8", "0.0.0.0/8", "::1/128", "::/128"]],
  ["Unroutable", ["224.0.0.0/4", "240.0.0.0/4", "ff00::/8"]]
]

const blockList = (ranges: ReadonlyArray<string>): BlockList => {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = "", bits = ""] = range.split("/")
    list.addSubnet(address, Number(bits), isIP(address) === 6 ? "ipv6" : "ipv4")
  }
  return list
}

const makeLists = () => RANGES.map(([rule, ranges]) => [rule, blockList(ranges)] as const)

/** Sixteen bits each; a dotted tail counts as two. */
const groupsOf = (address: string): ReadonlyArray<number> => {
  const { hostname } = new URL(`http://[${address}]/`)
  const [head = "", tail = ""] = hostname.slice(1, -1).split("::")
  const parse = (text: string) => (text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16)))
  const [before, after] = [parse(head), parse(tail)]
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after]
}

const dotted = (...octets: ReadonlyArray<number>) => octets.join(".")

/** Where RFC 6052 puts the four octets of an IPv4 address, by the length of the translator's prefix. */
const NAT64_OCTETS = [
  [6, 7, 9, 10], // 48
  [7, 9, 10, 11], // 56
  [9, 10, 11, 12], // 64
  [12, 13, 14, 15] // 96
]

/** The IPv4 addresses that an IPv6 one may lead to: mapped, compatible, translated (NAT64) or tunnelled (6to4). */
const embedded = (address: string): ReadonlyArray<string> => {
  const groups = groupsOf(address)
  const octets = groups.flatMap((group) => [group >> 8, group & 255])
  const from = (index: number) => [dotted(...octets.slice(index, index + 4))]
  const zeros = (until: number) => groups.slice(0, until).every((group) => group === 0)
  const [first, second, third, , fifth, sixth, seventh = 0, eighth = 0] = groups
  if (first === 0x2002) return from(2)
  if (first === 0x64 && second === 0xff9b) {
    if (third === 0) return from(12)
    // A translator's own prefix: how long it is nobody outside knows, so each length counts. Zeros are padding.
    const all = NAT64_OCTETS.map((places) => dotted(...places.map((place) => octets[place] ?? 0)))
    return all.filter((one) => !one.startsWith("0."))
  }
  if (zeros(5) && sixth === 0xffff) return from(12)
  if (zeros(4) && fifth === 0xffff && sixth === 0) return from(12)
  // :: and ::1 are addresses of their own.
  return zeros(6) && !(seventh === 0 && eighth <= 1) ? from(12) : []
}

export interface Judge {
  /** Undefined: may be asked. */
  readonly address: (address: string, loopbackAllowed: boolean) => Rule | undefined
  /** For a URL's host: an address in any spelling, or one of the names that need no resolving to be refused. */
  readonly host: (hostname: string, loopbackAllowed: boolean) => Rule | undefined
}

export const makeJudge = (): Judge => {
  const lists = makeLists()
  const rule = (address: string): Rule | undefined => {
    const family = isIP(address)
    const found = lists.find(([, list]) => list.check(address, family === 6 ? "ipv6" : "ipv4"))?.[0]
    if (found !== undefined || family !== 6) return found
    return embedded(address)
      .map(rule)
      .find((inner) => inner !== undefined)
  }
  const address: Judge["address"] = (text, loopbackAllowed) => {
    // A zone (fe80::1%eth0) names an interface of this machine.
    const found = text.includes("%") ? "LinkLocal" : rule(text)
    return found === "Loopback" && loopbackAllowed ? undefined : found
  }
  return {
    address,
    host: (hostname, loopbackAllowed) => {
      // URL has already made one spelling of decimal, octal, hexadecimal and short forms.
      const host = hostname
        .replace(/^\[|\]$/gu, "")
        .replace(/\.$/u, "")
        .toLowerCase()
      if (isIP(host) !== 0) return address(host, loopbackAllowed)
      if (METADATA_NAMES.has(host)) return "Metadata"
      const isLoopback = host === "localhost" || host.endsWith(".localhost")
      return isLoopback && !loopbackAllowed ? "Loopback" : undefined
    }
  }
}
