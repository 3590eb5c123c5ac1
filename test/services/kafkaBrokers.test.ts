import { lookup } from "node:dns"
import type { LookupFunction } from "node:net"
import { afterEach, assert, beforeEach, describe, expect, it } from "vitest"
import { makeJudge } from "#services/forbiddenAddresses"
import { Allowance } from "#services/httpExchange"
import { KafkaBrokers, serverOf } from "#services/kafkaBrokers"
import { metadata } from "#services/kafkaCalls"
import { eventually } from "#test/controlplane/eventually"
import { KafkaBrokerStub } from "#test/services/kafkaBroker"

const around = {
  judge: makeJudge(),
  lookup: lookup as LookupFunction,
  loopbackAllowed: true,
  allowance: new Allowance()
}
const never = new AbortController().signal

describe("the address of a broker", () => {
  it.each([
    ["kafka:9092", { host: "kafka", port: 9092 }],
    ["[::1]:9093", { host: "::1", port: 9093 }],
    ["10.0.0.1:1", { host: "10.0.0.1", port: 1 }]
  ])("%s is read", (text, server) => {
    assert.deepStrictEqual(serverOf(text), server)
  })
})

describe("the brokers of a cluster", () => {
  let first: KafkaBrokerStub
  let second: KafkaBrokerStub

  beforeEach(async () => {
    first = await KafkaBrokerStub.start()
    second = await KafkaBrokerStub.start()
  })

  afterEach(async () => {
    await first.close()
    await second.close()
  })

  const cluster = (...bootstrapServers: ReadonlyArray<string>) => new KafkaBrokers({ bootstrapServers }, around)

  it("are asked over one connection each, however many ask", async () => {
    const brokers = cluster(first.address)
    await Promise.all(Array.from({ length: 20 }, () => brokers.askAny(metadata([]), never)))
    assert.strictEqual(first.connections, 1)
    brokers.close()
    await eventually(() => first.sockets.size === 0, { what: "the connection to be closed" })
  })

  it("stand in for each other, and who answered is asked first from then on", async () => {
    const brokers = cluster(first.address, second.address)
    const { port } = first
    await first.close()
    await brokers.askAny(metadata([]), never)
    await brokers.askAny(metadata([]), never)
    assert.strictEqual(second.connections, 1)
    assert.deepStrictEqual(second.asked, [18, 3, 3])
    await second.close()
    await expect(brokers.askAny(metadata([]), never)).rejects.toThrow(/could not be asked|closed the connection/u)
    brokers.close()
    assert.isAbove(port, 0)
    first = await KafkaBrokerStub.start()
    second = await KafkaBrokerStub.start()
  })

  it("are connected to anew when a connection broke", async () => {
    const brokers = cluster(first.address)
    await brokers.askAny(metadata([]), never)
    for (const socket of first.sockets) socket.destroy()
    await eventually(
      async () => {
        await brokers.askAny(metadata([]), never)
        return first.connections === 2
      },
      { what: "a second connection" }
    )
    brokers.close()
  })

  it("do not ask the next one after a refusal that all would repeat", async () => {
    const brokers = cluster("169.254.169.254:9092", second.address)
    await expect(brokers.askAny(metadata([]), never)).rejects.toThrow(/metadata service/u)
    assert.strictEqual(second.connections, 0)
  })

  it("leave no connection that was still opening when they were closed", async () => {
    first.answer = ({ key }) => (key === 18 ? undefined : "silence")
    const brokers = cluster(first.address)
    const asked = brokers.askAny(metadata([]), never).catch(() => "failed")
    brokers.close()
    assert.strictEqual(await asked, "failed")
    await eventually(() => first.sockets.size === 0, { what: "the connection to be closed" })
  })
})
