// The source kafka against real brokers: what only Kafka itself can show, by the commits of Kafka's own client.
import { readFile } from "node:fs/promises"
import { afterAll, assert, beforeAll, it } from "vitest"
import { eventually } from "#test/controlplane/eventually"
import { type KafkaBroker, KafkaServer } from "#test/controlplane/KafkaServer"
import { describeWith } from "#test/controlplane/suite"
import { signal } from "#test/sources/sourceWorld"
import { outcome, secretsOnly, SourceRuntime } from "./sourceRuntime.ts"

const perPod = { target: { type: "AverageValue", milli: 10_000 } } as const

describeWith(["kafka"], "a real Kafka", () => {
  let server: KafkaServer
  let runtime: SourceRuntime

  beforeAll(async () => {
    server = await KafkaServer.start({ users: { alice: "a-plain-password" }, superUsers: ["alice", "carol"] })
    const authority = await server.authority.pem()
    const client = await server.authority.issue({ name: "client" })
    const [cert, key] = await Promise.all(
      [client.certificatePath, client.keyPath].map((path) => readFile(path, "utf8"))
    )
    runtime = new SourceRuntime({
      kubernetes: secretsOnly(() => ({
        kafka: {
          plain: "a-plain-password",
          scram: "the-first-password",
          second: "the-second-password",
          ca: authority,
          cert: cert ?? "",
          key: key ?? ""
        }
      }))
    })
  })

  afterAll(async () => {
    await runtime?.dispose()
    await server?.stop()
  })

  const read = (options: object, more: Parameters<typeof signal>[2] = {}, pods?: []) =>
    runtime.read(
      signal("kafka", { bootstrapServers: [server.first.direct], consumerGroup: "workers", ...options }, more),
      pods === undefined ? {} : { pods }
    )

  const becomes = (expected: string, options: object, more: Parameters<typeof signal>[2] = {}, pods?: []) =>
    eventually(
      async (seen) => {
        const reading = await read(options, more, pods)
        seen(reading)
        return outcome(reading) === expected
      },
      { what: `${JSON.stringify(options)} to be ${expected}` }
    )

  it.each(["classic", "consumer"])("measures what consumers of the %s protocol leave", async (protocol) => {
    const topic = `left-${protocol}`
    const group = { consumerGroup: protocol, topic }
    await server.topic(topic, [10, 20])
    await becomes("NoConsumer", group)
    assert.strictEqual(await server.driver.do("consume", protocol, protocol, topic, 7), "7")
    await becomes("Measured 23", { ...group, offsetResetPolicy: "earliest" })
    assert.strictEqual(await server.driver.do("consume", protocol, protocol, topic, 23), "23")
    await becomes("Measured 0", group)
    await server.driver.do("produce", topic, 1, 5)
    await becomes("Measured 5", group)
    await becomes("Measured 5", { consumerGroup: protocol })
  })

  it("wakes a group that never committed, and tells a typing error from an empty queue", async () => {
    await server.topic("fresh", [3, 0, 4])
    const group = { consumerGroup: "fresh", topic: "fresh" }
    assert.strictEqual(outcome(await read(group)), "NoConsumer")
    assert.strictEqual(outcome(await read(group, {}, [])), "Measured 1")
    assert.strictEqual(outcome(await read({ ...group, scaleToZeroOnInvalidOffset: true })), "Measured 0")
    assert.strictEqual(outcome(await read({ ...group, offsetResetPolicy: "earliest" })), "Measured 7")
    assert.strictEqual(outcome(await read({ consumerGroup: "fresh" })), "NoConsumer")
    assert.strictEqual(outcome(await read({ consumerGroup: "fresh" }, { onEmpty: "Zero" })), "Measured 0")
  })

  it("counts no message that retention has taken, and every partition that was added", async () => {
    await server.topic("kept", [10])
    await server.driver.do("commit", "workers", "kept", 0, 2)
    await becomes("Measured 8", { topic: "kept" })
    await server.driver.do("truncate", "kept", 0, 6)
    await becomes("Measured 4", { topic: "kept" })
    await server.driver.do("grow", "kept", 2)
    await server.driver.do("produce", "kept", 1, 9)
    await becomes("Measured 13", { topic: "kept", offsetResetPolicy: "earliest" })
    await becomes("Measured 5", { topic: "kept" })
    await becomes("Measured 4", { topic: "kept", partitionLimitation: "0" })
    await becomes("NotFound", { topic: "kept", partitionLimitation: "0-2" })
  })

  it("is no number when the topic is gone or was made anew", async () => {
    await server.topic("anew", [10])
    await server.driver.do("commit", "anew", "anew", 0, 10)
    await becomes("Measured 0", { consumerGroup: "anew", topic: "anew" })
    await server.driver.do("delete", "anew")
    await becomes("NotFound", { consumerGroup: "anew", topic: "anew" })
    await server.topic("anew", [3])
    // Kafka has forgotten the commits with the topic; a stale one is put there by hand.
    await server.driver.do("commit", "anew", "anew", 0, 10)
    await becomes("Negative", { consumerGroup: "anew", topic: "anew" })
    await becomes("Measured 1", { consumerGroup: "anew", topic: "anew" }, {}, [])
  })

  it("asks for no more pods than partitions where a target is per pod", async () => {
    await server.topic("wide", [100, 1, 0])
    for (const partition of [0, 1, 2]) await server.driver.do("commit", "workers", "wide", partition, 0)
    await becomes("Measured 30", { topic: "wide" }, perPod)
    await becomes("Measured 20", { topic: "wide", limitToPartitionsWithLag: true }, perPod)
    await becomes("Measured 101", { topic: "wide", allowIdleConsumers: true }, perPod)
    await becomes("Measured 101", { topic: "wide" })
  })

  const secured = (more: object) => ({
    bootstrapServers: [server.first.secure],
    tls: true,
    caSecret: { name: "kafka", key: "ca" },
    ...more
  })

  it("is asked over TLS with every mechanism, and with a client certificate beside", async () => {
    await server.topic("secret", [6])
    await server.driver.do("commit", "workers", "secret", 0, 2)
    const plain = { username: "alice", passwordSecret: { name: "kafka", key: "plain" }, topic: "secret" }
    const pair = { certSecret: { name: "kafka", key: "cert" }, keySecret: { name: "kafka", key: "key" } }
    await becomes("Measured 4", secured(plain))
    await becomes("Measured 4", secured({ ...plain, ...pair }))
    for (const saslMechanism of ["SCRAM-SHA-256", "SCRAM-SHA-512"]) {
      await server.driver.do("user", "carol", saslMechanism, "the-first-password")
      const scram = {
        username: "carol",
        passwordSecret: { name: "kafka", key: "scram" },
        saslMechanism,
        topic: "secret"
      }
      await becomes("Measured 4", secured(scram))
      assert.strictEqual(outcome(await read(secured({ ...scram, username: "nobody" }))), "Unauthorized")
    }
    const { caSecret: _, ...untrusted } = secured(plain)
    assert.strictEqual(outcome(await read(untrusted)), "Unreachable")
  })

  it("is told nothing by a password that was changed, and tells nobody any", async () => {
    const scram = (key: string) =>
      secured({
        username: "carol",
        passwordSecret: { name: "kafka", key },
        saslMechanism: "SCRAM-SHA-256",
        topic: "secret"
      })
    await server.driver.do("user", "carol", "SCRAM-SHA-256", "the-second-password")
    assert.strictEqual(outcome(await read(scram("plain"))), "Unauthorized")
    await becomes("Measured 4", scram("second"))
    for (const secret of ["the-first-password", "the-second-password", "a-plain-password"]) {
      assert.notInclude(runtime.everythingTold, secret)
    }
  })
})

describeWith(["kafka"], "two real brokers", () => {
  let server: KafkaServer
  let runtime: SourceRuntime

  beforeAll(async () => {
    server = await KafkaServer.start({ brokers: 2 })
    runtime = new SourceRuntime()
    await server.topic("jobs", [5, 5, 5, 5], 2)
    for (let partition = 0; partition < 4; partition += 1) {
      await server.driver.do("commit", "workers", "jobs", partition, 1)
    }
    await eventually(async () => (await server.driver.do("insync", "jobs")) === "2", { what: "both copies" })
    await eventually(async () => (await server.driver.do("insync", "__consumer_offsets")) === "2", {
      what: "both copies"
    })
  })

  afterAll(async () => {
    await runtime?.dispose()
    await server?.stop()
  })

  const read = (group: string, from: ReadonlyArray<KafkaBroker>) =>
    runtime.read(
      signal("kafka", { bootstrapServers: from.map(({ direct }) => direct), consumerGroup: group, topic: "jobs" })
    )

  it("are asked each for what it leads, and give no other number while one dies and others take over", async () => {
    const [first, second] = server.brokers
    if (first === undefined || second === undefined) throw new Error("there are two brokers")
    const leaders = await Promise.all([0, 1, 2, 3].map((at) => server.driver.do("leader", "jobs", at)))
    assert.sameMembers([...new Set(leaders)], ["1", "2"])
    // A group whose coordinator is the broker that dies.
    let group = "workers"
    for (let at = 0; (await server.driver.do("coordinator", group)) !== "2"; at += 1) {
      group = `workers-${at}`
      for (let partition = 0; partition < 4; partition += 1)
        await server.driver.do("commit", group, "jobs", partition, 1)
    }
    assert.strictEqual(outcome(await read(group, [second, first])), "Measured 16")
    await second.kill()
    const seen: Array<string> = []
    await eventually(
      async (show) => {
        const reading = await read(group, [second, first])
        show(reading)
        seen.push(outcome(reading))
        return outcome(reading) === "Measured 16"
      },
      { what: "the other broker to lead everything" }
    )
    assert.deepStrictEqual(
      seen.filter((one) => one.startsWith("Measured")),
      ["Measured 16"]
    )
    assert.strictEqual(await server.driver.do("coordinator", group), "1")
  })
})
