/** A pod as the world knows it: what it is called and labelled, what it requests, and what it has done so far. */
import type { JsonObject } from "#cluster/api/json"
import { isObject, listAt, metadataOf, nameOf, namespaceOf, objectAt, textAt } from "#cluster/api/json"
import { COUNTED, type Service } from "#cluster/world/Service"
import { parseQuantityMilli } from "#schemas/quantity"

export interface RunningContainer {
  readonly name: string
  readonly cores: number
  readonly bytes: number
}

/** Where a container says nothing, it uses so much when it is busy. */
const USUAL = { cores: 0.1, bytes: 128 * 1024 * 1024 }
/** What runs beside the first container of a pod does next to nothing. */
const BESIDE = { cores: 0.001, bytes: 8 * 1024 * 1024 }
const IDLE_SHARE = 0.01
/** Starting is work: caches are filled and code is compiled. */
const STARTING_SHARE = 0.5
const PODS_DIFFER = 0.04

const amount = (requests: JsonObject, name: string): number | undefined => {
  const quantity = requests[name]
  const milli = typeof quantity === "string" ? parseQuantityMilli(quantity) : undefined
  return milli === undefined ? undefined : milli / 1000
}

const containersOf = (pod: JsonObject): ReadonlyArray<RunningContainer> =>
  listAt(objectAt(pod, "spec"), "containers")
    .filter(isObject)
    .map((container) => {
      const requests = objectAt(objectAt(container, "resources"), "requests")
      return {
        name: textAt(container, "name"),
        cores: amount(requests, "cpu") ?? USUAL.cores,
        bytes: amount(requests, "memory") ?? USUAL.bytes
      }
    })

const readinessOf = (pod: JsonObject): boolean =>
  listAt(objectAt(pod, "status"), "conditions").some(
    (one) => isObject(one) && one["type"] === "Ready" && one["status"] === "True"
  )

/** Of its name alone, in [-1, 1): one pod is always a little busier than the next. */
const personality = (name: string): number => {
  let hash = 0x811c9dc5
  for (let place = 0; place < name.length; place++) hash = Math.imul(hash ^ name.charCodeAt(place), 0x01000193)
  return ((hash ^ (hash >>> 15)) >>> 0) / 2 ** 31 - 1
}

export class RunningPod {
  readonly name: string
  readonly namespace: string
  readonly service: Service
  readonly containers: ReadonlyArray<RunningContainer>
  readonly app: string
  readonly labels: JsonObject
  node = ""
  /** Has containers that run. */
  isRunning = false
  isReady = false
  readonly #differs: number
  readonly #carried: Float64Array
  readonly #base: Float64Array
  #runningSince = 0
  #readySince = 0
  #wasReadySeconds = 0

  constructor(pod: JsonObject, service: Service) {
    this.name = nameOf(pod)
    this.namespace = namespaceOf(pod)
    this.service = service
    this.containers = containersOf(pod)
    this.labels = objectAt(metadataOf(pod), "labels")
    this.app = textAt(this.labels, "app")
    this.#differs = 1 + PODS_DIFFER * personality(this.name)
    this.#carried = new Float64Array(service.perPod.length)
    this.#base = new Float64Array(service.perPod.length)
  }

  /** As of this second. */
  learn(pod: JsonObject, second: number): void {
    const status = objectAt(pod, "status")
    this.node = textAt(objectAt(pod, "spec"), "nodeName")
    const started = listAt(status, "containerStatuses").some(
      (one) => isObject(one) && isObject(objectAt(one, "state")["running"])
    )
    this.#run(started && textAt(status, "phase") === "Running", second)
    this.#serve(this.isRunning && readinessOf(pod), second)
  }

  gone(second: number): void {
    this.#serve(false, second)
    this.#run(false, second)
  }

  #run(isRunning: boolean, second: number): void {
    if (isRunning === this.isRunning) return
    this.isRunning = isRunning
    if (!isRunning) return
    // A process that begins anew counts from zero, and so does what measures its containers.
    this.#runningSince = second
    this.#wasReadySeconds = 0
    this.#carried.fill(0)
  }

  #serve(isReady: boolean, second: number): void {
    if (isReady === this.isReady) return
    this.isReady = isReady
    const { perPod } = this.service
    if (isReady) {
      this.service.readyPods++
      this.#readySince = second
      this.#base.set(perPod)
      return
    }
    this.service.readyPods--
    this.#wasReadySeconds += second - this.#readySince
    for (let place = 0; place < perPod.length; place++) {
      this.#carried[place] = (this.#carried[place] ?? 0) + (perPod[place] ?? 0) - (this.#base[place] ?? 0)
    }
  }

  /** By COUNTED, since the pod began. */
  counted(place: number): number {
    const carried = this.#carried[place] ?? 0
    return this.isReady ? carried + (this.service.perPod[place] ?? 0) - (this.#base[place] ?? 0) : carried
  }

  ranSeconds(second: number): number {
    return this.isRunning ? second - this.#runningSince : 0
  }

  /** Of its containers one by one, in seconds of a whole core. */
  cpuSeconds(index: number, second: number): number {
    const ran = this.ranSeconds(second)
    if (index > 0) return ran * BESIDE.cores
    const ready = this.#wasReadySeconds + (this.isReady ? second - this.#readySince : 0)
    const busy = this.counted(COUNTED.busySeconds) * (1 - IDLE_SHARE) * this.#differs
    const { cores } = this.containers[0] ?? USUAL
    return cores * (busy + ran * IDLE_SHARE + Math.max(0, ran - ready) * STARTING_SHARE)
  }

  memoryBytes(index: number): number {
    if (index > 0) return BESIDE.bytes
    const { bytes } = this.containers[0] ?? USUAL
    return Math.round(bytes * (this.isReady ? this.service.memoryShare : 0.25) * this.#differs)
  }
}
