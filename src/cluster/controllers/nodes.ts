/** Where pods fit: nodes, what they have, and what is taken of it. */
import type { JsonObject } from "#cluster/api/json"
import { isObject, listAt, nameOf, objectAt, textAt, valueAt } from "#cluster/api/json"
import { parseQuantityMilli } from "#schemas/quantity"

export interface NodeSize {
  readonly name: string
  /** Quantities. */
  readonly cpu: string
  readonly memory: string
  readonly pods: number
}

export const TWO_NODES: ReadonlyArray<NodeSize> = ["node-a", "node-b"].map((name) => ({
  name,
  cpu: "256",
  memory: "1Ti",
  pods: 2500
}))

const VERSION = "v1.34.0+embedded"

export const nodeObject = ({ cpu, memory, name, pods }: NodeSize, index: number, time: string): JsonObject => {
  const room = { cpu, memory, pods: String(pods) }
  const pressures = ["MemoryPressure", "DiskPressure", "PIDPressure"].map((type) => ({
    ...{ type, status: "False", reason: `KubeletHasNo${type}`, message: `kubelet has no ${type}` },
    lastHeartbeatTime: time,
    lastTransitionTime: time
  }))
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: { "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64" }
    },
    spec: { podCIDR: `10.244.${index}.0/24` },
    status: {
      capacity: room,
      allocatable: room,
      conditions: [
        ...pressures,
        {
          ...{ type: "Ready", status: "True", reason: "KubeletReady", message: "kubelet is posting ready status" },
          lastHeartbeatTime: time,
          lastTransitionTime: time
        }
      ],
      addresses: [
        { type: "InternalIP", address: `10.0.0.${index + 1}` },
        { type: "Hostname", address: name }
      ],
      nodeInfo: {
        ...{ kubeletVersion: VERSION, osImage: "NimbusGuard's embedded cluster", kernelVersion: "none" },
        ...{ containerRuntimeVersion: "none://0", operatingSystem: "linux", architecture: "amd64" }
      }
    }
  }
}

interface Need {
  readonly cpu: number
  readonly memory: number
  readonly pods: number
}

const milli = (value: unknown): number =>
  typeof value === "string" || typeof value === "number" ? (parseQuantityMilli(String(value)) ?? 0) : 0

const needOf = (pod: JsonObject): Need => {
  const requests = listAt(objectAt(pod, "spec"), "containers")
    .filter(isObject)
    .map((container) => objectAt(objectAt(container, "resources"), "requests"))
  const sum = (name: string) => requests.reduce((total, request) => total + milli(request[name]), 0)
  return { cpu: sum("cpu"), memory: sum("memory"), pods: 1000 }
}

const WORDS = { cpu: "Insufficient cpu", memory: "Insufficient memory", pods: "Too many pods" } as const
const RESOURCES = ["cpu", "memory", "pods"] as const

export class Nodes {
  readonly #nodes = new Map<string, JsonObject>()
  readonly #taken = new Map<string, Need>()
  readonly #placed = new Map<string, { readonly node: string; readonly need: Need }>()

  learn(node: JsonObject, isGone: boolean): void {
    if (isGone) this.#nodes.delete(nameOf(node))
    else this.#nodes.set(nameOf(node), node)
  }

  /** The emptiest node that has room, or why there is none. */
  placeFor(pod: JsonObject): { readonly node: string } | { readonly why: string } {
    const need = needOf(pod)
    const reasons = new Map<string, number>()
    let best: { readonly name: string; readonly pods: number } | undefined
    for (const [name, node] of this.#nodes) {
      const why = this.#against(node, need)
      if (why !== undefined) {
        reasons.set(why, (reasons.get(why) ?? 0) + 1)
        continue
      }
      const pods = this.#taken.get(name)?.pods ?? 0
      if (best === undefined || pods < best.pods) best = { name, pods }
    }
    if (best !== undefined) return { node: best.name }
    const counted = [...reasons].map(([why, count]) => `${count} ${why}`).join(", ")
    return { why: this.unfit(counted) }
  }

  unfit(counted: string): string {
    const count = this.#nodes.size
    return count === 0 ? "no nodes available to schedule pods" : `0/${count} nodes are available: ${counted}.`
  }

  get count(): number {
    return this.#nodes.size
  }

  take(key: string, pod: JsonObject, node: string): void {
    this.free(key)
    const need = needOf(pod)
    this.#placed.set(key, { node, need })
    this.#add(node, need, 1)
  }

  /** True where that made room. */
  free(key: string): boolean {
    const placed = this.#placed.get(key)
    if (placed === undefined) return false
    this.#placed.delete(key)
    this.#add(placed.node, placed.need, -1)
    return true
  }

  addressOf(name: string): string {
    const [first] = listAt(objectAt(this.#nodes.get(name) ?? {}, "status"), "addresses")
    return isObject(first) ? textAt(first, "address") : ""
  }

  #against(node: JsonObject, need: Need): string | undefined {
    if (valueAt(node, "spec.unschedulable") === true) return "node(s) were unschedulable"
    const room = objectAt(objectAt(node, "status"), "allocatable")
    const taken = this.#taken.get(nameOf(node))
    const short = RESOURCES.find((one) => (taken?.[one] ?? 0) + need[one] > milli(room[one]))
    return short === undefined ? undefined : WORDS[short]
  }

  #add(node: string, need: Need, sign: 1 | -1): void {
    const { cpu = 0, memory = 0, pods = 0 } = this.#taken.get(node) ?? {}
    this.#taken.set(node, {
      cpu: cpu + sign * need.cpu,
      memory: memory + sign * need.memory,
      pods: pods + sign * need.pods
    })
  }
}
