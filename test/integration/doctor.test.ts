// `nimbusguard doctor --policy` as a process against a real cluster and a real Prometheus: a Secret of the policy's
// namespace, the target's own pods through metrics.k8s.io, and Pub/Sub by workload identity on its stand-in.
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, it } from "vitest"
import { run } from "#test/cli/processes"
import type { Cluster } from "#test/controlplane/Cluster"
import { eventually } from "#test/controlplane/eventually"
import { Exporter } from "#test/controlplane/Exporter"
import { GoogleCloud } from "#test/controlplane/GoogleCloud"
import { MetricsApi } from "#test/controlplane/MetricsApi"
import { PrometheusServer } from "#test/controlplane/PrometheusServer"
import { describeWith, runningCluster } from "#test/controlplane/suite"

interface Report {
  readonly ok: boolean
  readonly checks: ReadonlyArray<{
    readonly name: string
    readonly status: string
    readonly message: string
    readonly remedy?: string
    readonly reading?: { readonly value?: number }
  }>
}

describeWith(["controlPlane", "prometheus"], "doctor, asked about a policy", () => {
  let cluster: Cluster
  let namespace: string
  let exporter: Exporter
  let prometheus: PrometheusServer
  let metrics: MetricsApi
  let google: GoogleCloud
  let folder: string
  let env: Readonly<Record<string, string>>

  beforeAll(async () => {
    cluster = runningCluster()
    namespace = await cluster.newNamespace("doctor")
    folder = await mkdtemp(join(tmpdir(), "nimbusguard-doctor-"))
    exporter = await Exporter.start()
    exporter.set("load", 30)
    prometheus = await PrometheusServer.start({ targets: [exporter.target] })
    metrics = await MetricsApi.start(cluster)
    metrics.setUsage(() => ({ cpuMillis: 250, memoryBytes: 1_000_000 }))
    google = await GoogleCloud.start()
    google.bindWorkloadIdentity("operator@my-project.iam.gserviceaccount.com", ["my-project"])
    google.setSubscriptions({
      project: "my-project",
      subscription: "jobs",
      points: [{ agoMillis: 60_000, value: 42 }]
    })
    await cluster.createDeployment(namespace, "web", 2)
    await cluster.createDeployment(namespace, "other", 1)
    await cluster.deploymentReady(namespace, "web", 2)
    await cluster.apply(
      JSON.stringify({
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "prometheus" },
        stringData: { token: "t0k3n" }
      }),
      namespace
    )
    env = {
      KUBECONFIG: await cluster.kubeconfig(),
      GOOGLE_WORKLOAD_IDENTITY: "true",
      GCE_METADATA_HOST: `127.0.0.1:${google.port}`,
      GOOGLE_MONITORING_URL: google.url
    }
  })

  afterAll(async () => {
    await google?.close()
    await metrics?.close()
    await prometheus?.stop()
    await exporter?.close()
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
    if (namespace !== undefined) await cluster.deleteNamespace(namespace)
  })

  const policyFile = async (query: string, secret = "prometheus") => {
    const path = join(folder, "policy.json")
    const target = { type: "AverageValue", value: "1" }
    const load = { serverUrl: prometheus.url, query, bearerSecret: { name: secret, key: "token" } }
    const policy = {
      apiVersion: "nimbusguard.io/v1",
      kind: "ScalingPolicy",
      metadata: { name: "web", namespace },
      spec: {
        target: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
        scaling: { minReplicas: 1, maxReplicas: 5 },
        signals: [
          { name: "load", target, prometheus: load },
          { name: "cpu", target, resource: { resource: "cpu" } },
          { name: "backlog", target, pubsub: { projectId: "my-project", subscriptionId: "jobs" } }
        ]
      }
    }
    await writeFile(path, JSON.stringify(policy))
    return path
  }

  const doctor = async (path: string) => {
    const { code, err, out } = await run(["doctor", "--policy", path, "--output", "json"], env)
    return { code, err, out, report: JSON.parse(out) as Report }
  }

  it("tells each source's value, its age and how long it took, and ends with 0", async () => {
    const path = await policyFile("load")
    await eventually(
      async (seen) => {
        const { code, out } = await doctor(path)
        seen(out)
        return code === 0
      },
      { what: "every source to have a value" }
    )
    const { err, out, report } = await doctor(path)
    assert.isTrue(report.ok)
    assert.deepStrictEqual(
      report.checks.map(({ name, reading, status }) => [name, status, reading?.value]),
      [
        ["load (prometheus)", "ok", 30],
        ["cpu (resource)", "ok", 0.25],
        ["backlog (pubsub)", "ok", 42]
      ]
    )
    for (const { message } of report.checks) assert.match(message, /^[\d.]+, \d+ s old, asked in \d+ ms$/u)
    assert.match(report.checks[2]?.message ?? "", /^42, (?:[6-9]\d|\d{3,}) s old/u)
    assert.notMatch(out + err, /t0k3n|ya29/u)
  })

  it("ends with 1 when one of them has no value, and says what to do about that one", async () => {
    const { code, report } = await doctor(await policyFile("nothing"))
    assert.strictEqual(code, 1)
    assert.deepStrictEqual(
      report.checks.map(({ status }) => status),
      ["failed", "ok", "ok"]
    )
    assert.match(report.checks[0]?.remedy ?? "", /Check names and labels/u)
  })

  it("names the Secret that is not there", async () => {
    const { code, report } = await doctor(await policyFile("load", "absent"))
    assert.strictEqual(code, 1)
    assert.strictEqual(
      report.checks[0]?.remedy,
      `There is no Secret ${namespace}/absent. Create it, or correct the name.`
    )
  })
})
