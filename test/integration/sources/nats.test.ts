// The nats source against real nats-servers, beyond the contract: what counts, leaders and followers.
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, expect, it } from "vitest"
import { CertificateAuthority } from "#test/controlplane/Certificates"
import { eventually } from "#test/controlplane/eventually"
import type { NatsConnection } from "#test/controlplane/NatsConnection"
import { type NatsMember, NatsServer } from "#test/controlplane/NatsServer"
import { describeWith } from "#test/controlplane/suite"
import { signal } from "#test/sources/sourceWorld"
import { outcome, SourceRuntime } from "./sourceRuntime.ts"

const read = (running: SourceRuntime, ...one: Parameters<typeof signal>) => running.read(signal(...one))

describeWith(["nats-server"], "a real nats-server", () => {
  let server: NatsServer
  let client: NatsConnection
  let running: SourceRuntime

  beforeAll(async () => {
    server = await NatsServer.start()
    client = await server.first.connect()
    running = new SourceRuntime()
    await client.createStream({ name: "ORDERS", subjects: ["orders.>"] })
    await client.createConsumer("ORDERS", { durable_name: "workers", filter_subject: "orders.processing" })
    await client.createStream({ name: "JOBS", subjects: ["jobs.*"], retention: "workqueue" })
    await client.createStream({ name: "LOGS", subjects: ["logs"] })
    for (let at = 0; at < 7; at += 1) await client.store("orders.processing", String(at))
    await client.store("orders.cancelled", "not counted")
    for (let at = 0; at < 3; at += 1) await client.store("jobs.mail", String(at))
    await client.store("logs", "kept for good")
  })

  afterAll(async () => {
    await running?.dispose()
    client?.close()
    await server?.stop()
  })

  const ask = (subject: string, options: object = {}) =>
    read(running, "nats", { natsMonitoringURL: server.first.monitoringUrl, subject, ...options })

  const becomes = (subject: string, expected: string, options: object = {}) =>
    eventually(
      async (seen) => {
        const reading = await ask(subject, options)
        seen(reading)
        return outcome(reading) === expected
      },
      { what: `${subject} to be ${expected}` }
    )

  it("counts what is pending and what is not confirmed yet", async () => {
    await becomes("orders.processing", "Measured 7")
    const [first, second] = await client.fetch("ORDERS", "workers", 2)
    await becomes("orders.processing", "Measured 7")
    if (first === undefined || second === undefined) throw new Error("two messages were there")
    await client.acknowledge(first)
    await becomes("orders.processing", "Measured 6")
  })

  it("counts the messages of a work queue that has no consumer, and nothing where messages stay for good", async () => {
    await becomes("jobs.mail", "Measured 3")
    assert.strictEqual(outcome(await ask("logs")), "NoConsumer")
    assert.strictEqual(outcome(await ask("unknown")), "NoStream")
  })

  it("is ambiguous with two consumers until one is named", async () => {
    await client.createConsumer("ORDERS", { durable_name: "audit" })
    await becomes("orders.processing", "AmbiguousConsumer")
    await becomes("orders.processing", "Measured 8", { consumer: "audit" })
    await becomes("orders.processing", "Measured 14", { aggregate: "sum" })
    await client.deleteConsumer("ORDERS", "audit")
    await becomes("orders.processing", "Measured 6")
  })

  it("shares one account page by page with the account named", async () => {
    assert.strictEqual(outcome(await ask("jobs.mail", { account: "$G" })), "Measured 3")
    assert.strictEqual(outcome(await ask("jobs.mail", { account: "NOBODY" })), "NoStream")
  })
})

interface Monitored {
  readonly account_details: ReadonlyArray<{
    readonly stream_detail: ReadonlyArray<{
      readonly consumer_detail: ReadonlyArray<{
        readonly num_pending: number
        readonly cluster: { readonly leader: string }
      }>
    }>
  }>
}

describeWith(["nats-server"], "a real cluster of three nats-servers", () => {
  let server: NatsServer
  let running: SourceRuntime

  beforeAll(async () => {
    server = await NatsServer.start({ members: 3 })
    running = new SourceRuntime()
    const client = await server.first.connect()
    await eventually(
      async () => {
        await client.createStream({ name: "ORDERS", subjects: ["orders.>"], num_replicas: 3 })
        return true
      },
      { what: "a stream with three copies" }
    )
    await client.createConsumer("ORDERS", { durable_name: "workers", filter_subject: "orders.processing" })
    for (let at = 0; at < 7; at += 1) await client.store("orders.processing", String(at))
    client.close()
  })

  afterAll(async () => {
    await running?.dispose()
    await server?.stop()
  })

  const ask = (member: NatsMember, peers: ReadonlyArray<NatsMember>) =>
    read(running, "nats", {
      natsMonitoringURL: member.monitoringUrl,
      subject: "orders.processing",
      peerMonitoringURLs: peers.map(({ monitoringUrl }) => monitoringUrl)
    })

  const leader = async (member: NatsMember) => {
    const page = await member.monitoring<Monitored>("/jsz?accounts=true&streams=true&consumers=true&config=true")
    return page.account_details[0]?.stream_detail[0]?.consumer_detail[0]
  }

  it("gives the leader's number to whoever asks, and a follower alone gives none", async () => {
    for (const member of server.members) {
      await eventually(
        async (seen) => {
          const reading = await ask(member, server.members)
          seen(reading)
          return outcome(reading) === "Measured 7"
        },
        { what: `the backlog by way of ${member.name}` }
      )
    }
    const name = (await leader(server.first))?.cluster.leader
    const followers = server.members.filter((member) => member.name !== name)
    expect(followers).toHaveLength(2)
    for (const follower of followers) {
      const reading = await ask(follower, [])
      assert.strictEqual(outcome(reading), "NotLeader")
      assert.include(reading._tag === "Missing" ? reading.detail : "", `led by ${name}`)
    }
  })

  it("gives no number while its leader is dead, and the next leader's number after that", async () => {
    const name = (await leader(server.first))?.cluster.leader
    const dead = server.members.find((member) => member.name === name)
    const [alive] = server.members.filter((member) => member !== dead)
    if (dead === undefined || alive === undefined) throw new Error("the leader is one of the members")
    await dead.kill()
    const seenBetween: Array<string> = []
    await eventually(
      async (seen) => {
        const reading = await ask(alive, server.members)
        seen(reading)
        seenBetween.push(outcome(reading))
        return outcome(reading) === "Measured 7"
      },
      { what: "the next leader" }
    )
    const numbers = seenBetween.filter((one) => one.startsWith("Measured"))
    assert.deepStrictEqual(numbers, ["Measured 7"], "never a follower's number in between")
    await dead.restart()
  })
})

describeWith(["nats-server"], "a real nats-server with many accounts", () => {
  // More than fit into a page of its answer; the one with the work comes last.
  const accounts = Array.from({ length: 140 }, (_, at) => `TEAM_${String(at).padStart(3, "0")}`)
  const [last = ""] = accounts.slice(-1)
  let server: NatsServer
  let running: SourceRuntime

  beforeAll(async () => {
    server = await NatsServer.start({ accounts })
    running = new SourceRuntime()
    const fill = async (account: string, subject: string, count: number) => {
      const client = await server.first.connect(account)
      await client.createStream({ name: "JOBS", subjects: [subject], retention: "workqueue" })
      for (let at = 0; at < count; at += 1) await client.store(subject, String(at))
      client.close()
    }
    await fill(last, "jobs", 3)
    await fill("TEAM_000", "jobs", 5)
    await fill("TEAM_001", "mail", 2)
  })

  afterAll(async () => {
    await running?.dispose()
    await server?.stop()
  })

  const ask = (subject: string, options: object = {}) =>
    read(running, "nats", { natsMonitoringURL: server.first.monitoringUrl, subject, ...options })

  it("reads every page, and takes a subject of several accounts for none of them until one is named", async () => {
    assert.strictEqual(outcome(await ask("mail")), "Measured 2")
    const several = await ask("jobs")
    assert.strictEqual(outcome(several), "AmbiguousConsumer")
    assert.include(several._tag === "Missing" ? several.detail : "", `TEAM_000/JOBS, ${last}/JOBS`)
    assert.strictEqual(outcome(await ask("jobs", { account: last })), "Measured 3")
    assert.strictEqual(outcome(await ask("jobs", { account: "TEAM_000" })), "Measured 5")
    assert.strictEqual(outcome(await ask("jobs", { account: "TEAM_001" })), "NoStream")
  })
})

describeWith(["nats-server"], "a real cluster of nats-servers behind TLS", () => {
  let folder = ""
  let server: NatsServer
  let running: SourceRuntime

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "nimbusguard-nats-tls-"))
    const authority = await CertificateAuthority.create(folder)
    const tls = await authority.issue({ name: "nats" })
    server = await NatsServer.start({ members: 3, tls })
    running = new SourceRuntime({ secrets: { trust: { "ca.crt": await authority.pem() } } })
    const client = await server.first.connect()
    await eventually(
      async () => {
        await client.createStream({ name: "JOBS", subjects: ["jobs"], num_replicas: 3, retention: "workqueue" })
        return true
      },
      { what: "a stream with three copies" }
    )
    for (let at = 0; at < 4; at += 1) await client.store("jobs", String(at))
    client.close()
  })

  afterAll(async () => {
    await running?.dispose()
    await server?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  it("is believed by the authority that the policy names, every member of it, and not without", async () => {
    const peerMonitoringURLs = server.members.map(({ monitoringUrl }) => monitoringUrl)
    const options = { natsMonitoringURL: server.first.monitoringUrl, subject: "jobs", peerMonitoringURLs }
    const distrusted = await read(running, "nats", options)
    assert.strictEqual(outcome(distrusted), "Unreachable")
    assert.include(distrusted._tag === "Missing" ? distrusted.detail : "", "certificate")
    await eventually(
      async (seen) => {
        const reading = await read(running, "nats", { ...options, caSecret: { name: "trust", key: "ca.crt" } })
        seen(reading)
        return outcome(reading) === "Measured 4"
      },
      { what: "the number of the leader" }
    )
  })
})
