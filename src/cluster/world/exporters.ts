/**
 * What a scrape finds: the series of cAdvisor, kube-state-metrics and the workloads' own exporters, under the names
 * that dashboards and our examples ask for. A pod's series are looked up once, so that a scrape only counts.
 */
import type { RunningPod } from "#cluster/world/RunningPod"
import type { Labels, Series, SeriesStore } from "#cluster/world/SeriesStore"
import { BOUNDS, COUNTED, type Service } from "#cluster/world/Service"

type Measure = (second: number) => void

const REQUEST_BYTES = 1200
const ANSWER_BYTES = 6000
/** Probes and keep-alives. */
const IDLE_BYTES = 120

export class Exporters {
  readonly #store: SeriesStore
  readonly #ofPods = new Map<RunningPod, ReadonlyArray<Measure>>()
  readonly #ofServices = new Map<Service, ReadonlyArray<Measure>>()

  constructor(store: SeriesStore) {
    this.#store = store
  }

  forget(pod: RunningPod): void {
    this.#ofPods.delete(pod)
  }

  scrape(atMillis: number, second: number, services: Iterable<Service>, pods: Iterable<RunningPod>): void {
    this.#store.begin(atMillis)
    for (const service of services) {
      let measures = this.#ofServices.get(service)
      if (measures === undefined) this.#ofServices.set(service, (measures = this.#serviceMeasures(service)))
      for (const measure of measures) measure(second)
    }
    for (const pod of pods) {
      if (!pod.isRunning) continue
      let measures = this.#ofPods.get(pod)
      if (measures === undefined) this.#ofPods.set(pod, (measures = this.#podMeasures(pod)))
      for (const measure of measures) measure(second)
    }
  }

  #measure(name: string, labels: Labels, value: (second: number) => number): Measure {
    const series: Series = this.#store.series(name, labels)
    return (second) => this.#store.measure(series, value(second))
  }

  #serviceMeasures(service: Service): ReadonlyArray<Measure> {
    const { name, namespace, spec } = service
    const kind = (spec.kind ?? "Deployment").toLowerCase()
    const owner = { namespace, [kind]: name }
    const measures = [
      this.#measure(`kube_${kind}_spec_replicas`, owner, () => service.desired),
      this.#measure(`kube_${kind}_status_replicas`, owner, () => service.pods),
      this.#measure(`kube_${kind}_status_replicas_ready`, owner, () => service.readyPods)
    ]
    if (service.queue === undefined) return measures
    const labels = { namespace, app: name, job: "queue-exporter" }
    return [
      ...measures,
      this.#measure("queue_messages_published_total", labels, () => Math.floor(service.published)),
      this.#measure("queue_messages_waiting", labels, () => service.waiting + service.inService),
      this.#measure("queue_oldest_message_age_seconds", labels, () => service.queue?.ageSeconds ?? 0)
    ]
  }

  #podMeasures(pod: RunningPod): ReadonlyArray<Measure> {
    const { app, containers, name, namespace, service } = pod
    const where = { namespace, pod: name }
    const own = { ...where, app: app === "" ? service.name : app, job: app === "" ? service.name : app, instance: name }
    const whole = (place: number) => () => Math.floor(pod.counted(place))
    const seconds = (second: number) => pod.cpuSeconds(1, second) * 1000
    const network = { ...where, interface: "eth0" }
    return [
      ...containers.flatMap(({ name: container }, index) => [
        this.#measure("container_cpu_usage_seconds_total", { ...where, container }, (at) => pod.cpuSeconds(index, at)),
        this.#measure("container_memory_working_set_bytes", { ...where, container }, () => pod.memoryBytes(index))
      ]),
      this.#measure("container_network_receive_bytes_total", network, (at) =>
        Math.floor(pod.counted(COUNTED.served) * REQUEST_BYTES + seconds(at) * IDLE_BYTES)
      ),
      this.#measure("container_network_transmit_bytes_total", network, (at) =>
        Math.floor(pod.counted(COUNTED.served) * ANSWER_BYTES + seconds(at) * IDLE_BYTES)
      ),
      this.#measure("up", own, () => 1),
      ...(service.queue === undefined
        ? this.#httpMeasures(pod, own)
        : [this.#measure("queue_messages_processed_total", own, whole(COUNTED.served))])
    ]
  }

  #httpMeasures(pod: RunningPod, own: Labels): ReadonlyArray<Measure> {
    const { service } = pod
    const answered = () => Math.floor(pod.counted(COUNTED.served))
    const bucket = (le: string, value: () => number) =>
      this.#measure("http_request_duration_seconds_bucket", { ...own, le }, value)
    return [
      this.#measure("http_requests_total", { ...own, code: "200" }, () =>
        Math.floor(pod.counted(COUNTED.arrived) - pod.counted(COUNTED.dropped))
      ),
      this.#measure("http_requests_total", { ...own, code: "503" }, () => Math.floor(pod.counted(COUNTED.dropped))),
      this.#measure("http_requests_in_flight", own, () =>
        pod.isReady ? service.told("inFlight") / Math.max(1, service.readyPods) : 0
      ),
      ...BOUNDS.map((bound, index) => bucket(String(bound), () => Math.floor(pod.counted(COUNTED.buckets + index)))),
      bucket("+Inf", answered),
      this.#measure("http_request_duration_seconds_count", own, answered),
      this.#measure("http_request_duration_seconds_sum", own, () => pod.counted(COUNTED.answerSeconds))
    ]
  }
}
