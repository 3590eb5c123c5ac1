// The aggregated metrics APIs that an autoscaler asks: metrics.k8s.io and external.metrics.k8s.io, served over HTTPS on
// loopback and reached by everybody through the real API server. A test says what the numbers are; which pods a selector
// means is asked of the API server itself, so the answers cannot disagree with the cluster.
import type { IncomingMessage, ServerResponse } from "node:http"
import { createServer, type Server } from "node:https"
import type { AddressInfo } from "node:net"
import type { Cluster, KubernetesObject } from "./Cluster.ts"

/** What a pod uses: whole millicores and bytes. */
export interface Usage {
  readonly cpuMillis: number
  readonly memoryBytes: number
}

export interface ExternalSeries {
  readonly labels?: Readonly<Record<string, string>>
  /** A quantity, such as "250" or "1500m". */
  readonly value: string
}

interface PodObject extends KubernetesObject {
  readonly spec: { readonly containers: ReadonlyArray<{ readonly name: string }> }
  readonly status: { readonly phase?: string }
}

const resourceApi = { group: "metrics.k8s.io", version: "v1beta1" }
const externalApi = { group: "external.metrics.k8s.io", version: "v1beta1" }

const resource = (name: string, kind: string, namespaced: boolean): object => ({
  name,
  singularName: "",
  namespaced,
  kind,
  verbs: ["get", "list"]
})

/** Label selectors as the external API uses them: a=b and a!=b, comma-separated. */
const selects = (selector: string, labels: Readonly<Record<string, string>>): boolean =>
  selector
    .split(",")
    .filter((term) => term !== "")
    .every((term) => {
      const [, name = "", operator = "", value = ""] = /^\s*([^!=\s]+)\s*(==|!=|=)\s*(\S*)\s*$/.exec(term) ?? []
      if (operator === "") throw new Error(`this test server does not know the selector ${term}`)
      return operator === "!=" ? labels[name] !== value : labels[name] === value
    })

export class MetricsApi {
  readonly port: number
  readonly #server: Server
  readonly #cluster: Cluster
  readonly #external = new Map<string, ReadonlyArray<ExternalSeries>>()
  readonly #reads = new Map<string, number>()
  readonly #unregister: Array<() => Promise<void>> = []
  #usage: (pod: KubernetesObject) => Usage | undefined = () => undefined
  #failing: number | undefined
  #items: ReadonlyArray<object> | string | undefined

  private constructor(cluster: Cluster, server: Server) {
    this.#cluster = cluster
    this.#server = server
    this.port = (server.address() as AddressInfo).port
    server.on("request", (request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        this.#send(response, 500, {
          kind: "Status",
          apiVersion: "v1",
          status: "Failure",
          code: 500,
          message: String(error)
        })
      })
    })
  }

  /** Starts the server and registers both APIs; returns when the API server reaches them. */
  static async start(cluster: Cluster): Promise<MetricsApi> {
    const server = createServer(await cluster.issueCertificate("metrics-api"))
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject)
      server.listen(0, "localhost", resolve)
    })
    const api = new MetricsApi(cluster, server)
    try {
      for (const { group, version } of [resourceApi, externalApi]) {
        api.#unregister.push(await cluster.registerApiService({ group, version, port: api.port, caBundle: cluster.ca }))
      }
    } catch (error) {
      await api.close()
      throw error
    }
    return api
  }

  /** What each pod uses, asked whenever somebody reads; undefined: no sample yet. */
  setUsage(usage: (pod: KubernetesObject) => Usage | undefined): void {
    this.#usage = usage
  }

  /** The series of an external metric in a namespace; an empty list is a well-formed empty answer. */
  setExternal(namespace: string, metric: string, series: ReadonlyArray<ExternalSeries>): void {
    this.#external.set(`${namespace}/${metric}`, series)
  }

  /** How often an external metric has been asked for. */
  externalReads(namespace: string, metric: string): number {
    return this.#reads.get(`${namespace}/${metric}`) ?? 0
  }

  /** Every metric request fails with this status until it is undefined again; discovery goes on. */
  failWith(status: number | undefined): void {
    this.#failing = status
  }

  /** These are the items of every list of pod metrics, until it is undefined again; a text is sent as it stands. */
  answerWith(items: ReadonlyArray<object> | string | undefined): void {
    this.#items = items
  }

  async close(): Promise<void> {
    for (const unregister of this.#unregister) await unregister()
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }

  #send(response: ServerResponse, status: number, body: unknown): void {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "https://localhost")
    const selector = url.searchParams.get("labelSelector") ?? ""
    const [root, group = "", version = "", ...rest] = url.pathname.split("/").slice(1)
    const groupVersion = `${group}/${version}`
    if (root !== "apis")
      return this.#send(response, 404, { kind: "Status", apiVersion: "v1", status: "Failure", code: 404 })
    if (rest.length === 0) {
      const resources =
        group === resourceApi.group
          ? [resource("pods", "PodMetrics", true), resource("nodes", "NodeMetrics", false)]
          : [...new Set([...this.#external.keys()].map((key) => key.slice(key.indexOf("/") + 1)))].map((name) =>
              resource(name, "ExternalMetricValueList", true)
            )
      return this.#send(response, 200, { kind: "APIResourceList", apiVersion: "v1", groupVersion, resources })
    }
    if (this.#failing !== undefined) {
      const message = "the test wants this to fail"
      return this.#send(response, this.#failing, {
        kind: "Status",
        apiVersion: "v1",
        status: "Failure",
        code: this.#failing,
        message
      })
    }
    if (typeof this.#items === "string") {
      response.writeHead(200, { "content-type": "application/json" }).end(this.#items)
      return
    }
    if (this.#items !== undefined) {
      return this.#send(response, 200, {
        kind: "PodMetricsList",
        apiVersion: groupVersion,
        metadata: {},
        items: this.#items
      })
    }
    const timestamp = new Date().toISOString().replace(/\.\d+/, "")
    if (group === resourceApi.group) {
      const [namespace, name] = rest[0] === "namespaces" ? [rest[1], rest[3]] : [undefined, undefined]
      const folder = namespace === undefined ? "/api/v1/pods" : `/api/v1/namespaces/${namespace}/pods`
      const query = selector === "" ? "" : `?labelSelector=${encodeURIComponent(selector)}`
      const pods = await this.#cluster.list<PodObject>(`${folder}${query}`)
      const items = pods.items.flatMap((pod) => {
        const usage = pod.status.phase === "Running" ? this.#usage(pod) : undefined
        if (usage === undefined || (name !== undefined && pod.metadata?.name !== name)) return []
        const { name: podName, namespace: podNamespace, labels } = pod.metadata ?? {}
        const share = (total: number, at: number) =>
          Math.floor(total / pod.spec.containers.length) + (at === 0 ? total % pod.spec.containers.length : 0)
        return [
          {
            metadata: { name: podName, namespace: podNamespace, labels, creationTimestamp: timestamp },
            timestamp,
            window: "15s",
            containers: pod.spec.containers.map((container, at) => ({
              name: container.name,
              usage: { cpu: `${share(usage.cpuMillis, at)}m`, memory: String(share(usage.memoryBytes, at)) }
            }))
          }
        ]
      })
      if (name === undefined) {
        return this.#send(response, 200, { kind: "PodMetricsList", apiVersion: groupVersion, metadata: {}, items })
      }
      return items[0] === undefined
        ? this.#send(response, 404, {
            kind: "Status",
            apiVersion: "v1",
            status: "Failure",
            reason: "NotFound",
            code: 404
          })
        : this.#send(response, 200, { kind: "PodMetrics", apiVersion: groupVersion, ...items[0] })
    }
    const name = `${rest[1] ?? ""}/${rest[2] ?? ""}`
    this.#reads.set(name, (this.#reads.get(name) ?? 0) + 1)
    const series = this.#external.get(name)
    if (series === undefined) {
      return this.#send(response, 404, {
        kind: "Status",
        apiVersion: "v1",
        status: "Failure",
        reason: "NotFound",
        code: 404,
        message: `the test set no external metric ${rest[2] ?? ""} in namespace ${rest[1] ?? ""}`
      })
    }
    return this.#send(response, 200, {
      kind: "ExternalMetricValueList",
      apiVersion: groupVersion,
      metadata: {},
      items: series
        .filter((each) => selects(selector, each.labels ?? {}))
        .map((each) => ({ metricName: rest[2], metricLabels: each.labels ?? {}, timestamp, value: each.value }))
    })
  }
}
