/**
 * What runs in the embedded cluster and what it measures, second by second. It follows the API's pods by their commits
 * and is told the time; whoever asks it anything gets the present, because it catches up first. No clock, no wire.
 */
import type { ApiServer } from "#cluster/api/ApiServer"
import type { Commit } from "#cluster/api/Store"
import type { JsonObject } from "#cluster/api/json"
import { nameOf, namespaceOf, textAt, valueAt } from "#cluster/api/json"
import { controllerOf, keyFor, keyOfObject } from "#cluster/controllers/Hands"
import type { PodBehaviour } from "#cluster/controllers/PodBehaviour"
import { Exporters } from "#cluster/world/exporters"
import { LOOK_SECONDS, MetricsServer } from "#cluster/world/MetricsServer"
import { RunningPod } from "#cluster/world/RunningPod"
import { SeriesStore } from "#cluster/world/SeriesStore"
import { type LoadSpec, Service } from "#cluster/world/Service"
import { trafficFor, type TrafficSpec, type WorkloadSpec } from "#cluster/world/WorkloadSpec"
import type { Seed } from "#workload/words"

export interface WorldOptions {
  readonly seed: Seed
  readonly workloads: ReadonlyArray<WorkloadSpec>
  /** Where second 0 is. */
  readonly startMillis: number
  readonly nowMillis: () => number
  /** Default: 5. */
  readonly scrapeSeconds?: number
  /** How long Prometheus remembers; default: 2 hours. */
  readonly retentionSeconds?: number
}

const SCRAPE_SECONDS = 5
const RETENTION_SECONDS = 7200

const SCALED: Readonly<Record<string, string>> = {
  "deployments.apps": "Deployment",
  "statefulsets.apps": "StatefulSet"
}

export class World {
  readonly store: SeriesStore
  readonly startMillis: number
  readonly #server: ApiServer
  readonly #options: WorldOptions
  readonly #scrapeSeconds: number
  readonly #services = new Map<string, Service>()
  readonly #pods = new Map<string, RunningPod>()
  readonly #exporters: Exporters
  readonly #metrics: MetricsServer
  readonly #minutely: Array<(atMillis: number) => void> = []
  /** The next second to come. */
  #second = 0

  constructor(server: ApiServer, options: WorldOptions) {
    const { retentionSeconds = RETENTION_SECONDS, scrapeSeconds = SCRAPE_SECONDS, startMillis, workloads } = options
    this.#server = server
    this.#options = options
    this.startMillis = startMillis
    this.#scrapeSeconds = scrapeSeconds
    this.store = new SeriesStore({ scrapesMax: Math.max(2, Math.ceil(retentionSeconds / scrapeSeconds)) })
    this.#exporters = new Exporters(this.store)
    this.#metrics = new MetricsServer(server, () => this.catchUp())
    for (const spec of workloads) this.#serve(spec)
  }

  get services(): ReadonlyArray<Service> {
    return [...this.#services.values()]
  }

  /** Also calls back once a minute. */
  eachMinute(look: (atMillis: number) => void): void {
    this.#minutely.push(look)
  }

  /** Listens to the API until it is told to stop. */
  follow(): () => void {
    for (const resource of [...Object.keys(SCALED), "pods"]) {
      for (const object of this.#server.store.list(resource)) this.#learnObject(resource, object)
    }
    return this.#server.store.onCommit((commit) => this.learn(commit))
  }

  get second(): number {
    return this.#second
  }

  service(name: string, namespace = "default"): Service | undefined {
    return this.#services.get(keyFor(namespace, name))
  }

  // ---- pods, as the API has them

  learn({ object, resource, type }: Commit): void {
    if (resource !== "pods" && SCALED[resource] === undefined) return
    this.catchUp()
    if (type !== "DELETED") return this.#learnObject(resource, object)
    if (resource !== "pods") return this.#scaled(object, 0)
    const key = keyOfObject(object)
    const pod = this.#pods.get(key)
    if (pod === undefined) return
    pod.gone(this.#second)
    pod.service.pods--
    this.#pods.delete(key)
    this.#exporters.forget(pod)
  }

  /** What pods do with their lives, for the kubelet. */
  readonly behaviour: PodBehaviour = (pod) => this.#serviceOf(pod).plan()

  #learnObject(resource: string, object: JsonObject): void {
    if (resource !== "pods") {
      const replicas = valueAt(object, "spec.replicas")
      return this.#scaled(object, typeof replicas === "number" ? replicas : 1)
    }
    const key = keyOfObject(object)
    let pod = this.#pods.get(key)
    if (pod === undefined) {
      pod = new RunningPod(object, this.#serviceOf(object))
      pod.service.pods++
      this.#pods.set(key, pod)
    }
    pod.learn(object, this.#second)
  }

  #scaled(object: JsonObject, replicas: number): void {
    const service = this.service(nameOf(object), namespaceOf(object))
    if (service !== undefined) service.desired = replicas
  }

  /** A pod that nobody has described belongs to a workload that idles. */
  #serviceOf(pod: JsonObject): Service {
    const namespace = namespaceOf(pod)
    const owner = controllerOf(pod)
    const name = owner === undefined ? nameOf(pod) : textAt(owner, "name")
    const set = owner?.["kind"] === "ReplicaSet" ? this.#server.find("ReplicaSet", namespace, name) : undefined
    const above = set === undefined ? undefined : controllerOf(set)
    const workload = above === undefined ? name : textAt(above, "name")
    return this.service(workload, namespace) ?? this.#serve({ name: workload, namespace })
  }

  #serve(spec: WorkloadSpec): Service {
    const service = new Service(spec, this.#options.seed)
    const { name, namespace } = service
    const live = this.#server.find(spec.kind ?? "Deployment", namespace, name)
    const replicas = live === undefined ? undefined : valueAt(live, "spec.replicas")
    if (typeof replicas === "number") service.desired = replicas
    this.#services.set(keyFor(namespace, name), service)
    return service
  }

  // ---- time

  catchUp(): void {
    const due = Math.floor((this.#options.nowMillis() - this.startMillis) / 1000)
    while (this.#second < due) this.#step()
  }

  #step(): void {
    const second = this.#second++
    for (const service of this.#services.values()) service.step(second)
    const now = this.#second
    const atMillis = this.startMillis + now * 1000
    if (now % this.#scrapeSeconds === 0) {
      this.#exporters.scrape(atMillis, now, this.#services.values(), this.#pods.values())
    }
    if (now % 60 === 0) for (const look of this.#minutely) look(atMillis)
    if (now % LOOK_SECONDS === 0) this.#metrics.look(atMillis, now, [...this.#pods.values()])
  }

  // ---- what people do to it

  /** False: there is no such workload. Throws where there is no such pattern. */
  load(name: string, load: LoadSpec, namespace?: string): boolean {
    return this.#with(name, namespace, (service) => service.add(this.#second, load))
  }

  setTraffic(name: string, traffic: TrafficSpec | undefined, namespace?: string): boolean {
    return this.#with(name, namespace, (service) => {
      const [rate, begin] = [trafficFor(traffic, `${this.#options.seed}/${name}`), this.#second]
      service.setRate((second) => rate(second - begin))
    })
  }

  /** Ends what `load` added. */
  stop(name: string, namespace?: string): boolean {
    return this.#with(name, namespace, (service) => service.stop())
  }

  #with(name: string, namespace = "default", act: (service: Service) => void): boolean {
    this.catchUp()
    const isThere = this.#server.find("Deployment", namespace, name) !== undefined
    const service = this.service(name, namespace) ?? (isThere ? this.#serve({ name, namespace }) : undefined)
    if (service !== undefined) act(service)
    return service !== undefined
  }
}
