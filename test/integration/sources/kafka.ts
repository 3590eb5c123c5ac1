// A real Kafka for the contract suite, which every client reaches by the wire proxy: that is what it advertises. The
// users and passwords are those of its other door, asked where Kafka's own refusals are the cell.
import { KafkaServer } from "#test/controlplane/KafkaServer"
import { type SourceFixture, wireCells } from "./Fixture.ts"

const BELOW = "an offset is an integer on the wire"

export const fixture: SourceFixture = {
  needs: ["kafka"],
  start: async (wire) => {
    const server = await KafkaServer.start({
      advertisedPort: wire.port,
      users: { alice: "the-password-of-alice", mallory: "the-password-of-mallory" },
      superUsers: ["alice"]
    })
    const { driver, first } = server
    wire.connectTo(first.proxiedPort)
    await server.topic("jobs", [30, 20])
    await driver.do("commit", "workers", "jobs", 0, 8)
    await driver.do("commit", "workers", "jobs", 1, 0)
    await driver.do("commit", "ahead", "jobs", 0, 31)
    const secured = (user: string, key: string) => ({
      bootstrapServers: [first.secure],
      username: user,
      passwordSecret: { name: "kafka", key },
      tls: true,
      caSecret: { name: "kafka", key: "ca" }
    })
    return {
      options: { bootstrapServers: [wire.address], consumerGroup: "workers", topic: "jobs" },
      healthy: 42,
      secrets: {
        kafka: {
          alice: "the-password-of-alice",
          mallory: "the-password-of-mallory",
          ca: await server.authority.pem()
        }
      },
      cells: {
        ...wireCells(wire),
        401: {
          gives: "Unauthorized",
          remedy: /Correct username, passwordSecret or saslMechanism/u,
          options: secured("alice", "mallory")
        },
        403: { gives: "Forbidden", remedy: /Allow Describe/u, options: secured("mallory", "mallory") },
        404: { gives: "NotFound", remedy: /Correct the topic/u, options: { topic: "nothing" } },
        429: { empty: "a broker over its quota answers later, and says so only with the answer" },
        500: {
          gives: ["Unreachable", "Timeout"],
          remedy: /Check /u,
          inject: async () => {
            await first.kill()
            return () => first.restart()
          }
        },
        wrongType: { gives: "Malformed", remedy: /tls: true/u, options: { bootstrapServers: [first.secure] } },
        NaN: { empty: BELOW },
        Inf: { empty: BELOW },
        empty: { gives: "NoConsumer", remedy: /Correct consumerGroup/u, options: { consumerGroup: "nobody" } },
        negative: { gives: "Negative", remedy: /Reset the group's offsets/u, options: { consumerGroup: "ahead" } },
        overflow: { empty: "no log is that long: lag.test.ts has the arithmetic" },
        stale: { empty: "an answer is of now: it is asked of the partition's leader, by its epoch" }
      },
      stop: () => server.stop()
    }
  }
}
