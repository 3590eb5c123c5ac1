import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect } from "effect"
import { afterAll, afterEach, assert, describe, it, vi } from "vitest"
import { cli } from "#cli/index"
import { printed } from "#test/cli/printed"
import { notFound, type Reply, run, startApi } from "#test/cli/processes"

const cleanups: Array<() => void> = []
afterEach(() => {
  vi.unstubAllEnvs()
  for (const cleanup of cleanups.splice(0)) cleanup()
})

const doctor = (kubeconfig: string, ...args: ReadonlyArray<string>) => {
  for (const name of ["PROMETHEUS_URL", "OPENAI_API_KEY", "POD_NAMESPACE", "WATCH_NAMESPACE"]) vi.stubEnv(name, "")
  vi.stubEnv("KUBECONFIG", kubeconfig)
  return Effect.runPromise(printed(cli(["doctor", ...args])).pipe(Effect.provide(NodeServices.layer)))
}

const VERSION: Reply = { status: 200, body: { major: "1", minor: "33", gitVersion: "v1.33.1" } }

/** A cluster without CRDs and without operator, in which this user may do everything but read Secrets. */
const cluster = async (version: Reply | undefined) => {
  const server = await startApi((method, path, body) => {
    if (path === "/version") return version
    if (method !== "POST") return notFound
    const { spec } = body as { readonly spec: { readonly resourceAttributes: { readonly resource: string } } }
    return { status: 201, body: { status: { allowed: spec.resourceAttributes.resource !== "secrets" } } }
  })
  cleanups.push(server.close)
  return server.kubeconfig
}

interface Report {
  readonly ok: boolean
  readonly checks: ReadonlyArray<{ readonly name: string; readonly status: string; readonly remedy?: string }>
}

describe("nimbusguard doctor", () => {
  it("tells a program what is there and what is missing, and fails when the operator could not work", async () => {
    const { out, succeeded } = await doctor(await cluster(VERSION), "--output", "json")
    const report = JSON.parse(out) as Report
    assert.deepStrictEqual(
      report.checks.map(({ name, status }) => `${status} ${name}`),
      [
        "ok Kubernetes API",
        "ok Permissions",
        "warning Secrets",
        "failed CRD scalingpolicies",
        "failed CRD intelligentscaling",
        "failed CRD scalingrules",
        "failed CRD generalscalers",
        "warning metrics.k8s.io",
        "skipped Leader",
        "skipped Prometheus",
        "skipped OpenAI"
      ]
    )
    assert.isFalse(report.ok)
    assert.isFalse(succeeded)
    for (const { name, status, remedy } of report.checks) {
      assert.strictEqual(remedy !== undefined, status === "failed" || status === "warning", name)
    }
  })

  it("tells a person the same in words", async () => {
    const { out, succeeded } = await doctor(await cluster(VERSION), "--output", "text")
    assert.isFalse(succeeded)
    assert.match(out, /^ok +Kubernetes API +v1\.33\.1 at http:\/\/127\.0\.0\.1:\d+ \(tiny\)$/m)
    assert.match(
      out,
      /^FAIL CRD scalingpolicies +scalingpolicies\.nimbusguard\.io is not installed\n +-> make install/m
    )
    assert.match(out, /4 of 11 checks failed\./)
  })

  it("still looks at the rest where there is no cluster", async () => {
    const { out, succeeded } = await doctor("/nonexistent", "--output", "text")
    assert.isFalse(succeeded)
    assert.match(out, /^FAIL Kubernetes API +There is no kubeconfig at \/nonexistent\.\n +-> set KUBECONFIG/m)
    assert.match(out, /^- +Leader +needs the Kubernetes API$/m)
    assert.match(out, /^- +Prometheus/m)
  })

  it("finds an old cluster too old", async () => {
    const old: Reply = { status: 200, body: { major: "1", minor: "27", gitVersion: "v1.27.0" } }
    const { out, succeeded } = await doctor(await cluster(old), "--output", "text")
    assert.isFalse(succeeded)
    assert.match(out, /Kubernetes 1\.29 or later is needed/)
  })
})

describe("nimbusguard doctor --policy", () => {
  const GENERAL_SCALER = `
apiVersion: autoscaling.generalscaler.io/v1alpha1
kind: GeneralScaler
metadata: {name: web, namespace: shop}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 5
  metric:
    type: prometheus
    targetValue: 10
    prometheus: {serverUrl: "URL", query: up}
`

  const folder = mkdtempSync(join(tmpdir(), "nimbusguard-doctor-"))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const policyFile = (url: string, name = "policy.yaml") => {
    const path = join(folder, name)
    writeFileSync(path, GENERAL_SCALER.replace("URL", url))
    return path
  }

  const prometheus = async (value: string) => {
    const sample = { metric: {}, value: [1_700_000_000, value] }
    const body = JSON.stringify({ status: "success", data: { resultType: "vector", result: [sample] } })
    const server = createServer((_, response) => void response.end(body))
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    cleanups.push(() => void server.close())
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  it("ends with 0 as a process when each source has a value, and needs no cluster for that", async () => {
    const file = policyFile(await prometheus("42"))
    const { code, err, out } = await run(["doctor", "--policy", file, "--output", "text"], {
      KUBECONFIG: "/nonexistent"
    })
    assert.strictEqual(code, 0, err)
    assert.match(out, /^ok +metric \(prometheus\) +42, \d+ s old, asked in \d+ ms$/mu)
    assert.match(out, /^- +Kubernetes API +There is no kubeconfig/mu)
  })

  it("ends with 1 as a process when one has none, and tells a program the reading", async () => {
    const file = policyFile(await prometheus("NaN"))
    const { code, out } = await run(["doctor", "--policy", file, "--output", "json"], { KUBECONFIG: "/nonexistent" })
    assert.strictEqual(code, 1)
    const report = JSON.parse(out) as {
      readonly ok: boolean
      readonly checks: ReadonlyArray<{ readonly reading: object }>
    }
    assert.isFalse(report.ok)
    assert.deepInclude(report.checks[0] as object, {
      name: "metric (prometheus)",
      status: "failed",
      source: "prometheus",
      remedy: "The query's value is NaN. Look for a division by zero or for series that do not exist."
    })
    assert.deepInclude(report.checks[0]?.reading, { why: "NotANumber" })
  })

  it("asks no source of a policy that would be refused, and says why", async () => {
    const { out, succeeded } = await doctor("/nonexistent", "--policy", policyFile("ftp://nobody"), "--output", "text")
    assert.isFalse(succeeded)
    assert.match(out, /^FAIL Policy +.*serverUrl/mu)
    const absent = await doctor("/nonexistent", "--policy", join(folder, "absent.yaml"), "--output", "text")
    assert.match(absent.out, /^FAIL Policy +.*absent\.yaml cannot be read: There is no such file/mu)
  })
})
