// A real Prometheus that scrapes the exporters of a test every second.
import { writeFile } from "node:fs/promises"
import { findProgram, remedyFor } from "./Binaries.ts"
import { eventually } from "./eventually.ts"
import { freePort, ProcessGroup, type ServerProcess } from "./Processes.ts"

export interface PrometheusOptions {
  /** host:port of each exporter. */
  readonly targets: ReadonlyArray<string>
  /** An address that lists targets with labels, asked every second, as Prometheus' http_sd_configs have it. */
  readonly discoveryUrl?: string
  /** Default: 1000. */
  readonly scrapeIntervalMillis?: number
  readonly program?: string
}

export interface InstantSeries {
  readonly metric: Readonly<Record<string, string>>
  /** Seconds and the value as text. */
  readonly value: readonly [number, string]
}

export class PrometheusServer {
  readonly port: number
  readonly url: string
  readonly #group: ProcessGroup
  readonly #start: () => ServerProcess
  #process: ServerProcess

  private constructor(port: number, group: ProcessGroup, start: () => ServerProcess) {
    this.port = port
    this.url = `http://127.0.0.1:${port}`
    this.#group = group
    this.#start = start
    this.#process = start()
  }

  static async start(options: PrometheusOptions): Promise<PrometheusServer> {
    const { targets, discoveryUrl, scrapeIntervalMillis = 1000, program = findProgram("prometheus") } = options
    if (program === undefined) throw new Error(remedyFor("prometheus"))
    const group = await ProcessGroup.open("prometheus")
    try {
      const port = await freePort()
      const interval = `${scrapeIntervalMillis}ms`
      // JSON is YAML. The exporter's own namespace, pod and service labels win over the scrape's.
      const config = {
        global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval },
        scrape_configs: [
          { job_name: "exporter", honor_labels: true, static_configs: [{ targets }] },
          ...(discoveryUrl === undefined
            ? []
            : [{ job_name: "discovered", http_sd_configs: [{ url: discoveryUrl, refresh_interval: "1s" }] }])
        ]
      }
      await writeFile(group.path("prometheus.json"), JSON.stringify(config))
      const server = new PrometheusServer(port, group, () =>
        group.start({
          name: "prometheus",
          program,
          args: [
            `--config.file=${group.path("prometheus.json")}`,
            `--storage.tsdb.path=${group.path("data")}`,
            `--web.listen-address=127.0.0.1:${port}`,
            "--web.enable-remote-write-receiver",
            "--log.level=warn"
          ]
        })
      )
      await server.#ready()
      return server
    } catch (error) {
      await group.close()
      throw error
    }
  }

  async #ready(): Promise<void> {
    const server = this.#process
    await eventually(async () => (await fetch(`${this.url}/-/ready`)).ok, {
      what: "Prometheus to be ready",
      intervalMillis: 50,
      assertHope: () => server.assertRunning()
    })
  }

  /** An instant query's vector; a refused query throws with Prometheus' own sentence. */
  async query(expression: string): Promise<ReadonlyArray<InstantSeries>> {
    const answer = await fetch(`${this.url}/api/v1/query?query=${encodeURIComponent(expression)}`)
    const body = (await answer.json()) as {
      readonly status: string
      readonly error?: string
      readonly data?: { readonly result: ReadonlyArray<InstantSeries> }
    }
    if (body.status !== "success") throw new Error(`Prometheus refused ${expression}: ${body.error ?? answer.status}`)
    return body.data?.result ?? []
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await this.#process.kill()
  }

  /** On the same port with the same data. */
  async restart(): Promise<void> {
    await this.#process.kill()
    this.#process = this.#start()
    await this.#ready()
  }

  /** Accepts connections and answers nothing, until `thaw`. */
  freeze(): Promise<void> {
    return this.#process.freeze()
  }

  thaw(): void {
    this.#process.thaw()
  }

  async stop(): Promise<void> {
    await this.#group.close()
  }
}
