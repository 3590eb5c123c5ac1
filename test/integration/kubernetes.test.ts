// What our Kubernetes layers believe of an API server, held against a real one: paths, patches, preconditions, events,
// watches over its restart, and two candidates for one Lease.
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { afterAll, beforeAll, expect, it } from "vitest"
import { Leader } from "#operator/Leader"
import { type WorkloadChange, Workloads } from "#operator/Workloads"
import { ConfigMap } from "#schemas/kubernetes/ConfigMap"
import type { Target } from "#schemas/Policy"
import type { Kubernetes, KubernetesError } from "#services/Kubernetes"
import { KubernetesAccess } from "#services/KubernetesAccess"
import { apply, CONFIG_MAPS, create, find, list, mergePatch, remove } from "#services/kubernetesCalls"
import { KubernetesDiscovery } from "#services/KubernetesDiscovery"
import { recordEvent } from "#services/kubernetesEvents"
import * as KubernetesLive from "#services/KubernetesLive"
import { getScale, patchScale, readReplicasOwner, replicasOf } from "#services/kubernetesScale"
import type { Cluster } from "#test/controlplane/Cluster"
import { eventually } from "#test/controlplane/eventually"
import { describeWith, runningCluster } from "#test/controlplane/suite"

type Services = Kubernetes | KubernetesAccess | KubernetesDiscovery

describeWith(["controlPlane"], "the Kubernetes layers against a real API server", () => {
  let cluster: Cluster
  let namespace: string
  let scope: Scope.Closeable
  let services: Context.Context<Services>

  const connect = (kubeconfig: string) => {
    const live = KubernetesLive.layer({ kubeconfig })
    return Effect.runPromise(Layer.buildWithScope(Layer.provideMerge(KubernetesDiscovery.layer, live), scope))
  }
  const run = <A, E>(effect: Effect.Effect<A, E, Services>) =>
    Effect.runPromise(Effect.provideContext(effect, services))
  const tagOf = <A>(effect: Effect.Effect<A, KubernetesError, Services>, context = services) =>
    Effect.runPromise(
      Effect.provideContext(
        Effect.map(Effect.flip(effect), (error) => error.reason._tag),
        context
      )
    )
  const deployments = () => `/apis/apps/v1/namespaces/${namespace}/deployments`
  const target = (name: string): Target => ({ apiVersion: "apps/v1", kind: "Deployment", namespace, name })
  const deploy = (name: string, replicas: number) =>
    cluster.create(deployments(), {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name, namespace, labels: { app: name, suite: "kubernetes" } },
      spec: {
        replicas,
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { app: name } },
          spec: {
            terminationGracePeriodSeconds: 0,
            containers: [{ name: "main", image: "none", resources: { requests: { cpu: "10m", memory: "16Mi" } } }]
          }
        }
      }
    })
  const maps = () => ({ ...CONFIG_MAPS, namespace })

  beforeAll(async () => {
    cluster = runningCluster()
    namespace = `kubernetes-${Math.random().toString(36).slice(2, 8)}`
    await cluster.create("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } })
    scope = Effect.runSync(Scope.make())
    services = await connect(await cluster.kubeconfig({ namespace }))
  })
  afterAll(async () => {
    await Effect.runPromise(Scope.close(scope, Exit.void))
    await cluster.delete(`/api/v1/namespaces/${namespace}`)
    cluster.disconnect()
  })

  it("knows which cluster it speaks to", () => {
    expect(Context.get(services, KubernetesAccess).cluster).toMatchObject({
      server: cluster.url,
      context: "test",
      namespace,
      insecure: false
    })
  })

  it("creates, applies, lists in pages, finds and removes", async () => {
    for (const name of ["a", "b", "c"]) {
      await run(create(ConfigMap, maps(), { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { name } }))
    }
    const applied = (data: Record<string, string>) =>
      run(apply(ConfigMap, { ...maps(), name: "a" }, { kind: "ConfigMap", metadata: { name: "a" }, data }))
    expect((await applied({ ours: "1", more: "2" })).data).toEqual({ name: "a", ours: "1", more: "2" })
    expect((await applied({ ours: "1" })).data).toEqual({ name: "a", ours: "1" })
    const before = await applied({ ours: "1" })
    expect((await applied({ ours: "1" })).metadata.resourceVersion).toBe(before.metadata.resourceVersion)
    const all = await run(list(ConfigMap, maps(), { limit: 2 }))
    expect(all.items.map((one) => one.metadata.name).filter((name) => name.length === 1)).toEqual(["a", "b", "c"])
    const again = create(ConfigMap, maps(), { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } })
    expect(await tagOf(again)).toBe("AlreadyExists")
    const ref = { ...maps(), name: "c" }
    expect(await tagOf(remove(ref, "00000000-0000-0000-0000-000000000000"))).toBe("Conflict")
    await run(remove(ref))
    await run(remove(ref))
    expect(Option.isNone(await run(find(ConfigMap, ref)))).toBe(true)
    expect(await tagOf(mergePatch(ConfigMap, ref, { data: {} }))).toBe("NotFound")
    expect(await tagOf(mergePatch(ConfigMap, { ...maps(), name: "a" }, { data: 5 }))).toBe("Invalid")
  })

  it("tells who is unknown from who may not", async () => {
    const bob = await connect(await cluster.kubeconfig({ token: cluster.userToken("bob") }))
    expect(await tagOf(list(ConfigMap, maps()), bob)).toBe("Forbidden")
    const nobody = await connect(await cluster.kubeconfig({ token: "nobody" }))
    expect(await tagOf(list(ConfigMap, maps()), nobody)).toBe("Unauthorized")
  })

  it("proves who it is by a client certificate too", async () => {
    const admin = await connect(await cluster.certificateKubeconfig("carol", ["system:masters"]))
    const maps_ = await Effect.runPromise(Effect.provideContext(list(ConfigMap, maps()), admin))
    expect(maps_.items.length).toBeGreaterThan(0)
  })

  it("scales under a precondition, and can tell afterwards that it did", async () => {
    await deploy("scaled", 1)
    const web = target("scaled")
    const scale = await run(getScale(web))
    expect(replicasOf(scale)).toBe(1)
    expect((await run(readReplicasOwner(web))).ours).toBe(false)
    const patched = async () => {
      const { metadata } = await run(getScale(web))
      return run(patchScale(web, 3, metadata.resourceVersion))
    }
    // The controller writes the status all the time, so the version may be old by now.
    const written = await eventually(patched, { what: "a write under the version just read" })
    expect(replicasOf(written)).toBe(3)
    const owner = await run(readReplicasOwner(web))
    expect(owner.ours).toBe(true)
    expect(owner.managers).toContain("nimbusguard")
    expect(await tagOf(patchScale(web, 5, scale.metadata.resourceVersion))).toBe("Conflict")
    await cluster.kubectl(["-n", namespace, "scale", "deployment/scaled", "--replicas=2"])
    expect((await run(readReplicasOwner(web))).ours).toBe(false)
    expect(await tagOf(getScale(target("absent")))).toBe("NotFound")
  })

  it("finds out what a kind is, and says when there is none", async () => {
    const resolve = (apiVersion: string, kind: string) =>
      run(Effect.flatMap(KubernetesDiscovery, (discovery) => discovery.resolve(apiVersion, kind)))
    expect(await resolve("v1", "ReplicationController")).toMatchObject({
      plural: "replicationcontrollers",
      namespaced: true,
      hasScale: true
    })
    expect(await resolve("batch/v1", "Job")).toMatchObject({ plural: "jobs", hasScale: false })
    await expect(resolve("keda.sh/v1alpha1", "ScaledObject")).rejects.toThrow(/serves no kind ScaledObject/u)
  })

  it("records events that kubectl describe shows, and counts what is said again", async () => {
    const { metadata } = await deploy("talked-about", 0)
    const event = {
      regarding: {
        apiVersion: "apps/v1",
        kind: "Deployment",
        namespace,
        name: "talked-about",
        uid: metadata?.uid ?? ""
      },
      type: "Normal" as const,
      reason: "ScaledUp",
      note: "Scaled from 1 to 3 because the queue grew.",
      action: "Scale",
      instance: "nimbusguard-operator-0"
    }
    for (let times = 0; times < 3; times++) await run(recordEvent(event))
    const { stdout } = await cluster.kubectl(["-n", namespace, "describe", "deployment", "talked-about"])
    expect(stdout).toMatch(/Normal\s+ScaledUp\s.*nimbusguard.*Scaled from 1 to 3 because the queue grew\./u)
    const events = await cluster.list<{ readonly reason: string; readonly series?: { readonly count: number } }>(
      `/apis/events.k8s.io/v1/namespaces/${namespace}/events`
    )
    const ours = events.items.filter((one) => one.reason === "ScaledUp")
    expect(ours.map((one) => one.series?.count)).toEqual([3])
  })

  it("keeps workloads by watch, also over a restart of the API server", async () => {
    await deploy("watched", 2)
    const context = await Effect.runPromise(
      Effect.provideContext(Layer.buildWithScope(Workloads.layer({ namespaces: [namespace] }), scope), services)
    )
    const workloads = Context.get(context, Workloads)
    await Effect.runPromise(workloads.synced)
    const changes: Array<WorkloadChange> = []
    const listener = Effect.runFork(
      Stream.runForEach(workloads.changes, (change) => Effect.sync(() => void changes.push(change)))
    )
    const state = async () => Option.getOrUndefined(await Effect.runPromise(workloads.state(target("watched"))))
    const pods = () => Effect.runPromise(workloads.pods(target("watched")))
    const seen = <A>(what: string, check: () => Promise<A>) => eventually(check, { what })

    await seen("two ready replicas in the watch", async () => {
      const now = await state()
      return now?.readyReplicas === 2 && !now.rollingOut
    })
    const [pod] = await seen("pods in the watch", async () => {
      const now = await pods()
      return now.length === 2 && now.every((one) => one.ready === true) ? now : undefined
    })
    expect(pod).toMatchObject({
      namespace,
      labels: { app: "watched" },
      requests: { main: { cpu: 10 } },
      deleting: false
    })

    await cluster.create(`/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`, {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { name: "watched" },
      spec: { minAvailable: 1, selector: { matchLabels: { app: "watched" } } }
    })
    await cluster.create(`/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers`, {
      apiVersion: "autoscaling/v2",
      kind: "HorizontalPodAutoscaler",
      metadata: { name: "rival" },
      spec: { scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "watched" }, maxReplicas: 9 }
    })
    await seen("the budget and the other autoscaler", async () => {
      const now = await state()
      return now?.disruptionFloor === 1 && now.conflict?.reason === "OtherAutoscaler"
    })

    await cluster.restartApiServer()
    expect((await state())?.specReplicas).toBe(2)
    await seen("the API server to answer", () => cluster.get(`${deployments()}/watched`))
    await cluster.kubectl(["-n", namespace, "scale", "deployment/watched", "--replicas=4"])
    await seen("the change by hand", async () => (await state())?.specReplicas === 4)
    await seen("four ready pods", async () => (await pods()).filter((one) => one.ready === true).length === 4)
    expect(changes).toContainEqual(expect.objectContaining({ target: target("watched"), what: "Replicas" }))
    expect(changes.filter((change) => change.what === "Deleted")).toEqual([])
    await seen("the end of the trouble", async () => (await Effect.runPromise(workloads.troubles)).length === 0)
    await Effect.runPromise(Fiber.interrupt(listener))
  })

  it("elects one leader, lets another take over at once, and keeps it over a restart of the API server", async () => {
    const candidate = async (identity: string) => {
      const layer = Leader.layer({ namespace, name: "elected", identity })
      const context = await Effect.runPromise(Effect.provideContext(Layer.buildWithScope(layer, scope), services))
      const leader = Context.get(context, Leader)
      return { leader, fiber: Effect.runFork(leader.whileLeading(Effect.never)) }
    }
    const leads = ({ leader }: Awaited<ReturnType<typeof candidate>>) => SubscriptionRef.getUnsafe(leader.state).leading
    const holder = async () => {
      const lease = await cluster.get<{ readonly spec: { readonly holderIdentity?: string } }>(
        `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/elected`
      )
      return lease.spec.holderIdentity ?? ""
    }
    const a = await candidate("a")
    await eventually(() => leads(a), { what: "a to lead" })
    const b = await candidate("b")
    await eventually(() => SubscriptionRef.getUnsafe(b.leader.state).holder === a.leader.identity, {
      what: "b to know a"
    })
    expect(await holder()).toBe(a.leader.identity)
    expect(await Effect.runPromise(a.leader.mayAct)).toBe(true)
    await Effect.runPromise(Fiber.interrupt(a.fiber))
    expect(await holder()).not.toBe(a.leader.identity)
    await eventually(() => leads(b), { what: "b to take over a lease that was given back", timeoutMillis: 10_000 })
    await cluster.restartApiServer()
    await eventually(async () => leads(b) && (await Effect.runPromise(b.leader.mayAct)), { what: "b to lead again" })
    await Effect.runPromise(Fiber.interrupt(b.fiber))
    await eventually(async () => (await holder()) === "", { what: "the lease to be free" })
  })

  it("is told by a watch that its version is gone, or nothing worse", async () => {
    const live = Context.get(services, (await import("#services/Kubernetes")).Kubernetes)
    const path = `/api/v1/namespaces/${namespace}/configmaps`
    const first = await Effect.runPromise(
      Effect.exit(Stream.runHead(live.watch(path, { watch: "true", resourceVersion: "1", timeoutSeconds: "2" })))
    )
    // Whether version 1 is still in the watch cache depends on the server's age.
    if (Exit.isFailure(first)) expect(JSON.stringify(first)).toContain('"_tag":"Gone"')
    const sound = await run(list(Schema.Unknown, maps()))
    expect(sound.items.length).toBeGreaterThan(0)
  })
})
