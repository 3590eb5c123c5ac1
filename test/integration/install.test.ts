// The manifests as people apply them: the base and the production overlay with kustomize, the one plain file, and the
// examples. Nobody runs our image here (kwok plays the nodes), but admission is real: restricted pod security, CEL,
// RBAC, and the API server's own validation of every object.
import { afterAll, assert, beforeAll, it } from "@effect/vitest"
import { fileURLToPath } from "node:url"
import { SOURCES } from "#sources/index"
import type { Cluster } from "#test/controlplane/Cluster"
import { eventually } from "#test/controlplane/eventually"
import { describeWith, runningCluster } from "#test/controlplane/suite"
import { installCrds } from "#test/integration/operator/OperatorProcess"

const manifests = fileURLToPath(new URL("../../manifests", import.meta.url))

describeWith(["controlPlane"], "installing", () => {
  let cluster: Cluster
  const kubectl = (...args: ReadonlyArray<string>) => cluster.kubectl(args)

  beforeAll(async () => {
    cluster = runningCluster()
    await installCrds(cluster)
  })
  afterAll(async () => {
    await cluster.deleteNamespace("nimbusguard")
    await kubectl("delete", "validatingadmissionpolicybinding,validatingadmissionpolicy", "nimbusguard-own-namespace")
  })

  const operatorReady = async (replicas: number) => {
    await cluster.deploymentReady("nimbusguard", "nimbusguard-operator", replicas)
    for (const label of ["app=nimbusguard-operator", "app.kubernetes.io/name=nimbusguard-operator"]) {
      await eventually(
        async (seen) => {
          const { stdout } = await kubectl("get", "pods", "-n", "nimbusguard", "-l", label, "-o", "name")
          seen(stdout)
          return stdout.trim().split("\n").length === replicas
        },
        { what: `${replicas} pods labelled ${label}` }
      )
    }
  }

  it("applies the base, whose pods the restricted pod security standard admits", async () => {
    const { stderr } = await kubectl("apply", "--server-side", "--force-conflicts", "-k", `${manifests}/base`)
    assert.notMatch(stderr, /PodSecurity|violate|unknown field/u)
    const { stdout } = await kubectl("get", "namespace", "nimbusguard", "-o", "jsonpath={.metadata.labels}")
    assert.include(stdout, '"pod-security.kubernetes.io/enforce":"restricted"')
    await operatorReady(1)
  })

  it("refuses in that namespace what the standard forbids, so the proof is one", async () => {
    const result = await cluster.kubectl(["run", "root", "--image=pause", "-n", "nimbusguard"], { allowFailure: true })
    assert.notStrictEqual(result.code, 0)
    assert.match(result.stderr, /violates PodSecurity "restricted/u)
  })

  it("applies the production overlay over it: two replicas, a budget, a network policy, a priority", async () => {
    const { stderr } = await kubectl(
      "apply",
      "--server-side",
      "--force-conflicts",
      "-k",
      `${manifests}/overlays/production`
    )
    assert.notMatch(stderr, /PodSecurity|violate|unknown field/u)
    await operatorReady(2)
    const { stdout } = await kubectl("get", "pdb,networkpolicy", "-n", "nimbusguard", "-o", "name")
    assert.include(stdout, "poddisruptionbudget.policy/nimbusguard-operator")
    assert.include(stdout, "networkpolicy.networking.k8s.io/nimbusguard-operator")
  })

  it("holds in install.yaml what kustomize makes of the base, to the letter", async () => {
    const names = async (...args: ReadonlyArray<string>) =>
      (await kubectl("create", "--dry-run=client", "--validate=false", "-o", "name", ...args)).stdout
        .trim()
        .split("\n")
        .sort()
    assert.deepStrictEqual(await names("-f", `${manifests}/install.yaml`), await names("-k", `${manifests}/base`))
    const difference = await cluster.kubectl(
      ["diff", "--server-side", "--force-conflicts", "-f", `${manifests}/install.yaml`],
      { allowFailure: true }
    )
    assert.isAtMost(difference.code, 1, difference.stderr)
    // The overlay's own changes to the Deployment are all that differs.
    const changed = [...difference.stdout.matchAll(/^diff .* \S+\/(\S+)$/gmu)].map(([, name]) => name)
    assert.deepStrictEqual(changed, ["apps.v1.Deployment.nimbusguard.nimbusguard-operator"], difference.stdout)
  })

  it.each(["http-service", "worker-service", "custom-metric", "nats", "ai", "labels"])(
    "applies the example %s: its policy is accepted and its workload runs",
    async (folder) => {
      const result = await cluster.kubectl(
        ["apply", "--dry-run=server", "-f", `${manifests}/examples/${folder}`, "-o", "name"],
        { allowFailure: true }
      )
      assert.strictEqual(result.code, 0, result.stderr)
      assert.match(result.stdout, /(scalingpolicy|intelligentscaling|scalingrule|generalscaler)\./u)
      assert.match(result.stdout, /deployment\.apps\//u)
    }
  )

  it.each(Object.keys(SOURCES))("applies the worked example of the source %s as it stands", async (name) => {
    const result = await cluster.kubectl(
      ["apply", "--dry-run=server", "-f", `${manifests}/examples/sources/${name}.yaml`, "-o", "name"],
      { allowFailure: true }
    )
    assert.strictEqual(result.code, 0, result.stderr)
    assert.match(result.stdout, /^scalingpolicy\.nimbusguard\.io\//u)
    assert.strictEqual(result.stderr, "", "without a warning")
  })

  it("lets admission refuse a policy that names another namespace than its own, and says what to do", async () => {
    const namespace = await cluster.newNamespace("own")
    const rule = (where: string) =>
      JSON.stringify({
        apiVersion: "scaling.example.com/v1",
        kind: "ScalingRule",
        metadata: { name: "elsewhere", namespace },
        spec: {
          deploymentName: "app",
          namespace: where,
          minReplicas: 1,
          maxReplicas: 2,
          natsMonitoringURL: "http://nats:8222",
          subject: "orders",
          scaleUpThreshold: 5,
          scaleDownThreshold: 1,
          pollIntervalSeconds: 30
        }
      })
    // A new admission policy takes a moment to be enforced.
    await eventually(
      async (seen) => {
        const result = await cluster.kubectl(["apply", "--dry-run=server", "-f", "-"], {
          input: rule("kube-system"),
          allowFailure: true
        })
        seen(result.stderr)
        return result.code !== 0 && /create it in the namespace of the workload that it scales/u.test(result.stderr)
      },
      { what: "the policy to be refused" }
    )
    await cluster.kubectl(["apply", "--dry-run=server", "-f", "-"], { input: rule(namespace) })
  })

  it("grants the operator Secrets by name only, and nothing over other people's objects", async () => {
    const account = "system:serviceaccount:nimbusguard:nimbusguard-operator"
    const can = async (...what: ReadonlyArray<string>) =>
      (await cluster.kubectl(["auth", "can-i", ...what, "--as", account], { allowFailure: true })).stdout.trim()
    assert.strictEqual(await can("get", "secrets", "-n", "default"), "yes")
    assert.strictEqual(await can("list", "secrets", "-n", "default"), "no")
    assert.strictEqual(await can("watch", "secrets", "-n", "default"), "no")
    assert.strictEqual(await can("patch", "deployments", "--subresource=scale", "-n", "default"), "yes")
    assert.strictEqual(await can("patch", "deployments", "-n", "default"), "no")
    assert.strictEqual(await can("delete", "pods", "-n", "default"), "no")
    assert.strictEqual(await can("*", "*"), "no")
  })
})
