// RBAC by the API server's own account: an operator does everything that it can do, also what it does only after a lost
// answer or a restart, and the audit log's list of what it asked for is the list of what our roles grant. More would be
// a gift to whoever takes the operator over; less would be a feature that fails in production alone.
import { afterAll, beforeAll, expect, it } from "vitest"
import type { AuditEvent, Cluster, KubernetesObject } from "#test/controlplane/Cluster"
import { eventually } from "#test/controlplane/eventually"
import { MetricsApi } from "#test/controlplane/MetricsApi"
import { describeWith, runningCluster } from "#test/controlplane/suite"
import { GaugeWorld } from "./GaugeWorld.ts"
import { type Home, installOperator, OperatorProcess, renderManifests } from "./OperatorProcess.ts"
import { follow, type Followed, policyPath, userOf } from "./policies.ts"

interface Role extends KubernetesObject {
  readonly rules?: ReadonlyArray<{
    readonly apiGroups: ReadonlyArray<string>
    readonly resources: ReadonlyArray<string>
    readonly verbs: ReadonlyArray<string>
  }>
}

/** "patch apps/deployments/scale", sorted, each once. */
const sorted = (words: Iterable<string>): ReadonlyArray<string> =>
  [...new Set(words)].toSorted((a, b) => a.localeCompare(b))

const grantedBy = (roles: ReadonlyArray<Role>): ReadonlyArray<string> =>
  sorted(
    roles.flatMap(({ rules = [] }) =>
      rules.flatMap(({ apiGroups, resources, verbs }) =>
        apiGroups.flatMap((group) =>
          resources.flatMap((resource) => verbs.map((verb) => `${verb} ${group}/${resource}`))
        )
      )
    )
  )

const askedFor = ({ objectRef = {}, verb }: AuditEvent): string => {
  const { apiGroup = "", resource = "", subresource } = objectRef
  return `${verb} ${apiGroup}/${resource}${subresource === undefined ? "" : `/${subresource}`}`
}

/** KEDA's kind, as far as the API server needs to know it. */
const scaledObjects = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "scaledobjects.keda.sh" },
  spec: {
    group: "keda.sh",
    scope: "Namespaced",
    names: { kind: "ScaledObject", plural: "scaledobjects", singular: "scaledobject" },
    versions: [
      {
        name: "v1alpha1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } }
      }
    ]
  }
}

describeWith(["controlPlane", "prometheus"], "what the operator may do", () => {
  let cluster: Cluster
  let world: GaugeWorld
  let metrics: MetricsApi
  let home: Home
  const crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

  beforeAll(async () => {
    cluster = runningCluster()
    world = await GaugeWorld.start(cluster, "permissions")
    metrics = await MetricsApi.start(cluster)
    metrics.setUsage(() => ({ cpuMillis: 70, memoryBytes: 1024 }))
    await cluster.create(crds, scaledObjects)
    home = await installOperator(cluster)
  })
  afterAll(async () => {
    await cluster?.delete(`${crds}/scaledobjects.keda.sh`)
    await metrics?.close()
    await world?.close()
    cluster?.disconnect()
  })

  const run = async <A>(body: (operator: OperatorProcess) => Promise<A>): Promise<A> => {
    const proxy = await cluster.faultProxy()
    const operator = await OperatorProcess.start({ cluster, home, watch: world.namespace, through: proxy })
    try {
      await eventually(() => operator.logs().some(({ message }) => message.includes("took over")), {
        what: "the operator to know what was remembered and what there is"
      })
      // The answer to the first write of each kind of workload is lost, so who wrote has to be looked up.
      for (const plural of ["deployments", "replicasets", "statefulsets"]) {
        proxy.inject({ method: "PATCH", path: new RegExp(`/${plural}/[^/]+/scale`), fault: { kind: "cutAfter" } })
      }
      return await body(operator)
    } finally {
      await operator.stop()
      await proxy.close()
    }
  }

  /** Comes back when its controller has said all there is to say, so that the first write meets no conflict. */
  const createWorkload = async (kind: "ReplicaSet" | "StatefulSet", name: string): Promise<void> => {
    const path = `/apis/apps/v1/namespaces/${world.namespace}/${kind.toLowerCase()}s`
    await cluster.create(path, {
      apiVersion: "apps/v1",
      kind,
      metadata: { name },
      spec: {
        replicas: 1,
        ...(kind === "StatefulSet" ? { serviceName: name } : {}),
        selector: { matchLabels: { app: name } },
        template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: "app", image: "pause" }] } }
      }
    })
    await eventually(
      async (seen) => {
        const { status } = await cluster.get<{ readonly status: Readonly<Record<string, unknown>> }>(`${path}/${name}`)
        seen(status)
        return status["readyReplicas"] === 1 && status["availableReplicas"] === 1
      },
      { what: `a Ready pod of ${kind} ${name}` }
    )
  }

  const others = (): ReadonlyArray<{ readonly kind: string; readonly metadata: { readonly name: string } }> => {
    const elsewhere = {
      IntelligentScaling: {
        apiVersion: "nimbusguard.io/v1alpha1",
        spec: {
          target_labels: { app: "nobody" },
          max_replicas: 2,
          metrics_config: {
            prometheus_url: world.prometheus.url,
            metrics: [{ query: "vector(1)", threshold: 2, condition: "gt" }]
          }
        }
      },
      ScalingRule: {
        apiVersion: "scaling.example.com/v1",
        spec: {
          deploymentName: "nobody",
          namespace: world.namespace,
          minReplicas: 1,
          maxReplicas: 2,
          natsMonitoringURL: "http://127.0.0.1:1",
          subject: "orders",
          scaleUpThreshold: 2,
          scaleDownThreshold: 1,
          pollIntervalSeconds: 1
        }
      },
      GeneralScaler: {
        apiVersion: "autoscaling.generalscaler.io/v1alpha1",
        spec: {
          targetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "nobody" },
          maxReplicas: 2,
          metric: {
            type: "prometheus",
            targetValue: 1,
            prometheus: { serverUrl: world.prometheus.url, query: "vector(1)" }
          }
        }
      }
    }
    return Object.entries(elsewhere).map(([kind, rest]) => ({ kind, metadata: { name: "other" }, ...rest }))
  }

  const memories = `labelSelector=${encodeURIComponent("app.kubernetes.io/name=nimbusguard-operator")}`

  it("is what it does, no more and no less", async () => {
    const { namespace } = world
    await cluster.create(`/api/v1/namespaces/${namespace}/secrets`, {
      metadata: { name: "prometheus" },
      stringData: { token: "s3cr3t" }
    })
    const policies: Array<Followed> = []

    // Everything of a first day: watches, scaling of three kinds of workload, CPU, a Secret, Events told and told again.
    await run(async () => {
      for (const object of others()) policies.push(await follow(cluster, namespace, object))
      for (const kind of ["ReplicaSet", "StatefulSet"] as const) {
        const name = kind.toLowerCase()
        await world.setLoad(name, 20)
        await createWorkload(kind, name)
        const target = { apiVersion: "apps/v1", kind, name }
        const policy = await follow(cluster, namespace, world.policyOf(name, { target }))
        policies.push(policy)
        await policy.until("to have scaled", ({ currentReplicas }) => currentReplicas === 2)
      }
      await cluster.createDeployment(namespace, "cpu", 1)
      policies.push(await follow(cluster, namespace, world.policyOf("cpu", { signals: undefined })))
      await policies.at(-1)?.untilPhase("Active")

      const bearerSecret = { name: "prometheus", key: "token" }
      const prometheus = { serverUrl: world.prometheus.url, query: "load_web", bearerSecret }
      const target = { type: "AverageValue", value: "10" }
      const web = await world.settled("web", 2, { signals: [{ name: "load", prometheus, target }] })
      policies.push(web)
      for (const replicas of [3, 2, 3, 2]) {
        await world.setLoad("web", replicas * 10)
        await cluster.deploymentReady(namespace, "web", replicas)
      }
      await eventually(
        async (seen) => {
          const { items } = await cluster.list<{
            readonly reason: string
            readonly series?: { readonly count: number }
          }>(`/apis/events.k8s.io/v1/namespaces/${namespace}/events`)
          const ours = items.filter(({ reason }) => reason === "ScaledDown")
          seen(ours)
          return ours.some(({ series }) => (series?.count ?? 1) >= 2)
        },
        { what: "an Event that was told twice" }
      )
      for (const each of policies) await each.until("to have a status", ({ phase }) => phase !== undefined)
    })

    // The second remembers what the first wrote down, and finds it changed by somebody when it writes again.
    await run(async (operator) => {
      const web = policies.at(-1)
      if (web === undefined) throw new Error("there is no policy")
      await operator.ticks(web, 2)
      const { items } = await cluster.list(`/api/v1/namespaces/${home.namespace}/configmaps?${memories}`)
      expect(items.length).toBeGreaterThan(0)
      for (const { metadata } of items) {
        await cluster.patch(`/api/v1/namespaces/${home.namespace}/configmaps/${metadata?.name ?? ""}`, {
          metadata: { annotations: { "example.com/looked-at": "by a person" } }
        })
      }
    })

    // The third sweeps what belongs to nobody any more.
    for (const each of policies) await cluster.delete(policyPath(each.kind, namespace, each.name))
    await run(() => Promise.resolve())
    const left = await cluster.list(`/api/v1/namespaces/${home.namespace}/configmaps?${memories}`)
    expect(left.items).toEqual([])

    const all = await cluster.auditEvents(({ user }) => user.username === userOf(home))
    const refused = all.filter(({ responseStatus }) => responseStatus?.code === 403)
    expect(sorted(refused.map(askedFor)), "refused").toEqual([])
    const roles = (await renderManifests(cluster, "rbac")).filter(({ kind, metadata }) => {
      const name = metadata?.name ?? ""
      return (kind === "ClusterRole" || kind === "Role") && name.startsWith("nimbusguard-operator")
    })
    const used = sorted(all.filter(({ objectRef }) => objectRef?.resource !== undefined).map(askedFor))
    expect(used).toEqual(grantedBy(roles))
  })
})
