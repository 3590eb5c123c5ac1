import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import {
  checkApi,
  checkCrd,
  checkLease,
  checkPermissions,
  checkResourceMetrics,
  type Permission
} from "#cli/doctor/cluster"
import type { Currency } from "#services/crdInstallation"
import { layerCluster, layerSettings, notFound, type Reply, unreachable } from "#test/cli/doctor/world"

const version = (minor: string): Reply => ({ body: { major: "1", minor, gitVersion: `v1.${minor}.0` } })

describe("the check of the API server", () => {
  const cases: ReadonlyArray<[title: string, reply: Reply, status: string, words: RegExp]> = [
    ["takes 1.29", version("29"), "ok", /v1\.29\.0 at https:\/\/api/],
    ["takes a provider's 1.30+", version("30+"), "ok", /./],
    ["refuses 1.28", version("28"), "failed", /v1\.28\.0/],
    ["says that nobody answers", unreachable, "failed", /https:\/\/api does not answer.*Unreachable/],
    ["is not taken in by another server", { body: { hello: 1 } }, "failed", /does not answer as an API server/]
  ]
  for (const [title, reply, status, words] of cases) {
    it.effect(title, () =>
      Effect.gen(function* () {
        const finding = yield* checkApi("https://api")
        assert.strictEqual(finding.status, status)
        assert.match(finding.message, words)
        assert.strictEqual(finding.remedy !== undefined, status !== "ok")
      }).pipe(Effect.provide(layerCluster(() => reply)))
    )
  }
})

describe("the check of permissions", () => {
  const permissions: ReadonlyArray<Permission> = [
    { group: "apps", resource: "deployments/scale", verb: "patch" },
    { group: "", resource: "pods", verb: "list" },
    { group: "coordination.k8s.io", resource: "leases", verb: "update", namespace: "nimbusguard" }
  ]
  const role = { name: "Permissions", remedy: "apply the role" }
  const world = (allows: (attributes: Record<string, unknown>) => boolean) =>
    layerCluster(({ body }) => {
      const { spec } = body as { readonly spec: { readonly resourceAttributes: Record<string, unknown> } }
      return { body: { status: { allowed: allows(spec.resourceAttributes) } } }
    })

  it.effect("is content when everything is granted", () =>
    Effect.gen(function* () {
      const finding = yield* checkPermissions(permissions, role)
      assert.deepInclude(finding, { status: "ok", message: "3 of 3 granted" })
    }).pipe(Effect.provide(world(() => true)))
  )

  it.effect("lists what is not, subresource and namespace included", () =>
    Effect.gen(function* () {
      const finding = yield* checkPermissions(permissions, role)
      assert.strictEqual(finding.status, "failed")
      assert.strictEqual(
        finding.message,
        "not granted: 2 of 3\npatch deployments/scale.apps\nupdate leases.coordination.k8s.io in nimbusguard"
      )
    }).pipe(Effect.provide(world((attributes) => attributes["resource"] === "pods")))
  )

  it.effect("warns where the operator can do without, and says what is lost", () =>
    Effect.gen(function* () {
      const loss = "something is lost"
      const finding = yield* checkPermissions(permissions.slice(0, 1), { ...role, loss })
      assert.strictEqual(finding.status, "warning")
      assert.match(finding.message, /something is lost$/)
    }).pipe(Effect.provide(world(() => false)))
  )

  it.effect("asks for the subresource apart from the resource", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* checkPermissions(permissions.slice(0, 1), role)).status, "ok")
    }).pipe(
      Effect.provide(
        world((attributes) => attributes["resource"] === "deployments" && attributes["subresource"] === "scale")
      )
    )
  )
})

describe("the check of a CRD", () => {
  const wanted = { name: "scalingpolicies.nimbusguard.io", version: "v1" }
  const crd = (served: boolean, established: string): Reply => ({
    body: {
      metadata: { annotations: { version: "1" } },
      spec: { versions: [{ name: "v1", served }] },
      status: { conditions: [{ type: "Established", status: established }] }
    }
  })
  const cases: ReadonlyArray<[title: string, Reply, Currency, status: string, words: RegExp]> = [
    ["finds it missing", notFound, "current", "failed", /is not installed/],
    ["finds it installed", crd(true, "True"), "current", "ok", /installed and current/],
    ["finds it older", crd(true, "True"), "older", "warning", /older than this nimbusguard/],
    ["finds one that somebody made", crd(true, "True"), "unversioned", "warning", /does not say which nimbusguard/],
    ["finds it newer", crd(true, "True"), "newer", "warning", /newer than this nimbusguard/],
    ["finds it not serving the version", crd(false, "True"), "current", "failed", /does not serve v1/],
    ["finds it not established", crd(true, "False"), "current", "failed", /not established/],
    ["may not look", { _tag: "Forbidden" }, "current", "warning", /could not be read \(Forbidden/]
  ]
  for (const [title, reply, currency, status, words] of cases) {
    it.effect(title, () =>
      Effect.gen(function* () {
        const finding = yield* checkCrd(wanted, () => currency)
        assert.strictEqual(finding.name, "CRD scalingpolicies")
        assert.strictEqual(finding.status, status)
        assert.match(finding.message, words)
      }).pipe(Effect.provide(layerCluster(() => reply)))
    )
  }
})

describe("the check of metrics.k8s.io", () => {
  it.effect("warns when it is not served and there is no Prometheus either", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* checkResourceMetrics()).status, "warning")
    }).pipe(Effect.provide([layerCluster(() => notFound), layerSettings()]))
  )

  it.effect("is content with Prometheus in its place", () =>
    Effect.gen(function* () {
      const finding = yield* checkResourceMetrics()
      assert.deepInclude(finding, { status: "ok", message: "is not served; CPU and memory are asked of Prometheus" })
    }).pipe(Effect.provide([layerCluster(() => notFound), layerSettings({ prometheusUrl: "http://prometheus" })]))
  )

  it.effect("says when its API service is down", () =>
    Effect.gen(function* () {
      assert.match((yield* checkResourceMetrics()).message, /does not answer \(ServerError/)
    }).pipe(Effect.provide([layerCluster(() => ({ _tag: "ServerError", status: 503 })), layerSettings()]))
  )
})

describe("the check of the Lease", () => {
  const lease = (holderIdentity: string, renewTime: string): Reply => ({
    body: { spec: { holderIdentity, leaseDurationSeconds: 15, renewTime } }
  })
  const cases: ReadonlyArray<[title: string, Reply, status: string, words: RegExp]> = [
    ["names the leader", lease("pod-a", "1970-01-01T00:00:58.000000Z"), "ok", /^pod-a leads, renewed 2 s ago$/],
    ["finds an old one", lease("pod-a", "1970-01-01T00:00:10.000000Z"), "warning", /held the Lease last, renewed 50 s/],
    ["finds a released one", lease("", "1970-01-01T00:00:58.000000Z"), "warning", /nobody leads/],
    ["finds none", notFound, "skipped", /no operator has run/],
    ["may not look", { _tag: "Forbidden" }, "warning", /could not be read/]
  ]
  for (const [title, reply, status, words] of cases) {
    it.effect(title, () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(60_000)
        const finding = yield* checkLease("/apis/coordination.k8s.io/v1/namespaces/n/leases/l")
        assert.strictEqual(finding.status, status)
        assert.match(finding.message, words)
      }).pipe(Effect.provide(layerCluster(() => reply)))
    )
  }
})
