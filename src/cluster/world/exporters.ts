/**
 * What a scrape finds: the series of cAdvisor, kube-state-metrics and the workloads' own exporters, under the names
 * that dashboards and our examples ask for. Series are looked up once for each pod, so that a scrape only counts.
 */
import type { RunningPod } from "#cluster/world/RunningPod"
import type { Labels, Series, SeriesStore } from "#cluster/world/SeriesStore"
import { BOUNDS, COUNTED, type Service } from "#cluster/world/Service"

const REQUEST_BYTES = 1200
const ANSWER_BYTES = 6000
/** Probes and keep-alives, in a second. */
const IDLE_BYTES = 120

export class Exporters {
  readonly #store: SeriesStore
  readonly #ofPods = new Map<RunningPod, PodExporter>()
  readonly #ofServices = new Map<Service, ServiceExporter>()

  constructor(store: SeriesStore) {
    this.#store = store
  }

  forget(pod: RunningPod): void {
    this.#ofPods.delete(pod)
  }

  scrape(atMillis: number, second: number, services: Iterable<Service>, pods: Iterable<RunningPod>): void {
    this.#store.begin(atMillis)
    const scrape = this.#store.newest
    for (const service of services) {
      let exporter = this.#ofServices.get(service)
      if (exporter === undefined) {
        exporter = new ServiceExporter(this.#store, service)
        this.#ofServices.set(service, exporter)
      }
      exporter.scrape(scrape)
    }
    for (const pod of pods) {
      if (!pod.isRunning) continue
      let exporter = this.#ofPods.get(pod)
      if (exporter === undefined) {
        exporter = new PodExporter(this.#store, pod)
        this.#ofPods.set(pod, exporter)
      }
      exporter.scrape(scrape, second)
    }
  }
}

class ServiceExporter {
  readonly #service: Service
  readonly #replicas: readonly [wanted: Series, there: Series, ready: Series]
  readonly #queue: readonly [published: Series, waiting: Series, age: Series] | undefined

  constructor(store: SeriesStore, service: Service) {
    const { name, namespace, spec } = service
    const kind = (spec.kind ?? "Deployment").toLowerCase()
    const owner = { namespace, [kind]: name }
    const labels = { namespace, app: name, job: "queue-exporter" }
    this.#service = service
    this.#replicas = [
      store.series(`kube_${kind}_spec_replicas`, owner),
      store.series(`kube_${kind}_status_replicas`, owner),
      store.series(`kube_${kind}_status_replicas_ready`, owner)
    ]
    this.#queue =
      service.queue === undefined
        ? undefined
        : [
            store.series("queue_messages_published_total", labels),
            store.series("queue_messages_waiting", labels),
            store.series("queue_oldest_message_age_seconds", labels)
          ]
  }

  scrape(scrape: number): void {
    const { desired, inService, pods, published, queue, readyPods, waiting } = this.#service
    this.#replicas[0].set(scrape, desired)
    this.#replicas[1].set(scrape, pods)
    this.#replicas[2].set(scrape, readyPods)
    if (this.#queue === undefined) return
    this.#queue[0].set(scrape, Math.floor(published))
    this.#queue[1].set(scrape, waiting + inService)
    this.#queue[2].set(scrape, queue?.ageSeconds ?? 0)
  }
}

class PodExporter {
  readonly #pod: RunningPod
  readonly #containers: ReadonlyArray<readonly [cpu: Series, memory: Series]>
  readonly #received: Series
  readonly #sent: Series
  readonly #up: Series
  readonly #http: HttpSeries | undefined
  readonly #processed: Series | undefined

  constructor(store: SeriesStore, pod: RunningPod) {
    const { app, containers, name, namespace, service } = pod
    const where = { namespace, pod: name }
    const job = app === "" ? service.name : app
    const own = { ...where, app: job, job, instance: name }
    const network = { ...where, interface: "eth0" }
    this.#pod = pod
    this.#containers = containers.map(({ name: container }) => [
      store.series("container_cpu_usage_seconds_total", { ...where, container }),
      store.series("container_memory_working_set_bytes", { ...where, container })
    ])
    this.#received = store.series("container_network_receive_bytes_total", network)
    this.#sent = store.series("container_network_transmit_bytes_total", network)
    this.#up = store.series("up", own)
    this.#http = service.queue === undefined ? new HttpSeries(store, own) : undefined
    this.#processed = service.queue === undefined ? undefined : store.series("queue_messages_processed_total", own)
  }

  scrape(scrape: number, second: number): void {
    const pod = this.#pod
    for (let index = 0; index < this.#containers.length; index++) {
      const series = this.#containers[index]
      series?.[0].set(scrape, pod.cpuSeconds(index, second))
      series?.[1].set(scrape, pod.memoryBytes(index))
    }
    const served = pod.counted(COUNTED.served)
    const idle = pod.ranSeconds(second) * IDLE_BYTES
    this.#received.set(scrape, Math.floor(served * REQUEST_BYTES + idle))
    this.#sent.set(scrape, Math.floor(served * ANSWER_BYTES + idle))
    this.#up.set(scrape, 1)
    this.#processed?.set(scrape, Math.floor(served))
    this.#http?.scrape(scrape, pod)
  }
}

class HttpSeries {
  readonly #answered: Series
  readonly #refused: Series
  readonly #inFlight: Series
  readonly #buckets: ReadonlyArray<Series>
  readonly #all: Series
  readonly #count: Series
  readonly #seconds: Series

  constructor(store: SeriesStore, own: Labels) {
    const bucket = (le: string) => store.series("http_request_duration_seconds_bucket", { ...own, le })
    this.#answered = store.series("http_requests_total", { ...own, code: "200" })
    this.#refused = store.series("http_requests_total", { ...own, code: "503" })
    this.#inFlight = store.series("http_requests_in_flight", own)
    this.#buckets = BOUNDS.map((bound) => bucket(String(bound)))
    this.#all = bucket("+Inf")
    this.#count = store.series("http_request_duration_seconds_count", own)
    this.#seconds = store.series("http_request_duration_seconds_sum", own)
  }

  scrape(scrape: number, pod: RunningPod): void {
    const { service } = pod
    const dropped = pod.counted(COUNTED.dropped)
    const served = Math.floor(pod.counted(COUNTED.served))
    this.#answered.set(scrape, Math.floor(pod.counted(COUNTED.arrived) - dropped))
    this.#refused.set(scrape, Math.floor(dropped))
    this.#inFlight.set(scrape, pod.isReady ? service.told("inFlight") / Math.max(1, service.readyPods) : 0)
    for (let index = 0; index < this.#buckets.length; index++) {
      this.#buckets[index]?.set(scrape, Math.floor(pod.counted(COUNTED.buckets + index)))
    }
    this.#all.set(scrape, served)
    this.#count.set(scrape, served)
    this.#seconds.set(scrape, pod.counted(COUNTED.answerSeconds))
  }
}
