// A real nats-server with JetStream and its monitoring port, alone or as a cluster whose members can be killed.
import { writeFile } from "node:fs/promises"
import { get as httpGet, type IncomingMessage } from "node:http"
import { get as httpsGet } from "node:https"
import { text } from "node:stream/consumers"
import { findProgram, remedyFor } from "./Binaries.ts"
import { eventually } from "./eventually.ts"
import { NatsConnection } from "./NatsConnection.ts"
import { freePort, type Launch, ProcessGroup, type ServerProcess } from "./Processes.ts"

export interface NatsOptions {
  readonly program?: string
  /** Default: 1. Three or more form a cluster and elect leaders. */
  readonly members?: number
  /** Monitoring over HTTPS alone, with this certificate; clients are let in with and without TLS. */
  readonly tls?: { readonly certificatePath: string; readonly keyPath: string }
  /** Accounts with JetStream; each has a user of the account's name, and its password is that name too. */
  readonly accounts?: ReadonlyArray<string>
}

/** Whatever the certificate: whether it is believed is the product's question, not the harness's. */
const healthOf = async (monitoringUrl: string): Promise<readonly [number, string]> => {
  const url = new URL("/healthz", monitoringUrl)
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const asked =
      url.protocol === "https:" ? httpsGet(url, { rejectUnauthorized: false }, resolve) : httpGet(url, resolve)
    asked.once("error", reject)
  })
  return [answer.statusCode ?? 0, await text(answer)]
}

export class NatsMember {
  readonly name: string
  readonly port: number
  readonly monitoringUrl: string
  readonly #start: () => ServerProcess
  #process: ServerProcess

  constructor(name: string, port: number, monitoringUrl: string, start: () => ServerProcess) {
    this.name = name
    this.port = port
    this.monitoringUrl = monitoringUrl
    this.#start = start
    this.#process = start()
  }

  /** Any monitoring page as JSON: `monitoring("/jsz?consumers=true&config=true")`. */
  async monitoring<A = unknown>(path: string): Promise<A> {
    const answer = await fetch(`${this.monitoringUrl}${path}`)
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}`)
    return (await answer.json()) as A
  }

  /** As a user of this account; absent: of the global one. */
  connect(account?: string): Promise<NatsConnection> {
    return NatsConnection.open(this.port, account === undefined ? {} : { user: account, pass: account })
  }

  /** Waits until the member is healthy by its own account (in a cluster: with a leader). */
  async ready(): Promise<void> {
    const server = this.#process
    await eventually(
      async (seen) => {
        const [status, said] = await healthOf(this.monitoringUrl)
        seen(said)
        return status === 200
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
}

const accountConfig = (name: string) =>
  [name, { jetstream: "enabled", users: [{ user: name, password: name }] }] as const

export class NatsServer {
  readonly members: ReadonlyArray<NatsMember>
  readonly #group: ProcessGroup

  private constructor(members: ReadonlyArray<NatsMember>, group: ProcessGroup) {
    this.members = members
    this.#group = group
  }

  static async start(options: NatsOptions = {}): Promise<NatsServer> {
    const { accounts, program = findProgram("nats-server"), members: count = 1, tls } = options
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
          ...(tls === undefined
            ? { http: `127.0.0.1:${monitoring}` }
            : {
                https: `127.0.0.1:${monitoring}`,
                tls: { cert_file: tls.certificatePath, key_file: tls.keyPath },
                allow_non_tls: true
              }),
          ...(accounts === undefined ? {} : { accounts: Object.fromEntries(accounts.map(accountConfig)) }),
          jetstream: { store_dir: group.path(name), max_mem: 67_108_864, max_file: 1_073_741_824 },
          ...(count === 1 ? {} : { cluster: { name: "test", listen: `127.0.0.1:${route}`, routes } })
        }
        await writeFile(group.path(`${name}.json`), JSON.stringify(config))
        launches.push({ name, program, args: ["--config", group.path(`${name}.json`)] })
      }
      const members = launches.map(
        (launch, at) =>
          new NatsMember(
            launch.name,
            ports[at]?.client ?? 0,
            `${tls === undefined ? "http" : "https"}://127.0.0.1:${ports[at]?.monitoring ?? 0}`,
            () => group.start(launch)
          )
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
