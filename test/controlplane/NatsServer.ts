// A real nats-server with JetStream and its monitoring port, alone or as a cluster whose members can be killed.
import { writeFile } from "node:fs/promises"
import { findProgram, remedyFor } from "./Binaries.ts"
import { eventually } from "./eventually.ts"
import { NatsConnection } from "./NatsConnection.ts"
import { freePort, type Launch, ProcessGroup, type ServerProcess } from "./Processes.ts"

export interface NatsOptions {
  readonly program?: string
  /** Default: 1. Three or more form a cluster and elect leaders. */
  readonly members?: number
}

export class NatsMember {
  readonly name: string
  readonly port: number
  readonly monitoringUrl: string
  readonly #start: () => ServerProcess
  #process: ServerProcess

  constructor(name: string, port: number, monitoringPort: number, start: () => ServerProcess) {
    this.name = name
    this.port = port
    this.monitoringUrl = `http://127.0.0.1:${monitoringPort}`
    this.#start = start
    this.#process = start()
  }

  /** Any monitoring page as JSON: `monitoring("/jsz?consumers=true&config=true")`. */
  async monitoring<A = unknown>(path: string): Promise<A> {
    const answer = await fetch(`${this.monitoringUrl}${path}`)
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}`)
    return (await answer.json()) as A
  }

  connect(): Promise<NatsConnection> {
    return NatsConnection.open(this.port)
  }

  /** Waits until the member is healthy by its own account (in a cluster: with a leader). */
  async ready(): Promise<void> {
    const server = this.#process
    await eventually(
      async (seen) => {
        const answer = await fetch(`${this.monitoringUrl}/healthz`)
        seen(await answer.text())
        return answer.ok
      },
      { what: `${this.name} to be healthy`, intervalMillis: 50, assertHope: () => server.assertRunning() }
    )
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await this.#process.kill()
  }

  /** On the same ports with the same data. */
  async restart(): Promise<void> {
    await this.#process.kill()
    this.#process = this.#start()
    await this.ready()
  }

  freeze(): void {
    this.#process.signal("SIGSTOP")
  }

  thaw(): void {
    this.#process.signal("SIGCONT")
  }
}

export class NatsServer {
  readonly members: ReadonlyArray<NatsMember>
  readonly #group: ProcessGroup

  private constructor(members: ReadonlyArray<NatsMember>, group: ProcessGroup) {
    this.members = members
    this.#group = group
  }

  static async start(options: NatsOptions = {}): Promise<NatsServer> {
    const { program = findProgram("nats-server"), members: count = 1 } = options
    if (program === undefined) throw new Error(remedyFor("nats-server"))
    const group = await ProcessGroup.open("nats")
    try {
      const ports: Array<{ readonly client: number; readonly monitoring: number; readonly route: number }> = []
      for (let at = 0; at < count; at += 1) {
        ports.push({ client: await freePort(), monitoring: await freePort(), route: await freePort() })
      }
      const routes = ports.map(({ route }) => `nats://127.0.0.1:${route}`)
      const launches: Array<Launch> = []
      for (const [at, { client, monitoring, route }] of ports.entries()) {
        const name = `nats-${at}`
        const config = {
          server_name: name,
          host: "127.0.0.1",
          port: client,
          http: `127.0.0.1:${monitoring}`,
          jetstream: { store_dir: group.path(name), max_mem: 67_108_864, max_file: 1_073_741_824 },
          ...(count === 1 ? {} : { cluster: { name: "test", listen: `127.0.0.1:${route}`, routes } })
        }
        await writeFile(group.path(`${name}.json`), JSON.stringify(config))
        launches.push({ name, program, args: ["--config", group.path(`${name}.json`)] })
      }
      const members = launches.map(
        (launch, at) =>
          new NatsMember(launch.name, ports[at]?.client ?? 0, ports[at]?.monitoring ?? 0, () => group.start(launch))
      )
      await Promise.all(members.map((member) => member.ready()))
      return new NatsServer(members, group)
    } catch (error) {
      await group.close()
      throw error
    }
  }

  /** The first member: all there is, when there is one. */
  get first(): NatsMember {
    const [member] = this.members
    if (member === undefined) throw new Error("a NatsServer has at least one member")
    return member
  }

  async stop(): Promise<void> {
    await this.#group.close()
  }
}
