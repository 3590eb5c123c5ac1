/**
 * The demo without a terminal and without sockets: the embedded cluster with a scenario in it, and the operator over
 * it, the same composition as `run`'s. Under virtual time it is a test; `dev` adds listeners and something to look at.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { layerOperatorIn } from "#cli/run/compose"
import { behind, kubernetesBehind, type Switch } from "#cli/dev/outage"
import type { Pods } from "#cli/dev/rows"
import { BROKEN, type Scenario } from "#cli/dev/scenarios/Scenario"
import { isObject, listAt, objectAt, textAt, valueAt } from "#cluster/api/json"
import * as Cluster from "#cluster/Cluster"
import type { PodBehaviour } from "#cluster/controllers/PodBehaviour"
import { layerSources, PROMETHEUS_URL } from "#cluster/world/ports"
import type { Target } from "#schemas/Policy"
import { Settings } from "#services/Settings"
import { trafficFor } from "#cluster/world/WorkloadSpec"
import type { Trace } from "#workload/trace"

/** Where the operator's own things are, as in the manifests. */
export const HOME = "nimbusguard"

export interface DemoOptions {
  readonly scenario: Scenario
  readonly seed: number
  /** Comes over `workload` instead of its own traffic. */
  readonly replay?: { readonly trace: Trace; readonly workload: string }
}

type Workload = Scenario["workloads"][number]

const trafficOf = ({ replay }: DemoOptions, { name, traffic }: Workload) =>
  replay?.workload === name ? { trace: replay.trace } : traffic

/** As much as comes at the very beginning, all the time. */
const calm = (options: DemoOptions, workload: Workload): Workload => {
  const rate = trafficFor(trafficOf(options, workload), options.seed)(0)
  return { ...workload, traffic: { pattern: "steady", rate } }
}

const brokenImages =
  (usual: PodBehaviour): PodBehaviour =>
  (pod, restarts) => {
    const plan = usual(pod, restarts)
    const containers = listAt(objectAt(pod, "spec"), "containers")
    const isBroken = containers.some((each) => isObject(each) && textAt(each, "image").endsWith(BROKEN))
    return isBroken ? { ...plan, fate: { _tag: "NeverReady" } } : plan
  }

/** The cluster, running, with nobody who scales it and nothing that happens yet. */
export const world = Effect.fn("dev.world")(function* (options: DemoOptions) {
  const { scenario, seed } = options
  const workloads = scenario.workloads.map((each) => calm(options, each))
  const cluster = yield* Cluster.make({ seed, workloads, behaviour: brokenImages })
  yield* cluster.run
  return cluster
})

/** Of a target that is there and has replicas, whoever scaled it last. */
export const podsIn =
  ({ api }: Cluster.Cluster) =>
  ({ kind, name, namespace }: Target): Pods | undefined => {
    const isServed = api.kinds.all.some((one) => one.kind === kind)
    const object = isServed ? api.find(kind, namespace, name) : undefined
    const wanted = object === undefined ? undefined : valueAt(object, "spec.replicas")
    const ready = object === undefined ? undefined : (valueAt(object, "status.readyReplicas") ?? 0)
    return typeof wanted === "number" && typeof ready === "number" ? { ready, wanted } : undefined
  }

/** From now on the scenario's traffic comes, and its policies are there. */
export const begin = (cluster: Cluster.Cluster, options: DemoOptions) =>
  Effect.sync(() => {
    const { policies, workloads } = options.scenario
    for (const workload of workloads) {
      cluster.setTraffic(workload.name, trafficOf(options, workload), workload.namespace)
    }
    for (const policy of policies) cluster.api.create(policy, "kubectl")
  })

/** What of the settings is the demo's own: it must touch no other cluster and ask nobody outside. */
export const demoSettings = (settings: Settings): Settings => ({
  ...settings,
  kubeconfig: undefined,
  kubeContext: undefined,
  watchNamespace: undefined,
  installCrds: false,
  prometheusUrl: PROMETHEUS_URL,
  openaiApiKey: undefined,
  podName: "nimbusguard-dev",
  podNamespace: HOME,
  inCluster: false
})

/** Metrics are given. */
export const layerDemo = <E, R>(
  cluster: Cluster.Cluster,
  settings: Settings,
  answers: Switch,
  servers: Layer.Layer<never, E, R>
) => {
  const kubernetes = kubernetesBehind(answers, cluster.layerKubernetes)
  const sources = layerSources(PROMETHEUS_URL).pipe(
    Layer.provideMerge(behind(answers, cluster.layerPorts)),
    Layer.provide(cluster.layerPorts)
  )
  return layerOperatorIn(settings, HOME, { sources, servers }).pipe(
    Layer.provide(kubernetes),
    Layer.provide(Layer.succeed(Settings, settings))
  )
}
