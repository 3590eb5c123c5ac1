// A real Kafka in KRaft mode, one broker or several that can be killed, each with three doors: a plain one for the test
// itself, a plain one that is advertised under another port (a proxy's), and one with TLS and SASL.
import { execFile } from "node:child_process"
import { readFile, writeFile } from "node:fs/promises"
import { promisify } from "node:util"
import { findProgram, remedyFor } from "./Binaries.ts"
import { CertificateAuthority } from "./Certificates.ts"
import { eventually } from "./eventually.ts"
import { KafkaDriver } from "./KafkaDriver.ts"
import { freePort, ProcessGroup, type ServerProcess } from "./Processes.ts"

export interface KafkaOptions {
  readonly program?: string
  /** Default: 1. The first is the cluster's controller too. */
  readonly brokers?: number
  /** The port under which the only broker advertises its second plain door. */
  readonly advertisedPort?: number
  /** Users of SASL PLAIN with their passwords; those of SCRAM are made later, by the driver's `user`. */
  readonly users?: Readonly<Record<string, string>>
  /** Users that may do everything; others need an `allow`. Without a name, on the plain doors, everybody may. */
  readonly superUsers?: ReadonlyArray<string>
}

const clusterId = "5L6g3nShT-eMCtK--X86sw"

interface Ports {
  readonly direct: number
  readonly proxied: number
  readonly secure: number
}

export class KafkaBroker {
  readonly id: number
  /** host:port of its plain door, of the one that is advertised elsewhere, and of the one with TLS and SASL. */
  readonly direct: string
  readonly proxiedPort: number
  readonly secure: string
  readonly #start: () => ServerProcess
  #process: ServerProcess

  constructor(id: number, ports: Ports, start: () => ServerProcess) {
    this.id = id
    this.direct = `127.0.0.1:${ports.direct}`
    this.proxiedPort = ports.proxied
    this.secure = `localhost:${ports.secure}`
    this.#start = start
    this.#process = start()
  }

  assertRunning(): void {
    this.#process.assertRunning()
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await this.#process.kill()
  }

  /** On the same ports with the same data. */
  async restart(): Promise<void> {
    await this.#process.kill()
    this.#process = this.#start()
  }
}

export class KafkaServer {
  readonly brokers: ReadonlyArray<KafkaBroker>
  readonly driver: KafkaDriver
  /** Whom to trust behind the door with TLS. */
  readonly authority: CertificateAuthority
  readonly #group: ProcessGroup

  private constructor(
    brokers: ReadonlyArray<KafkaBroker>,
    driver: KafkaDriver,
    authority: CertificateAuthority,
    group: ProcessGroup
  ) {
    this.brokers = brokers
    this.driver = driver
    this.authority = authority
    this.#group = group
  }

  static async start(options: KafkaOptions = {}): Promise<KafkaServer> {
    const { program = findProgram("kafka"), brokers: count = 1, users = {}, superUsers = [] } = options
    if (program === undefined) throw new Error(remedyFor("kafka"))
    const group = await ProcessGroup.open("kafka")
    try {
      const authority = await CertificateAuthority.create(group.folder)
      const { certificatePath, keyPath } = await authority.issue({ name: "broker" })
      const pem = group.path("broker.pem")
      await writeFile(pem, `${await readFile(keyPath, "utf8")}${await readFile(certificatePath, "utf8")}`)
      const controllerPort = await freePort()
      const brokers: Array<KafkaBroker> = []
      for (let id = 1; id <= count; id += 1) {
        const ports = { direct: await freePort(), proxied: await freePort(), secure: await freePort() }
        const isController = id === 1
        const doors = {
          DIRECT: `127.0.0.1:${ports.direct}`,
          PROXIED: `127.0.0.1:${ports.proxied}`,
          SECURE: `localhost:${ports.secure}`
        }
        const advertised = { ...doors, PROXIED: `127.0.0.1:${options.advertisedPort ?? ports.proxied}` }
        const listed = (all: object) =>
          Object.entries(all)
            .map(([name, address]) => `${name}://${address}`)
            .join(",")
        const plainUsers = Object.entries(users).map(([user, password]) => `user_${user}="${password}"`)
        const replicas = Math.min(count, 2)
        const settings = {
          "process.roles": isController ? "broker,controller" : "broker",
          "node.id": id,
          "controller.quorum.voters": `1@127.0.0.1:${controllerPort}`,
          "controller.listener.names": "CONTROLLER",
          listeners: listed(isController ? { ...doors, CONTROLLER: `127.0.0.1:${controllerPort}` } : doors),
          "advertised.listeners": listed(advertised),
          "listener.security.protocol.map": "DIRECT:PLAINTEXT,PROXIED:PLAINTEXT,SECURE:SASL_SSL,CONTROLLER:PLAINTEXT",
          "inter.broker.listener.name": "DIRECT",
          "log.dirs": group.path(`data-${id}`),
          "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
          "listener.name.secure.plain.sasl.jaas.config": `org.apache.kafka.common.security.plain.PlainLoginModule required ${plainUsers.join(" ")};`,
          "listener.name.secure.scram-sha-256.sasl.jaas.config":
            "org.apache.kafka.common.security.scram.ScramLoginModule required;",
          "listener.name.secure.scram-sha-512.sasl.jaas.config":
            "org.apache.kafka.common.security.scram.ScramLoginModule required;",
          "ssl.keystore.type": "PEM",
          "ssl.keystore.location": pem,
          "ssl.truststore.type": "PEM",
          "ssl.truststore.location": authority.certificatePath,
          "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
          "super.users": ["ANONYMOUS", ...superUsers].map((user) => `User:${user}`).join(";"),
          "auto.create.topics.enable": false,
          "offsets.topic.num.partitions": 4,
          "offsets.topic.replication.factor": replicas,
          "transaction.state.log.replication.factor": replicas,
          "transaction.state.log.min.isr": 1,
          "share.coordinator.state.topic.replication.factor": replicas,
          "group.initial.rebalance.delay.ms": 0,
          // A dead broker is missed after three seconds instead of nine.
          "broker.session.timeout.ms": 3000,
          "broker.heartbeat.interval.ms": 500,
          "controlled.shutdown.enable": false,
          "num.network.threads": 1,
          "num.io.threads": 2,
          "log.cleaner.enable": false
        }
        const path = group.path(`broker-${id}.properties`)
        await writeFile(
          path,
          Object.entries(settings)
            .map(([name, value]) => `${name}=${value}\n`)
            .join("")
        )
        await promisify(execFile)(program, ["kafka.tools.StorageTool", "format", "-t", clusterId, "-c", path])
        const name = `kafka-${id}`
        brokers.push(new KafkaBroker(id, ports, () => group.start({ name, program, args: ["kafka.Kafka", path] })))
      }
      const [first] = brokers
      if (first === undefined) throw new Error("a KafkaServer has at least one broker")
      const driver = KafkaDriver.start(program, brokers.map(({ direct }) => direct).join(","))
      const server = new KafkaServer(brokers, driver, authority, group)
      try {
        await eventually(
          async (seen) => {
            const answer = await driver.do("brokers")
            seen(answer)
            return Number(answer) === count
          },
          {
            what: `${count} brokers to be there`,
            intervalMillis: 100,
            assertHope: () => brokers.forEach((broker) => broker.assertRunning())
          }
        )
      } catch (error) {
        await driver.stop()
        throw error
      }
      return server
    } catch (error) {
      await group.close()
      throw error
    }
  }

  /** The first broker: all there is, when there is one. */
  get first(): KafkaBroker {
    const [broker] = this.brokers
    if (broker === undefined) throw new Error("a KafkaServer has at least one broker")
    return broker
  }

  /** A topic with a message count per partition. */
  async topic(name: string, counts: ReadonlyArray<number>, replicas = 1): Promise<void> {
    await this.driver.do("create", name, counts.length, replicas)
    for (const [partition, count] of counts.entries()) {
      if (count > 0) await this.driver.do("produce", name, partition, count)
    }
  }

  async stop(): Promise<void> {
    await this.driver.stop()
    await this.#group.close()
  }
}
