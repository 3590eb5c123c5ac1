/**
 * One workload second by second: what comes, what its ready pods do with it, and what each of them has done so far. A
 * second costs the same whether three pods serve or three hundred: pods share alike, so sums per pod are enough.
 */
import { chance, type Chance } from "#workload/Chance"
import { startupTimes } from "#workload/Fleet"
import { MessageQueue } from "#workload/MessageQueue"
import { memoryAt } from "#workload/Plant"
import type { Traffic } from "#workload/patterns"
import { RequestService } from "#workload/RequestService"
import type { Seed } from "#workload/words"
import { factorAt, type Workload } from "#workload/Workload"
import type { Fate, PodPlan } from "#cluster/controllers/PodBehaviour"
import { fittedPattern, plantOf, type Told, trafficFor, type WorkloadSpec } from "#cluster/world/WorkloadSpec"

/** Upper bounds of the answers' histogram in seconds, as client libraries have them. */
export const BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const

/** What one pod that was ready all the time would have counted; then the histogram, one place per bound. */
export const COUNTED = { arrived: 0, dropped: 1, served: 2, busySeconds: 3, answerSeconds: 4, buckets: 5 } as const
const PLACES = COUNTED.buckets + BOUNDS.length

export interface LoadSpec {
  /** Default: steady. Its times are shortened to fit into the duration. */
  readonly pattern?: string
  readonly durationSeconds: number
  /** 100: as much as INTENSE_PODS pods can do. */
  readonly intensity: number
}

/** What an intensity of 100 percent keeps busy. */
export const INTENSE_PODS = 5

interface AddedLoad {
  readonly until: number
  readonly rate: Traffic
}

export class Service {
  readonly name: string
  readonly namespace: string
  readonly spec: WorkloadSpec
  readonly plant: Workload
  readonly queue: MessageQueue | undefined
  /** By COUNTED, since the beginning, per pod that was ready. */
  readonly perPod = new Float64Array(PLACES)
  /** What its scale asks for, the pods that there are, and those that serve. */
  desired = 0
  pods = 0
  readyPods = 0
  published = 0
  processed = 0
  /** Of the last second. */
  arrived = 0
  utilization = 0
  #rate: Traffic
  readonly #requests: RequestService
  readonly #arrivals: Chance
  /** Apart from what comes, which must be the same whatever becomes of the pods. */
  readonly #fates: Chance
  readonly #startup: () => number
  readonly #seed: Seed
  readonly #added: Array<AddedLoad> = []

  constructor(spec: WorkloadSpec, seed: Seed) {
    const { name, namespace = "default" } = spec
    this.name = name
    this.namespace = namespace
    this.spec = spec
    this.plant = plantOf(spec)
    this.#seed = `${seed}/${namespace}/${name}`
    this.#rate = trafficFor(spec.traffic, this.#seed)
    this.#arrivals = chance(this.#seed, "arrivals")
    this.#fates = chance(this.#seed, "fates")
    this.#startup = startupTimes(this.plant.startupSeconds, this.#seed)
    this.#requests = new RequestService(this.plant)
    this.queue = spec.queue === undefined ? undefined : new MessageQueue(this.plant)
  }

  /** Asked by the kubelet once for each start of a pod. */
  plan(): PodPlan {
    return { startupMillis: Math.round(this.#startup() * 1000), fate: this.#fate() }
  }

  #fate(): Fate {
    const { crashEverySeconds, finishAfterSeconds, neverReadyShare = 0, reason } = this.spec.trouble ?? {}
    if (this.#fates.uniform() < neverReadyShare) return { _tag: "NeverReady" }
    if (finishAfterSeconds !== undefined) return { _tag: "Exits", afterMillis: finishAfterSeconds * 1000, exitCode: 0 }
    if (crashEverySeconds === undefined) return { _tag: "Runs" }
    const afterMillis = Math.round(-Math.log(1 - this.#fates.uniform()) * crashEverySeconds * 1000)
    return { _tag: "Exits", afterMillis, exitCode: reason === "OOMKilled" ? 137 : 1, reason: reason ?? "Error" }
  }

  setRate(rate: Traffic): void {
    this.#rate = rate
  }

  /** From this second on, besides what comes anyway. Throws where there is no such pattern. */
  add(second: number, { durationSeconds, intensity, pattern = "steady" }: LoadSpec): void {
    const perPod = this.plant.workers / this.plant.serviceSeconds
    const fitted = fittedPattern(pattern, durationSeconds)
    const rate = (intensity / 100) * INTENSE_PODS * perPod
    const traffic = trafficFor({ pattern: fitted, rate }, `${this.#seed}/${second}`)
    this.#added.push({ until: second + durationSeconds, rate: (at) => traffic(at - second) })
  }

  /** Ends what was added. */
  stop(): void {
    this.#added.length = 0
  }

  get hasAddedLoad(): boolean {
    return this.#added.length > 0
  }

  step(second: number): void {
    let rate = this.#rate(second)
    for (const added of this.#added) rate += second < added.until ? added.rate(second) : 0
    if (this.#added.some(({ until }) => until <= second)) this.#endLoads(second)
    const arrived = this.#arrivals.poisson(rate)
    const factor = this.plant.drift.length === 0 ? 1 : factorAt(this.plant, second)
    this.arrived = arrived
    const { perPod, queue, readyPods } = this
    if (queue !== undefined) {
      queue.step(arrived, readyPods, factor)
      this.published += arrived
      this.processed += queue.served
      this.utilization = queue.utilization
      if (readyPods === 0) return
      this.#count(COUNTED.served, queue.served)
      this.#count(COUNTED.busySeconds, queue.utilization * readyPods)
      return
    }
    const requests = this.#requests
    requests.step(arrived, rate, readyPods, factor)
    this.utilization = requests.utilization
    if (readyPods === 0) return
    this.#count(COUNTED.arrived, arrived)
    this.#count(COUNTED.dropped, requests.dropped)
    this.#count(COUNTED.served, requests.served)
    this.#count(COUNTED.busySeconds, requests.utilization * readyPods)
    this.#count(COUNTED.answerSeconds, requests.served * requests.meanSeconds)
    if (requests.served === 0) return
    const share = requests.served / readyPods
    for (let index = 0; index < BOUNDS.length; index++) {
      const place = COUNTED.buckets + index
      perPod[place] = (perPod[place] ?? 0) + share * (1 - requests.slowerThan(BOUNDS[index] ?? 0))
    }
  }

  #count(place: number, amount: number): void {
    this.perPod[place] = (this.perPod[place] ?? 0) + amount / this.readyPods
  }

  #endLoads(second: number): void {
    const left = this.#added.filter(({ until }) => until > second)
    this.#added.splice(0, this.#added.length, ...left)
  }

  /** Messages that a worker has and has not confirmed. */
  get inService(): number {
    if (this.queue === undefined) return 0
    return Math.min(this.readyPods * this.plant.workers, Math.round(this.queue.served * this.plant.serviceSeconds))
  }

  /** Messages that nobody has taken. */
  get waiting(): number {
    return Math.round(this.queue?.waiting ?? this.#requests.waiting)
  }

  /** A process uses memory also while it does nothing. */
  get memoryShare(): number {
    return memoryAt(this.utilization)
  }

  told(what: Told): number {
    switch (what) {
      case "inFlight":
        return Math.round(this.queue === undefined ? this.#requests.concurrency : this.queue.concurrency)
      case "waiting":
        return this.waiting
      case "requestsPerSecond":
        return this.arrived
      case "readyPods":
        return this.readyPods
    }
  }
}
