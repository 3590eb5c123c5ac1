// nimbusguard backtest as a person runs it, against a real Prometheus that remembers six hours of a shop.
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, it } from "vitest"
import { PrometheusServer } from "#test/controlplane/PrometheusServer"
import { remoteWrite, type WrittenSeries } from "#test/controlplane/remoteWrite"
import { describeWith } from "#test/controlplane/suite"

const root = new URL("../../..", import.meta.url).pathname

const SCRAPE_SECONDS = 15
const HOURS = 6
const PER_POD = 40

/** Two waves, and a day of pods that an HPA keeps some minutes late. */
const rateAt = (second: number) => 300 + 220 * Math.sin((2 * Math.PI * second) / 10_800)
const podsAt = (second: number) => Math.max(3, Math.ceil(rateAt(second - 180) / (PER_POD * 0.7)))

const scrapes = Array.from({ length: (HOURS * 3600) / SCRAPE_SECONDS }, (_, index) => index * SCRAPE_SECONDS)

const written = (startMillis: number): ReadonlyArray<WrittenSeries> => {
  const samples = (valueAt: (second: number) => number) =>
    scrapes.map((second) => [startMillis + second * 1000, valueAt(second)] as const)
  const sums = new Map<number, { readonly requests: number; readonly cpu: number }>()
  let [requests, cpu] = [0, 0]
  for (const second of scrapes) {
    sums.set(second, { requests, cpu })
    requests += rateAt(second) * SCRAPE_SECONDS
    // A core a pod: as much of it as its share of the requests takes.
    cpu += Math.min(podsAt(second), rateAt(second) / PER_POD) * SCRAPE_SECONDS
  }
  const shop = { namespace: "default", deployment: "shop" }
  const pod = { namespace: "default", pod: "shop-1", container: "app" }
  return [
    { labels: { __name__: "http_requests_total", app: "shop" }, samples: samples((at) => sums.get(at)?.requests ?? 0) },
    {
      labels: { __name__: "container_cpu_usage_seconds_total", ...pod },
      samples: samples((at) => sums.get(at)?.cpu ?? 0)
    },
    {
      labels: { __name__: "kube_pod_container_resource_requests", resource: "cpu", ...pod },
      samples: samples(podsAt)
    },
    { labels: { __name__: "kube_deployment_status_replicas_ready", ...shop }, samples: samples(podsAt) },
    { labels: { __name__: "kube_deployment_spec_replicas", ...shop }, samples: samples(podsAt) },
    {
      labels: {
        __name__: "kube_horizontalpodautoscaler_status_desired_replicas",
        namespace: "default",
        horizontalpodautoscaler: "shop"
      },
      samples: samples(podsAt)
    }
  ]
}

const POLICY = `apiVersion: nimbusguard.io/v1
kind: ScalingPolicy
metadata: {name: shop, namespace: default}
spec:
  target: {apiVersion: apps/v1, kind: Deployment, name: shop}
  scaling: {minReplicas: 3, maxReplicas: 40, behavior: {}}
  signals:
    - name: requests
      prometheus: {serverUrl: "http://prometheus.monitoring:9090", query: "QUERY"}
      target: {type: AverageValue, value: "28"}
`

interface Answer {
  readonly notes: ReadonlyArray<string>
  readonly policy: string
  readonly results: ReadonlyArray<{ readonly name: string; readonly violations: number; readonly podHours: number }>
}

describeWith(["prometheus"], "nimbusguard backtest", () => {
  const folder = mkdtempSync(join(tmpdir(), "nimbusguard-backtest-"))
  let server: PrometheusServer

  beforeAll(async () => {
    // With nothing to scrape its memory begins where the history does.
    server = await PrometheusServer.start({ targets: [] })
    await remoteWrite(server.url, written(Date.now() - HOURS * 3_600_000))
  })

  afterAll(async () => {
    await server?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const backtest = (query: string, ...args: ReadonlyArray<string>) => {
    const path = join(folder, "policy.yaml")
    writeFileSync(path, POLICY.replace("QUERY", query))
    const { status, stderr, stdout } = spawnSync(
      process.execPath,
      ["src/main.ts", "backtest", "--policy", path, "--prometheus", server.url, "--range", "6h", ...args],
      { cwd: root, encoding: "utf8", timeout: 120_000 }
    )
    return { status, stderr, stdout }
  }

  it("finds the demand and what a pod serves, and shows what would have been beside the HPA that ran there", () => {
    const report = join(folder, "report.html")
    const { status, stderr, stdout } = backtest("sum(rate(http_requests_total[1m]))", "--report", report)
    assert.strictEqual(status, 0, stderr)
    const { notes, policy, results } = JSON.parse(stdout) as Answer
    assert.deepStrictEqual(
      results.map(({ name }) => name),
      ["policy", "suggested", "recorded", "hpa", "kpa"]
    )
    assert.match(notes.join("\n"), /Demand is requests; it is held/u)
    assert.match(notes.join("\n"), /A pod is taken to serve (39|4[01])(\.\d)? per second/u)
    const recorded = results.find(({ name }) => name === "recorded")
    const expected = scrapes.reduce((sum, second) => sum + podsAt(second), 0) * (SCRAPE_SECONDS / 3600)
    assert.closeTo((recorded?.podHours ?? 0) / expected, 1, 0.03)
    assert.match(readFileSync(report, "utf8"), /The HPA that ran there/u)
    assert.match(policy, /mode: Recommend/u)
    const suggested = join(folder, "suggested.yaml")
    writeFileSync(suggested, policy)
    const validated = spawnSync(process.execPath, ["src/main.ts", "validate", suggested], {
      cwd: root,
      encoding: "utf8"
    })
    assert.strictEqual(validated.status, 0, validated.stdout)
  })

  it("finds the demand by the CPU alone", () => {
    const { status, stderr, stdout } = backtest("sum(rate(nothing_total[1m]))", "--rivals", "none")
    assert.strictEqual(status, 0, stderr)
    assert.match((JSON.parse(stdout) as Answer).notes.join("\n"), /Demand is the use of the CPU times the ready pods/u)
  })

  it("says what a history lacks, and what to do", () => {
    const counter = backtest("sum(http_requests_total)")
    assert.match(counter.stderr, /The signal requests only grows.*it is a counter\. Ask for its rate/u)
    const broken = backtest("sum(rate(")
    assert.match(broken.stderr, /^The history cannot be read: .*parse error/u)
    assert.deepStrictEqual([counter.status, broken.status], [1, 1])
  })
})
