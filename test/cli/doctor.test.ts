import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect } from "effect"
import { afterEach, assert, describe, it, vi } from "vitest"
import { cli } from "#cli/index"
import { printed } from "#test/cli/printed"
import { notFound, type Reply, startApi } from "#test/cli/processes"

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
