// The prometheus source against a real Prometheus, beyond the contract: queries, ages, proxies, TLS, outages.
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { createServer as createHttpsServer, type Server as HttpsServer } from "node:https"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { getCACertificates, setDefaultCACertificates } from "node:tls"
import { Effect, Redacted, Result } from "effect"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { Prometheus } from "#services/Prometheus"
import { CertificateAuthority } from "#test/controlplane/Certificates"
import { eventually } from "#test/controlplane/eventually"
import { Exporter } from "#test/controlplane/Exporter"
import { NameProxy } from "#test/controlplane/NameProxy"
import { PrometheusServer } from "#test/controlplane/PrometheusServer"
import { describeWith } from "#test/controlplane/suite"
import { input, signal } from "#test/sources/sourceWorld"
import { outcome, SourceRuntime } from "./sourceRuntime.ts"

const read = (running: SourceRuntime, ...one: Parameters<typeof signal>) => running.read(signal(...one))

const through = (proxy: string) => ({ httpProxy: Redacted.make(proxy), httpsProxy: Redacted.make(proxy) })

describeWith(["prometheus"], "a real Prometheus", () => {
  let exporter: Exporter
  let server: PrometheusServer
  let running: SourceRuntime

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
    running = new SourceRuntime({ settings: { prometheusUrl: server.url } })
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

  it("answers a question about the last five minutes with every series over time", async () => {
    const to = Math.round(performance.timeOrigin + performance.now())
    const range = { serverUrl: server.url, from: to - 240_000, to, stepMillis: 30_000 }
    const ask = (promql: string) =>
      running.run(Effect.result(Effect.flatMap(Prometheus, (prometheus) => prometheus.range({ ...range, promql }))))
    const answer = await ask("container_cpu_usage_seconds_total")
    const [course, ...others] = Result.isSuccess(answer) ? answer.success : []
    assert.deepStrictEqual(others, [])
    assert.strictEqual(course?.labels["pod"], "web-1")
    const points = course?.points ?? []
    assert.isAbove(points.length, 6)
    assert.deepStrictEqual(
      points.map(({ value }) => Number(value)),
      points.map(({ value }) => Number(value)).toSorted((a, b) => a - b)
    )
    const tooMany = await running.run(
      Effect.result(
        Effect.flatMap(Prometheus, (prometheus) => prometheus.range({ ...range, stepMillis: 1, promql: "depth" }))
      )
    )
    assert.strictEqual(Result.isFailure(tooMany) ? tooMany.failure.why : "", "BadOptions")
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
    const proxied = new SourceRuntime({ settings: through(proxy.url) })
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
    await server.freeze()
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

describe("Prometheus behind TLS", () => {
  const name = "prometheus.secure.example"
  const scraped = { status: "success", data: { resultType: "scalar", result: [1, "42"] } }
  let folder = ""
  let authority: CertificateAuthority
  let server: HttpsServer
  let mutual: HttpsServer
  let pems: Readonly<Record<string, string>>
  let proxy: NameProxy
  let direct: SourceRuntime
  let proxied: SourceRuntime

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "nimbusguard-tls-"))
    authority = await CertificateAuthority.create(folder)
    const { certificatePath, keyPath } = await authority.issue({ name: "prometheus", dnsNames: [name] })
    const keys = { cert: await readFile(certificatePath), key: await readFile(keyPath) }
    const ours = await authority.issue({ name: "operator" })
    pems = {
      "ca.crt": await authority.pem(),
      "tls.crt": await readFile(ours.certificatePath, "utf8"),
      "tls.key": await readFile(ours.keyPath, "utf8")
    }
    mutual = createHttpsServer(
      { ...keys, ca: await authority.pem(), requestCert: true, rejectUnauthorized: true },
      (_, response) => response.end(JSON.stringify(scraped))
    )
    await new Promise<void>((resolve) => mutual.listen(0, "127.0.0.1", resolve))
    server = createHttpsServer(keys, (incoming, response) => {
      if (incoming.url?.startsWith("/plain/")) response.writeHead(308, { location: "http://127.0.0.1:9/" }).end()
      else response.end(JSON.stringify(scraped))
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    proxy = await NameProxy.start({ [name]: `http://127.0.0.1:${port()}` })
    direct = new SourceRuntime()
    proxied = new SourceRuntime({ settings: through(proxy.url) })
  })

  afterAll(async () => {
    await direct?.dispose()
    await proxied?.dispose()
    await proxy?.close()
    for (const one of [server, mutual]) {
      one?.closeAllConnections()
      one?.close()
    }
    await rm(folder, { recursive: true, force: true })
  })

  const port = () => (server.address() as AddressInfo).port
  const ask = (running: SourceRuntime, serverUrl: string, query = "up") =>
    read(running, "prometheus", { serverUrl, query })

  it("is believed by the authority that the policy names, and given the policy's certificate where it asks", async () => {
    const running = new SourceRuntime({ secrets: { tls: pems } })
    const secret = (key: string) => ({ name: "tls", key })
    const trusting = { caSecret: secret("ca.crt") }
    const proving = { ...trusting, certSecret: secret("tls.crt"), keySecret: secret("tls.key") }
    const ask = async (one: HttpsServer, options: object, query: string) => {
      const serverUrl = `https://127.0.0.1:${(one.address() as AddressInfo).port}`
      return outcome(await read(running, "prometheus", { serverUrl, query, ...options }))
    }
    try {
      assert.strictEqual(await ask(server, {}, "a"), "Unreachable")
      assert.strictEqual(await ask(server, trusting, "b"), "Measured 42")
      assert.strictEqual(await ask(mutual, trusting, "c"), "Unreachable")
      assert.strictEqual(await ask(mutual, proving, "d"), "Measured 42")
      assert.notInclude(running.everythingTold, pems["tls.key"]?.split("\n")[1] ?? "a key")
    } finally {
      await running.dispose()
    }
  })

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
