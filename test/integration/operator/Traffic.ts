// A service under load, as Prometheus sees one in a cluster: every Ready pod of a real Deployment is a scrape target of
// its own, found by service discovery, and counts its share of the requests. So the load per pod falls because pods
// were really added, and `up` counts the pods that are really there.
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import type { Cluster } from "#test/controlplane/Cluster"

interface PodObject {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string }
  readonly status: {
    readonly conditions?: ReadonlyArray<{ readonly type: string; readonly status: string }>
  }
}

export interface TrafficOptions {
  readonly cluster: Cluster
  readonly namespace: string
  /** The value of the label `app` of the pods, and of their series. */
  readonly app: string
}

export class Traffic {
  readonly discoveryUrl: string
  readonly #address: string
  readonly #server: Server
  readonly #options: TrafficOptions
  readonly #counters = new Map<string, number>()
  #serving: ReadonlyArray<string> = []
  #perSecond = 0
  #countedAt = performance.now()

  private constructor(server: Server, options: TrafficOptions) {
    this.#server = server
    this.#options = options
    this.#address = `127.0.0.1:${(server.address() as AddressInfo).port}`
    this.discoveryUrl = `http://${this.#address}/targets`
    server.on("request", (request, response) => {
      this.#answer(request.url ?? "/").then(
        ({ type, text }) => response.writeHead(200, { "content-type": type }).end(text),
        (error: unknown) => response.writeHead(500).end(String(error))
      )
    })
  }

  static async start(options: TrafficOptions): Promise<Traffic> {
    const server = createServer()
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject)
      server.listen(0, "127.0.0.1", resolve)
    })
    return new Traffic(server, options)
  }

  /** Requests per second of the service as a whole, from now on. */
  setRate(perSecond: number): void {
    this.#count()
    this.#perSecond = perSecond
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }

  /** Brings the counters of the pods that serve up to now. */
  #count(): void {
    const now = performance.now()
    const requests = (this.#perSecond * (now - this.#countedAt)) / 1000
    this.#countedAt = now
    for (const pod of this.#serving) {
      this.#counters.set(pod, (this.#counters.get(pod) ?? 0) + requests / this.#serving.length)
    }
  }

  async #answer(path: string): Promise<{ readonly type: string; readonly text: string }> {
    const { app, cluster, namespace } = this.#options
    if (path !== "/targets") {
      this.#count()
      const count = this.#counters.get(path.slice("/pods/".length)) ?? 0
      return { type: "text/plain; version=0.0.4", text: `http_requests_total ${count}\n` }
    }
    const selector = encodeURIComponent(`app=${app}`)
    const { items } = await cluster.list<PodObject>(`/api/v1/namespaces/${namespace}/pods?labelSelector=${selector}`)
    const ready = items.filter(
      ({ metadata, status }) =>
        metadata.deletionTimestamp === undefined &&
        status.conditions?.some((each) => each.type === "Ready" && each.status === "True") === true
    )
    this.#count()
    this.#serving = ready.map(({ metadata }) => metadata.name)
    const groups = this.#serving.map((pod) => ({
      targets: [this.#address],
      labels: { __metrics_path__: `/pods/${pod}`, app, pod, instance: pod }
    }))
    return { type: "application/json", text: JSON.stringify(groups) }
  }
}
