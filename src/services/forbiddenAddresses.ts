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

/** The IPv4 address inside an IPv6 one: mapped, compatible, translated (NAT64) or tunnelled (6to4). */
const embedded = (address: string): string | undefined => {
  const groups = groupsOf(address)
  const dotted = (high: number, low: number) => [high >> 8, high & 255, low >> 8, low & 255].join(".")
  const at = (index: number) => groups[index] ?? 0
  if (at(0) === 0x2002) return dotted(at(1), at(2))
  const nat64 = at(0) === 0x64 && at(1) === 0xff9b
  const inLastGroups = nat64 || (groups.slice(0, 5).every((group) => group === 0) && [0, 0xffff].includes(at(5)))
  const translated = groups.slice(0, 4).every((group) => group === 0) && at(4) === 0xffff && at(5) === 0
  if (!inLastGroups && !translated) return undefined
  // :: and ::1 are addresses of their own.
  return at(5) === 0 && at(6) === 0 && at(7) <= 1 && !nat64 && !translated ? undefined : dotted(at(6), at(7))
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
    const inner = embedded(address)
    return inner === undefined ? undefined : rule(inner)
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
