// The sources against the real systems that they read: Prometheus and a NATS cluster, through the live egress.
import { lookup } from "node:dns"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { createServer as createHttpsServer, type Server as HttpsServer } from "node:https"
import type { AddressInfo, LookupFunction } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { getCACertificates, setDefaultCACertificates } from "node:tls"
import { Effect, Layer, ManagedRuntime, Stream } from "effect"
import { afterAll, assert, beforeAll, describe, expect, it } from "vitest"
import type { Reading } from "#schemas/Reading"
import { layerWith as egressLayerWith } from "#services/EgressLive"
import { Kubernetes, KubernetesError } from "#services/Kubernetes"
import { layer as natsLayer } from "#services/Nats"
import { layerWith as prometheusLayerWith } from "#services/Prometheus"
import { layer as resourceLayer } from "#services/ResourceMetrics"
import { layer as secretsLayer } from "#services/Secrets"
import type { SourceServices } from "#sources/index"
import { CertificateAuthority } from "#test/controlplane/Certificates"
import { eventually } from "#test/controlplane/eventually"
import { Exporter } from "#test/controlplane/Exporter"
import { NameProxy } from "#test/controlplane/NameProxy"
import type { NatsConnection } from "#test/controlplane/NatsConnection"
import { type NatsMember, NatsServer } from "#test/controlplane/NatsServer"
import { PrometheusServer } from "#test/controlplane/PrometheusServer"
import { describeWith } from "#test/controlplane/suite"
import { input, sample, signal } from "#test/sources/sourceWorld"

/** No cluster: what is asked of Kubernetes is not served. */
const kubernetes = Layer.succeed(Kubernetes, {
  request: ({ method, path }) =>
    Effect.fail(
      new KubernetesError({ reason: { _tag: "NotFound" }, request: `${method} ${path}`, detail: "no cluster" })
    ),
  watch: () => Stream.never
})

const runtime = (settings: { readonly prometheusUrl?: string; readonly proxy?: string } = {}) => {
  const egress = egressLayerWith({
    insideCluster: false,
    proxies: { http: settings.proxy, https: settings.proxy, except: undefined },
    lookup: lookup as LookupFunction
  })
  const prometheus = prometheusLayerWith({ defaultUrl: settings.prometheusUrl }).pipe(Layer.provide(egress))
  return ManagedRuntime.make(
    Layer.mergeAll(
      prometheus,
      natsLayer.pipe(Layer.provide(egress)),
      secretsLayer.pipe(Layer.provide(kubernetes)),
      resourceLayer.pipe(Layer.provide([kubernetes, prometheus]))
    )
  )
}

type Runtime = ManagedRuntime.ManagedRuntime<SourceServices, never>

const outcome = (reading: Reading) => (reading._tag === "Missing" ? reading.why : `${reading._tag} ${reading.value}`)

const read = (running: Runtime, ...one: Parameters<typeof signal>): Promise<Reading> =>
  running.runPromise(
    Effect.clockWith((clock) => Effect.flatMap(clock.currentTimeMillis, (at) => sample(signal(...one), { at })))
  )

describeWith(["prometheus"], "a real Prometheus", () => {
  let exporter: Exporter
  let server: PrometheusServer
  let running: Runtime

  beforeAll(async () => {
    exporter = await Exporter.start()
    exporter.set("depth", 42, { queue: "a" })
    exporter.set("two", 1, { pod: "a" })
    exporter.set("two", 2, { pod: "b" })
    exporter.set("negative", -5)
    exporter.set("requests_total", 7)
    // Half a second of CPU time per second, for five minutes already.
    const labels = { namespace: "shop", pod: "web-1", container: "app" }
    const counter = (agoMillis: number) => (performance.now() - agoMillis) / 2000 + 1000
    const history = Array.from({ length: 59 }, (_, at) => (60 - at) * 5000)
    exporter.setHistory(
      "container_cpu_usage_seconds_total",
      history.map((agoMillis) => ({ agoMillis, value: counter(agoMillis) })),
      labels
    )
    exporter.set("container_cpu_usage_seconds_total", () => counter(0), labels)
    exporter.set("container_memory_working_set_bytes", 128_000_000, {
      namespace: "shop",
      pod: "web-1",
      container: "app"
    })
    server = await PrometheusServer.start({ targets: [exporter.target] })
    running = runtime({ prometheusUrl: server.url })
    await eventually(async () => (await server.query("depth")).length === 1 && exporter.scrapes > 3, {
      what: "Prometheus to have scraped the exporter"
    })
  })

  afterAll(async () => {
    await running?.dispose()
    await server?.stop()
    await exporter?.close()
  })

  const ask = (query: string, options: object = {}, more: Parameters<typeof signal>[2] = {}) =>
    read(running, "prometheus", { serverUrl: server.url, query, ...options }, more)

  it.each([
    ["depth", "Measured 42"],
    ["scalar(depth)", "Measured 42"],
    ["depth / 8", "Measured 5.25"],
    ["depth * 1e9", "Measured 42000000000"],
    ["depth * 1e300 * 1e300", "NotANumber"],
    ["depth * 1e200", "Overflow"],
    ["0 * depth", "Measured 0"],
    ["0 / (depth - 42)", "NotANumber"],
    ["scalar(nothing)", "NotANumber"],
    ["negative", "Negative"],
    ["nothing", "Empty"],
    ["two", "TooManySeries"],
    ["depth[5m]", "Malformed"],
    ['"text"', "Malformed"],
    ["sum(", "BadOptions"],
    ["two * on() depth", "BadOptions"]
  ])("answers %s with %s", async (query, expected) => {
    assert.strictEqual(outcome(await ask(query)), expected)
  })

  it("is asked by default where the policy names none, and reduces what it is told to", async () => {
    assert.strictEqual(outcome(await read(running, "prometheus", { query: "two", reduce: "max" })), "Measured 2")
    assert.strictEqual(outcome(await ask("two", { reduce: "sum" })), "Measured 3")
    assert.strictEqual(outcome(await ask("nothing", {}, { onEmpty: "Zero" })), "Measured 0")
  })

  it("tells its own words about a wrong query", async () => {
    const reading = await ask("sum(")
    assert.match(reading._tag === "Missing" ? reading.detail : "", /parse error.*Correct the query/u)
  })

  it("shows a sample that is two minutes old as Stale, although its answer is of now", async () => {
    exporter.setHistory("silent", [{ agoMillis: 120_000, value: 9 }])
    await eventually(async () => (await server.query("silent")).length === 1, { what: "the old sample" })
    assert.strictEqual(outcome(await ask("silent")), "Measured 9")
    assert.strictEqual(outcome(await ask("silent", {}, { maxSampleAgeMillis: 60_000 })), "Stale 9")
    assert.strictEqual(outcome(await ask("silent", {}, { maxSampleAgeMillis: 60_000, onEmpty: "Zero" })), "Stale 9")
    assert.strictEqual(outcome(await ask("depth", {}, { maxSampleAgeMillis: 60_000 })), "Measured 42")
  })

  it("stands in where metrics.k8s.io is not served", async () => {
    const target = { type: "AverageValue", milli: 1 } as const
    const memory = await read(running, "resource", { resource: "memory" }, { target })
    assert.strictEqual(outcome(memory), "Measured 128000000")
    const cpu = await read(running, "resource", { resource: "cpu" }, { target })
    assert.approximately(cpu._tag === "Measured" ? cpu.value : 0, 0.5, 0.05)
    const pods = cpu._tag === "Measured" ? (cpu.pods ?? []) : []
    assert.deepStrictEqual(
      pods.map(({ name, usageMilli }) => [name, usageMilli !== undefined]),
      [
        ["web-1", true],
        ["web-2", false]
      ]
    )
  })

  it("is reached by the names of the seeds through HTTP_PROXY", async () => {
    const name = "prometheus-server.monitoring.svc.cluster.local"
    const proxy = await NameProxy.start({ [name]: server.url })
    const proxied = runtime({ proxy: proxy.url })
    try {
      const reading = await read(proxied, "prometheus", { serverUrl: `http://${name}`, query: "depth" })
      assert.strictEqual(outcome(reading), "Measured 42")
      const unknown = await read(proxied, "prometheus", { serverUrl: "http://nobody.example", query: "depth" })
      assert.strictEqual(outcome(unknown), "HttpStatus")
    } finally {
      await proxied.dispose()
      await proxy.close()
    }
  })

  it("is Missing while it hangs or is gone, and measured again once it is back", async () => {
    server.freeze()
    const frozen = await ask("depth + 0")
    server.thaw()
    assert.strictEqual(outcome(frozen), "Timeout")
    await server.kill()
    assert.strictEqual(outcome(await ask("depth - 0")), "Unreachable")
    await server.restart()
    await eventually(
      async (seen) => {
        const reading = await ask("depth")
        seen(reading)
        return outcome(reading) === "Measured 42"
      },
      { what: "the number to come back" }
    )
  })
})

describeWith(["nats-server"], "a real nats-server", () => {
  let server: NatsServer
  let client: NatsConnection
  let running: Runtime

  beforeAll(async () => {
    server = await NatsServer.start()
    client = await server.first.connect()
    running = runtime()
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
  let running: Runtime

  beforeAll(async () => {
    server = await NatsServer.start({ members: 3 })
    running = runtime()
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

describe("Prometheus behind TLS", () => {
  const name = "prometheus.secure.example"
  const scraped = { status: "success", data: { resultType: "scalar", result: [1, "42"] } }
  let folder = ""
  let authority: CertificateAuthority
  let server: HttpsServer
  let proxy: NameProxy
  let direct: Runtime
  let proxied: Runtime

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "nimbusguard-tls-"))
    authority = await CertificateAuthority.create(folder)
    const { certificatePath, keyPath } = await authority.issue({ name: "prometheus", dnsNames: [name] })
    const keys = { cert: await readFile(certificatePath), key: await readFile(keyPath) }
    server = createHttpsServer(keys, (incoming, response) => {
      if (incoming.url?.startsWith("/plain/")) response.writeHead(308, { location: "http://127.0.0.1:9/" }).end()
      else response.end(JSON.stringify(scraped))
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    proxy = await NameProxy.start({ [name]: `http://127.0.0.1:${port()}` })
    direct = runtime()
    proxied = runtime({ proxy: proxy.url })
  })

  afterAll(async () => {
    await direct?.dispose()
    await proxied?.dispose()
    await proxy?.close()
    server?.closeAllConnections()
    server?.close()
    await rm(folder, { recursive: true, force: true })
  })

  const port = () => (server.address() as AddressInfo).port
  const ask = (running: Runtime, serverUrl: string, query = "up") => read(running, "prometheus", { serverUrl, query })

  it("is not believed without a certificate that is trusted, and believed with one, directly and through a proxy", async () => {
    for (const [running, url] of [
      [direct, `https://127.0.0.1:${port()}`],
      [proxied, `https://${name}`]
    ] as const) {
      const reading = await ask(running, url, "before")
      assert.strictEqual(outcome(reading), "Unreachable")
      assert.include(reading._tag === "Missing" ? reading.detail : "", "certificate")
    }
    setDefaultCACertificates([...getCACertificates(), await authority.pem()])
    assert.strictEqual(outcome(await ask(direct, `https://127.0.0.1:${port()}`)), "Measured 42")
    assert.strictEqual(outcome(await ask(proxied, `https://${name}`)), "Measured 42")
    assert.strictEqual(outcome(await ask(direct, `https://127.0.0.1:${port()}/plain`)), "Blocked", "never down to http")
  })
})

describe("the fixtures", () => {
  it("name a pod that the exporter has metrics of", () => {
    assert.include(
      input().pods.map(({ name }) => name),
      "web-1"
    )
  })
})
