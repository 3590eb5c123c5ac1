/**
 * The embedded cluster as one value: an API server, its controllers and kubelet, workloads under traffic, and the
 * systems that measure them. It knows no operator. Under the live clock it runs as it happens, under a paced one
 * faster, under the simulation's in virtual time.
 *
 *   const cluster = yield* Cluster.make({ seed: 42, workloads: [{ name: "web", traffic: { pattern: "ramp", rate: 100 } }] })
 *   yield* cluster.run                            // scoped: controllers, pods and time
 *   operator.pipe(Layer.provide(cluster.layerSources), Layer.provide(cluster.layerKubernetes))
 *   cluster.load("web", { pattern: "spike", durationSeconds: 300, intensity: 75 })
 *   HttpFront.listen(cluster.api, ...), cluster.sites.prometheus     // the same servers for kubectl, Grafana and curl
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { ApiServer } from "#cluster/api/ApiServer"
import type { JsonObject } from "#cluster/api/json"
import * as ClusterKubernetes from "#cluster/ClusterKubernetes"
import * as Controllers from "#cluster/controllers/Controllers"
import type { NodeSize } from "#cluster/controllers/nodes"
import type { PodBehaviour } from "#cluster/controllers/PodBehaviour"
import { layerPorts, layerSources, PROMETHEUS_URL, type Sites, sitesOf } from "#cluster/world/ports"
import type { LoadSpec, Service } from "#cluster/world/Service"
import { World } from "#cluster/world/World"
import { manifestOf } from "#cluster/world/manifest"
import type { TrafficSpec, WorkloadSpec } from "#cluster/world/WorkloadSpec"
import { definitionOf } from "#manifests/crd"
import { fillHole } from "#manifests/plugs"
import { KINDS } from "#schemas/crd/index"
import type { Egress } from "#services/Egress"
import type { GoogleTokens } from "#services/GoogleTokens"
import type { Kafka } from "#services/Kafka"
import type { Kubernetes } from "#services/Kubernetes"
import type { RedisWire } from "#services/RedisWire"
import { VERSION } from "#services/version"
import type { Seed } from "#workload/words"

export interface ClusterOptions {
  /** Of all that is left to chance in workloads. */
  readonly seed: Seed
  /** Their Deployments or StatefulSets are made, unless they are there. */
  readonly workloads: ReadonlyArray<WorkloadSpec>
  /** Where the patterns' second 0 is; default: now. */
  readonly startMillis?: number
  readonly nodes?: ReadonlyArray<NodeSize>
  /** Made at first, besides those of the workloads; default: nimbusguard, monitoring. */
  readonly namespaces?: ReadonlyArray<string>
  /** Of the operator's own questions; undefined: it has no Prometheus of its own. Default: PROMETHEUS_URL. */
  readonly prometheusUrl?: string | undefined
  /** How often Prometheus looks, and how long it remembers. */
  readonly scrapeSeconds?: number
  readonly retentionSeconds?: number
  /** Pods that fare otherwise than their workload's. */
  readonly behaviour?: (usual: PodBehaviour) => PodBehaviour
}

export interface Cluster {
  readonly api: ApiServer
  readonly world: World
  /** Servers of the world as functions of a request: see Site. */
  readonly sites: Sites
  /** For as long as the scope is open: controllers, pods, and the world's time. */
  readonly run: Effect.Effect<Controllers.Controllers, never, Scope.Scope>
  readonly layerKubernetes: Layer.Layer<Kubernetes>
  readonly layerPorts: Layer.Layer<Egress | RedisWire | Kafka | GoogleTokens>
  /** All that sources ask, over these ports. */
  readonly layerSources: ReturnType<typeof sourcesOf>
  /** Puts traffic on top of what comes anyway. False: there is no such workload; throws where there is no such pattern. */
  readonly load: (name: string, load: LoadSpec, namespace?: string) => boolean
  /** From now on instead of its own. */
  readonly setTraffic: (name: string, traffic: TrafficSpec | undefined, namespace?: string) => boolean
  /** Ends what `load` has put there. */
  readonly stop: (name: string, namespace?: string) => boolean
  /** The workloads as they are now. */
  readonly services: () => ReadonlyArray<Service>
}

const STEP_MILLIS = 1000

const sourcesOf = (url: string | undefined, ports: Cluster["layerPorts"], kubernetes: Cluster["layerKubernetes"]) =>
  layerSources(url).pipe(Layer.provideMerge(ports), Layer.provideMerge(kubernetes))

export const make = Effect.fn("Cluster.make")(function* (options: ClusterOptions) {
  const clock = yield* Clock.Clock
  const nowMillis = () => clock.currentTimeMillisUnsafe()
  const { namespaces = ["nimbusguard", "monitoring"], nodes, workloads, startMillis = nowMillis() } = options
  const prometheusUrl = "prometheusUrl" in options ? options.prometheusUrl : PROMETHEUS_URL
  const api = new ApiServer(nowMillis)
  for (const kind of KINDS) api.create(definitionOf(kind, VERSION, fillHole) as unknown as JsonObject)
  const inUse = workloads.map(({ namespace = "default" }) => namespace)
  for (const name of new Set([...namespaces, ...inUse])) {
    if (api.find("Namespace", "", name) === undefined)
      api.create({ apiVersion: "v1", kind: "Namespace", metadata: { name } })
  }
  const world = new World(api, { ...options, startMillis, nowMillis })
  for (const spec of workloads) {
    const { kind = "Deployment", name, namespace = "default" } = spec
    if (api.find(kind, namespace, name) === undefined) api.create(manifestOf(spec))
  }
  const sites = sitesOf(world, nowMillis)
  const layerKubernetes = ClusterKubernetes.layer(api, nowMillis)
  const ports = layerPorts(world, sites, nowMillis)

  const tick = Effect.suspend(() => {
    world.catchUp()
    const next = startMillis + (world.second + 1) * STEP_MILLIS
    return Effect.sleep(Math.max(1, next - nowMillis()))
  })

  const run = Effect.gen(function* () {
    yield* Effect.acquireRelease(
      Effect.sync(() => world.follow()),
      (stop) => Effect.sync(stop)
    )
    const behaviour = options.behaviour?.(world.behaviour) ?? world.behaviour
    const controllers = yield* Controllers.run(api, nodes === undefined ? { behaviour } : { behaviour, nodes })
    yield* tick.pipe(
      Effect.forever,
      Effect.tapCause((cause) => Effect.logFatal("the embedded cluster's world has stopped", cause)),
      Effect.forkScoped
    )
    return controllers
  })

  return {
    api,
    world,
    sites,
    run,
    layerKubernetes,
    layerPorts: ports,
    layerSources: sourcesOf(prometheusUrl, ports, layerKubernetes),
    load: (name, load, namespace) => world.load(name, load, namespace),
    setTraffic: (name, traffic, namespace) => world.setTraffic(name, traffic, namespace),
    stop: (name, namespace) => world.stop(name, namespace),
    services: () => {
      world.catchUp()
      return world.services
    }
  } satisfies Cluster as Cluster
})
