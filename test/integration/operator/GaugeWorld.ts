// The world of tests about failures: a namespace, and gauges in a real Prometheus that say how many replicas a
// Deployment of the same name is to have. Operators of different homes must not share a namespace: they would fight.
import type { Cluster } from "#test/controlplane/Cluster"
import { eventually } from "#test/controlplane/eventually"
import { Exporter } from "#test/controlplane/Exporter"
import { PrometheusServer } from "#test/controlplane/PrometheusServer"
import { follow, type Followed, gaugePolicy } from "./policies.ts"

const gaugeOf = (name: string): string => `load_${name.replaceAll("-", "_")}`

export class GaugeWorld {
  readonly cluster: Cluster
  readonly namespace: string
  readonly prometheus: PrometheusServer
  readonly #exporter: Exporter

  private constructor(cluster: Cluster, namespace: string, exporter: Exporter, prometheus: PrometheusServer) {
    this.cluster = cluster
    this.namespace = namespace
    this.prometheus = prometheus
    this.#exporter = exporter
  }

  static async start(cluster: Cluster, prefix: string): Promise<GaugeWorld> {
    const exporter = await Exporter.start()
    try {
      const prometheus = await PrometheusServer.start({ targets: [exporter.target] })
      return new GaugeWorld(cluster, await cluster.newNamespace(prefix), exporter, prometheus)
    } catch (error) {
      await exporter.close()
      throw error
    }
  }

  /** Another namespace with the same Prometheus. */
  async beside(prefix: string): Promise<GaugeWorld> {
    return new GaugeWorld(this.cluster, await this.cluster.newNamespace(prefix), this.#exporter, this.prometheus)
  }

  /** Of the first: namespaces beside it go with the control plane. */
  async close(): Promise<void> {
    await this.prometheus.stop()
    await this.#exporter.close()
    await this.cluster.deleteNamespace(this.namespace)
  }

  /** Comes back when Prometheus answers so. */
  async setLoad(name: string, value: number): Promise<void> {
    this.#exporter.set(gaugeOf(name), value)
    await eventually(async () => (await this.prometheus.query(gaugeOf(name)))[0]?.value[1] === String(value), {
      what: `Prometheus to know that ${gaugeOf(name)} is ${value}`
    })
  }

  policyOf(name: string, spec: Readonly<Record<string, unknown>> = {}) {
    return gaugePolicy({ name, serverUrl: this.prometheus.url, query: gaugeOf(name), spec })
  }

  /** A Deployment of so many replicas that its load asks for, and its policy in force; its pods may still be coming. */
  async served(name: string, replicas: number, spec: Readonly<Record<string, unknown>> = {}): Promise<Followed> {
    await this.setLoad(name, replicas * 10)
    await this.cluster.createDeployment(this.namespace, name, replicas)
    const policy = await follow(this.cluster, this.namespace, this.policyOf(name, spec))
    await policy.until("to be settled", (status) => status.phase === "Active" && status.targetReplicas === replicas)
    return policy
  }

  /** The same with its pods Ready. */
  async settled(name: string, replicas: number, spec: Readonly<Record<string, unknown>> = {}): Promise<Followed> {
    const policy = await this.served(name, replicas, spec)
    await this.cluster.deploymentReady(this.namespace, name, replicas)
    return policy
  }
}
