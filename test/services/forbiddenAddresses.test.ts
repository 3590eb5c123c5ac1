import { assert, describe, it } from "vitest"
import { makeJudge } from "#services/forbiddenAddresses"
import type { Rule } from "#services/forbiddenAddresses"

const judge = makeJudge()

const ADDRESSES: ReadonlyArray<readonly [string, Rule | undefined]> = [
  ["10.0.0.1", undefined],
  ["192.168.1.1", undefined],
  ["172.16.0.1", undefined],
  ["93.184.216.34", undefined],
  ["100.64.0.1", undefined],
  ["2001:db8::1", undefined],
  ["fd12:3456::1", undefined],
  ["169.253.255.255", undefined],
  ["169.254.0.0", "LinkLocal"],
  ["169.254.169.253", "LinkLocal"],
  ["169.254.169.254", "Metadata"],
  ["169.254.170.2", "Metadata"],
  ["169.254.170.23", "Metadata"],
  ["169.255.0.0", undefined],
  ["168.63.129.16", "Metadata"],
  ["168.63.129.17", undefined],
  ["100.100.100.200", "Metadata"],
  ["192.0.0.192", "Metadata"],
  ["fd00:ec2::254", "Metadata"],
  ["fd00:ec2::253", undefined],
  ["fe7f::1", undefined],
  ["fe80::", "LinkLocal"],
  ["febf:ffff::1", "LinkLocal"],
  ["fec0::1", undefined],
  ["fe80::1%eth0", "LinkLocal"],
  ["126.255.255.255", undefined],
  ["127.0.0.1", "Loopback"],
  ["127.255.255.255", "Loopback"],
  ["128.0.0.0", undefined],
  ["0.0.0.0", "Loopback"],
  ["0.1.2.3", "Loopback"],
  ["::", "Loopback"],
  ["::1", "Loopback"],
  ["::2", "Loopback"],
  ["224.0.0.1", "Unroutable"],
  ["255.255.255.255", "Unroutable"],
  ["ff02::1", "Unroutable"],
  ["::ffff:169.254.169.254", "Metadata"],
  ["::ffff:7f00:1", "Loopback"],
  ["::ffff:10.0.0.1", undefined],
  ["::169.254.169.254", "Metadata"],
  ["::ffff:0:169.254.169.254", "Metadata"],
  ["64:ff9b::169.254.169.254", "Metadata"],
  ["64:ff9b::10.0.0.1", undefined],
  ["64:ff9b:1::7f00:1", "Loopback"],
  ["64:ff9b:1::10.0.0.1", undefined],
  ["64:ff9b:1::169.254.169.254", "Metadata"],
  ["64:ff9b:1:a9fe:a9:fe00::", "Metadata"],
  ["64:ff9b:1:a9:fe:a9fe::", "Metadata"],
  ["64:ff9b:1:0:a9:fea9:fe00:0", "Metadata"],
  ["64:ff9b:1:7f00:0:100::", "Loopback"],
  ["64:ff9b:1:a00:0:100::", undefined],
  ["2002:a9fe:a9fe::1", "Metadata"],
  ["2002:7f00:1::", "Loopback"],
  ["2002:a00:1::", undefined]
]

describe("an address", () => {
  it.each(ADDRESSES)("%s is %s", (address, rule) => {
    assert.strictEqual(judge.address(address, false), rule)
    assert.strictEqual(judge.address(address, true), rule === "Loopback" ? undefined : rule)
  })
})

const HOSTS: ReadonlyArray<readonly [string, Rule | undefined]> = [
  ["prometheus.monitoring.svc.cluster.local", undefined],
  ["metadata.google.internal", "Metadata"],
  ["metadata.google.internal.", "Metadata"],
  ["METADATA.GOOGLE.INTERNAL", "Metadata"],
  ["metadata", "Metadata"],
  ["metadata.example.com", undefined],
  ["instance-data.ec2.internal", "Metadata"],
  ["localhost", "Loopback"],
  ["LOCALHOST.", "Loopback"],
  ["a.localhost", "Loopback"],
  ["localhost.example.com", undefined],
  ["[::1]", "Loopback"],
  ["[fe80::1]", "LinkLocal"],
  ["169.254.169.254.", "Metadata"]
]

describe("a host", () => {
  it.each(HOSTS)("%s is %s", (host, rule) => {
    assert.strictEqual(judge.host(host, false), rule)
    assert.strictEqual(judge.host(host, true), rule === "Loopback" ? undefined : rule)
  })

  it.each(["2852039166", "0xa9.0xfe.0xa9.0xfe", "0251.0376.0251.0376", "169.16689662", "0xA9FEA9FE"])(
    "%s is the metadata service in disguise",
    (spelling) => {
      assert.strictEqual(judge.host(new URL(`http://${spelling}/`).hostname, true), "Metadata")
    }
  )
})
