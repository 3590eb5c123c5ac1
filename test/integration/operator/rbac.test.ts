// The operator does everything that it can, with the permissions that the manifests give it, and the API server's audit
// log says which of them it used: nothing that it tried was refused, and nothing is granted that it had no use for. It
// has a control plane of its own, because it takes CRDs away and brings APIs in.
import { afterAll, beforeAll, expect, it } from "vitest"
import type { AuditEvent, Cluster } from "#test/controlplane/Cluster"
import { ControlPlane } from "#test/controlplane/ControlPlane"
import { eventually } from "#test/controlplane/eventually"
import type { FaultProxy } from "#test/controlplane/FaultProxy"
import { MetricsApi } from "#test/controlplane/MetricsApi"
import { describeWith } from "#test/controlplane/suite"
import { GaugeWorld } from "./GaugeWorld.ts"
import { type Home, installOperator, OperatorProcess, renderManifests } from "./OperatorProcess.ts"
import { follow, type Followed, userOf } from "./policies.ts"

interface Role {
  readonly kind?: string
  readonly metadata?: { readonly name?: string }
  readonly rules?: ReadonlyArray<{
    readonly apiGroups: ReadonlyArray<string>
    readonly resources: ReadonlyArray<string>
    readonly verbs: ReadonlyArray<string>
  }>
}

/** "verb resource/subresource.group" */
const nameOf = (verb: string, group: string, resource: string): string =>
  `${verb} ${resource}${group === "" ? "" : `.${group}`}`

const grantedBy = (roles: ReadonlyArray<Role>): ReadonlySet<string> =>
  new Set(
    roles.flatMap(({ rules = [] }) =>
      rules.flatMap(({ apiGroups, resources, verbs }) =>
        apiGroups.flatMap((group) =>
          resources.flatMap((resource) => verbs.map((verb) => nameOf(verb, group, resource)))
        )
      )
    )
  )

/** A request about a resource; discovery is open to everybody who is known. */
const usesOf = ({ objectRef, responseStatus, verb }: AuditEvent): ReadonlyArray<string> => {
  const { apiGroup = "", resource, subresource } = objectRef ?? {}
  if (resource === undefined) return []
  const path = subresource === undefined ? resource : `${resource}/${subresource}`
  const used = nameOf(verb, apiGroup, path)
  // A patch that creates what it applies is asked for both.
  return verb === "patch" && responseStatus?.code === 201 ? [used, nameOf("create", apiGroup, path)] : [used]
}

const kinds = [
  ["Deployment", "deployments"],
  ["StatefulSet", "statefulsets"],
  ["ReplicaSet", "replicasets"]
] as const

const template = (name: string) => ({
  metadata: { labels: { app: name } },
  spec: { containers: [{ name: "app", image: "pause", resources: { requests: { cpu: "100m" } } }] }
})

describeWith(["controlPlane", "prometheus"], "the permissions of the operator", () => {
  let plane: ControlPlane
  let cluster: Cluster
  let world: GaugeWorld
  let metrics: MetricsApi
  let home: Home

  beforeAll(async () => {
    plane = await ControlPlane.start()
    cluster = plane
    world = await GaugeWorld.start(cluster, "rbac")
    metrics = await MetricsApi.start(cluster)
    metrics.setUsage(() => ({ cpuMillis: 70, memoryBytes: 1e6 }))
    home = await installOperator(cluster)
    // As KEDA brings it, as far as the operator looks.
    await cluster.apply(
      JSON.stringify({
        apiVersion: "apiextensions.k8s.io/v1",
        kind: "CustomResourceDefinition",
        metadata: { name: "scaledobjects.keda.sh" },
        spec: {
          group: "keda.sh",
          scope: "Namespaced",
          names: { plural: "scaledobjects", singular: "scaledobject", kind: "ScaledObject" },
          versions: [
            {
              name: "v1alpha1",
              served: true,
              storage: true,
              schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } }
            }
          ]
        }
      })
    )
    await cluster.kubectl(["wait", "--for=condition=Established", "--timeout=60s", "crd/scaledobjects.keda.sh"])
  })
  afterAll(async () => {
    await metrics?.close()
    await world?.close()
    await plane?.stop()
  })

  const start = async (
    name: string,
    env: Readonly<Record<string, string>> = {},
    through?: FaultProxy
  ): Promise<OperatorProcess> => {
    const operator = await OperatorProcess.start({
      cluster,
      home,
      name,
      env,
      ...(through === undefined ? {} : { through })
    })
    await operator.leads()
    return operator
  }

  const objects = (kind: string, body: object): Promise<unknown> =>
    cluster.create(`/apis/apps/v1/namespaces/${world.namespace}/${kind}`, { apiVersion: "apps/v1", ...body })

  const make = (apiVersion: string, kind: string, name: string, spec: object): Promise<Followed> => {
    const object = { apiVersion, kind, metadata: { name }, spec }
    return follow(cluster, world.namespace, object)
  }

  const isOurs = ({ user }: AuditEvent): boolean => user.username === userOf(home)

  const roles = async (): Promise<ReadonlyArray<Role>> =>
    (await renderManifests(cluster, "rbac")).filter(
      ({ kind }) => kind === "ClusterRole" || kind === "Role"
    ) as ReadonlyArray<Role>

  /** What the service account has, by the manifests' own bindings. */
  const isOperators = ({ metadata }: Role): boolean =>
    ["nimbusguard-operator", "nimbusguard-operator-scaling", "nimbusguard-operator-secrets"].includes(
      metadata?.name ?? ""
    )

  const hasScaled = (policy: Followed, replicas: number) =>
    policy.until(`to have scaled to ${replicas}`, ({ currentReplicas }) => currentReplicas === replicas)

  it("are what it uses, and it uses all of them", async () => {
    const { namespace } = world
    await cluster.create(`/api/v1/namespaces/${namespace}/secrets`, {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "prometheus" },
      stringData: { password: "secret" }
    })
    for (const [kind, plural] of kinds) {
      const name = `a-${kind.toLowerCase()}`
      const selector = { matchLabels: { app: name } }
      await objects(plural, { kind, metadata: { name }, spec: { replicas: 2, selector, template: template(name) } })
    }
    await cluster.createDeployment(namespace, "shop", 1, { labels: { tier: "shop" } })
    await cluster.createDeployment(namespace, "orders", 1)
    await cluster.createDeployment(namespace, "general", 1)
    await cluster.createDeployment(namespace, "measured", 2)

    // --- the first life: all kinds of policies, all kinds of targets, and answers that are lost
    const proxy = await cluster.faultProxy()
    const first = await start("first", {}, proxy)
    const lost = kinds.map(([, plural]) =>
      proxy.inject({ method: "PATCH", path: new RegExp(`/${plural}/[^/]+/scale`), fault: { kind: "cutAfter" } })
    )
    const targets = await Promise.all(
      kinds.map(async ([kind]) => {
        const name = `a-${kind.toLowerCase()}`
        await world.setLoad(name, 30)
        const policy = world.policyOf(name, { target: { apiVersion: "apps/v1", kind, name } })
        const [signal] = policy.spec.signals
        const basicAuth = { username: "operator", passwordSecret: { name: "prometheus", key: "password" } }
        const signals = [{ ...signal, prometheus: { ...signal?.prometheus, basicAuth } }]
        return make(policy.apiVersion, policy.kind, name, { ...policy.spec, signals })
      })
    )
    const others = await Promise.all([
      make("nimbusguard.io/v1", "ScalingPolicy", "measured", {
        interval: "1s",
        target: { apiVersion: "apps/v1", kind: "Deployment", name: "measured" },
        scaling: { minReplicas: 1, maxReplicas: 4 }
      }),
      make("nimbusguard.io/v1alpha1", "IntelligentScaling", "shops", {
        namespace,
        target_labels: { tier: "shop" },
        max_replicas: 3,
        metrics_config: {
          prometheus_url: world.prometheus.url,
          metrics: [{ query: "vector(1)", threshold: 10, condition: "gt" }]
        }
      }),
      make("scaling.example.com/v1", "ScalingRule", "orders", {
        deploymentName: "orders",
        namespace,
        minReplicas: 1,
        maxReplicas: 3,
        natsMonitoringURL: "http://127.0.0.1:1",
        subject: "orders",
        scaleUpThreshold: 50,
        scaleDownThreshold: 10,
        pollIntervalSeconds: 1
      }),
      make("autoscaling.generalscaler.io/v1alpha1", "GeneralScaler", "general", {
        targetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "general" },
        minReplicas: 1,
        maxReplicas: 3,
        metric: {
          type: "prometheus",
          targetValue: 10,
          prometheus: { serverUrl: world.prometheus.url, query: "vector(1)" }
        }
      })
    ])
    for (const policy of targets) await hasScaled(policy, 3)
    expect(lost.map(({ struck }) => struck.length)).toEqual([1, 1, 1])
    for (const policy of others) await policy.until("to be looked after", ({ phase }) => phase !== undefined)
    await others[0]?.until("to see CPU", ({ signals }) => signals?.some(({ value }) => value !== undefined) === true)
    // The same thing happens again and is told again: an Event counts up.
    const [deployment] = targets
    if (deployment === undefined) throw new Error("there is a policy for each kind of target")
    for (const replicas of [2, 3, 2, 3]) {
      await world.setLoad("a-deployment", replicas * 10)
      await hasScaled(deployment, replicas)
    }
    const counted = await eventually(
      async () => {
        const { items } = await cluster.list<{ readonly note: string; readonly series?: { readonly count: number } }>(
          `/apis/events.k8s.io/v1/namespaces/${namespace}/events`
        )
        return items.find(({ note, series }) => note.startsWith("Scaled Deployment/a-deployment up") && series)?.series
      },
      { what: "an Event that has happened again to be counted" }
    )
    expect(counted.count).toBeGreaterThanOrEqual(2)
    expect((await first.stop()).code).toBe(0)
    await proxy.close()

    // --- the second: somebody touches what is remembered
    const memories = `/api/v1/namespaces/${home.namespace}/configmaps`
    const memory = async () => {
      const { items } = await cluster.list(`${memories}?labelSelector=nimbusguard.io/memory`)
      return items.map(({ metadata }) => metadata?.name ?? "")
    }
    const [name] = await memory()
    expect(name).toBeDefined()
    const second = await start("second")
    await second.ticks(deployment, 2)
    await cluster.patch(`${memories}/${name}`, { metadata: { annotations: { touched: "yes" } } })
    expect((await second.stop()).code).toBe(0)

    // --- the third: the policies are gone, and so is what was remembered of them; and CRDs are installed where that is
    // allowed, one of which is not there
    for (const policy of [...targets, ...others]) await policy.delete()
    await cluster.create("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name: "installer" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "nimbusguard-crd-installer" },
      subjects: [{ kind: "ServiceAccount", name: home.serviceAccount, namespace: home.namespace }]
    })
    await cluster.kubectl(["delete", "crd", "scalingrules.scaling.example.com"])
    const third = await start("third", { INSTALL_CRDS: "true" })
    await cluster.kubectl(["get", "scalingrules", "-A"])
    expect((await third.stop()).code).toBe(0)
    expect(await memory()).toEqual([])

    // --- what the API server has to say
    const all = await cluster.auditEvents(isOurs)
    const refused = all.filter(({ responseStatus }) => responseStatus?.code === 403)
    expect([...new Set(refused.flatMap(usesOf))]).toEqual([])
    const bound = (await roles()).filter(
      (role) => isOperators(role) || role.metadata?.name === "nimbusguard-crd-installer"
    )
    expect(bound).toHaveLength(5)
    const granted = grantedBy(bound)
    const used = new Set(all.flatMap(usesOf))
    process.stdout.write(`the operator used ${used.size} of ${granted.size} permissions in ${all.length} requests\n`)
    expect([...used].filter((use) => !granted.has(use)).toSorted()).toEqual([])
    expect([...granted].filter((grant) => !used.has(grant)).toSorted()).toEqual([])
  })
})
