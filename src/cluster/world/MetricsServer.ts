/** metrics.k8s.io: what pods and nodes use, as a mean over the time between two looks, one every fifteen seconds. */
import type { ApiServer } from "#cluster/api/ApiServer"
import { metricsOf } from "#cluster/api/builtIn"
import type { JsonObject } from "#cluster/api/json"
import { metadataOf, nameOf, objectAt } from "#cluster/api/json"
import type { RunningPod } from "#cluster/world/RunningPod"
import { secondTime } from "#services/kubernetesTime"

export const LOOK_SECONDS = 15
const WINDOW = `${LOOK_SECONDS}s`
/** What a node uses without any pod. */
const NODE = { cores: 0.05, bytes: 256 * 1024 * 1024 }

interface Look {
  readonly second: number
  readonly cpuSeconds: ReadonlyArray<number>
}

const usageOf = (cores: number, bytes: number): JsonObject => ({
  cpu: `${Math.round(cores * 1e9)}n`,
  memory: `${Math.round(bytes / 1024)}Ki`
})

export class MetricsServer {
  readonly #server: ApiServer
  readonly #looks = new Map<RunningPod, Look>()
  #pods: ReadonlyArray<JsonObject> = []
  #nodes: ReadonlyArray<JsonObject> = []

  /** Serves its group from now on. `catchUp` brings what it shows to the present. */
  constructor(server: ApiServer, catchUp: () => void) {
    this.#server = server
    const shown = (items: () => ReadonlyArray<JsonObject>) => () => {
      catchUp()
      return items()
    }
    server.kinds.define(
      metricsOf(
        "pods",
        shown(() => this.#pods)
      )
    )
    server.kinds.define(
      metricsOf(
        "nodes",
        shown(() => this.#nodes)
      )
    )
  }

  look(atMillis: number, second: number, pods: ReadonlyArray<RunningPod>): void {
    const timestamp = secondTime(atMillis)
    const shown: Array<JsonObject> = []
    const onNodes = new Map<string, { cores: number; bytes: number }>()
    const seen = new Set<RunningPod>()
    for (const pod of pods) {
      if (!pod.isRunning) continue
      seen.add(pod)
      const cpuSeconds = pod.containers.map((_, index) => pod.cpuSeconds(index, second))
      const before = this.#looks.get(pod)
      this.#looks.set(pod, { second, cpuSeconds })
      // Two looks make a mean.
      if (before === undefined) continue
      const node = onNodes.get(pod.node) ?? { cores: 0, bytes: 0 }
      onNodes.set(pod.node, node)
      const containers = pod.containers.map(({ name }, index) => {
        const cores = ((cpuSeconds[index] ?? 0) - (before.cpuSeconds[index] ?? 0)) / (second - before.second)
        const bytes = pod.memoryBytes(index)
        node.cores += cores
        node.bytes += bytes
        return { name, usage: usageOf(cores, bytes) }
      })
      shown.push({
        kind: "PodMetrics",
        apiVersion: "metrics.k8s.io/v1beta1",
        metadata: {
          name: pod.name,
          namespace: pod.namespace,
          labels: pod.labels,
          creationTimestamp: timestamp
        },
        timestamp,
        window: WINDOW,
        containers
      })
    }
    for (const pod of this.#looks.keys()) if (!seen.has(pod)) this.#looks.delete(pod)
    this.#pods = shown
    this.#nodes = this.#server.list("Node").map((node) => {
      const name = nameOf(node)
      const used = onNodes.get(name) ?? { cores: 0, bytes: 0 }
      return {
        kind: "NodeMetrics",
        apiVersion: "metrics.k8s.io/v1beta1",
        metadata: { name, labels: objectAt(metadataOf(node), "labels"), creationTimestamp: timestamp },
        timestamp,
        window: WINDOW,
        usage: usageOf(NODE.cores + used.cores, NODE.bytes + used.bytes)
      }
    })
  }
}
