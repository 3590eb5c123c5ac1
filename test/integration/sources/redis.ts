// A real Redis for the contract suite, with a user of its own who may read one key and nothing else.
import { RedisServer } from "#test/controlplane/RedisServer"
import { type SourceFixture, wireCells } from "./Fixture.ts"

const PASSWORD = "a-password-that-nobody-tells"

const counts = "lengths are whole numbers, and Redis counts them itself"

export const fixture: SourceFixture = {
  needs: ["redis-server"],
  start: async (wire) => {
    const server = await RedisServer.start()
    const { client, port } = server.first
    wire.connectTo(port)
    const user = (name: string, ...rules: ReadonlyArray<string>) =>
      client.call("ACL", "SETUSER", name, "on", `>${PASSWORD}`, ...rules)
    await user("reader", "~jobs", "~text", "~nothing", "+type", "+llen")
    await user("blind", "~other", "+type", "+llen")
    await client.call("RPUSH", "jobs", ...Array.from({ length: 42 }, (_, at) => at))
    await client.call("SET", "text", "42")
    await client.call("CONFIG", "SET", "replica-serve-stale-data", "no")
    return {
      options: {
        host: "127.0.0.1",
        port: wire.port,
        queueName: "jobs",
        username: "reader",
        passwordSecret: { name: "redis", key: "password" }
      },
      healthy: 42,
      secrets: { redis: { password: PASSWORD } },
      cells: {
        ...wireCells(wire),
        401: { gives: "Unauthorized", remedy: /Give a valid user and password/u, options: { username: "nobody" } },
        403: { gives: "Forbidden", remedy: /Allow its user/u, options: { username: "blind" } },
        404: { empty: "a key that is not there is an empty answer, and there are no other places" },
        429: {
          // It says so before it is asked anything, and hangs up: now and then only the end is heard.
          gives: ["Throttled", "Unreachable"],
          remedy: /maxclients|Check the address/u,
          inject: async () => {
            await client.call("CONFIG", "SET", "maxclients", 1)
            await client.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            return () => client.call("CONFIG", "SET", "maxclients", 1000)
          }
        },
        500: {
          gives: "Unreachable",
          remedy: /has lost its primary.*look at the server's own log/u,
          inject: async () => {
            await client.call("REPLICAOF", "127.0.0.1", 1)
            return async () => {
              await client.call("REPLICAOF", "NO", "ONE")
            }
          }
        },
        wrongType: { gives: "BadOptions", remedy: /Name a list/u, options: { queueName: "text" } },
        NaN: { empty: counts },
        Inf: { empty: counts },
        empty: { gives: "Empty", remedy: /set onEmpty: Zero/u, options: { queueName: "nothing" } },
        negative: { empty: counts },
        overflow: { empty: counts },
        stale: { empty: "Redis answers as of now, and says nothing of when" }
      },
      stop: () => server.stop()
    }
  }
}
