import { assert, describe, it } from "@effect/vitest"
import { type Commits, kafkaOffsets, pageAt, queuesOf, redisReply } from "#cluster/world/queueServers"
import { Service } from "#cluster/world/Service"
import type { QueueSpec, WorkloadSpec } from "#cluster/world/WorkloadSpec"
import type { Command } from "#services/resp"

/** Ten messages a second for a hundred seconds, and one worker who does five. */
const served = (queue: QueueSpec, more: Partial<WorkloadSpec> = {}, readyPods = 1) => {
  const service = new Service({ name: "worker", queue, traffic: { pattern: "steady:noise=0", rate: 10 }, ...more }, 1)
  service.readyPods = readyPods
  for (let second = 0; second < 100; second++) service.step(second)
  return service
}

const nats = (consumer: string, subject: string) =>
  ({ system: "nats", server: "nats", stream: "ORDERS", consumer, subject }) as const

describe("the queues of the world", () => {
  it("answer Redis' commands by the type of their key", () => {
    const redis = (type: "list" | "set" | "zset" | "hash" | "stream", key: string) =>
      served({ system: "redis", server: "redis", key, type, db: 2 })
    const types = ["list", "set", "zset", "hash", "stream"] as const
    const queues = queuesOf(
      types.map((type) => redis(type, `my-${type}`)),
      "redis"
    )
    const reply = (...command: Command) => redisReply(queues, 2, command)
    const length = (queues[0]?.service.waiting ?? 0) + 1
    for (const [type, command] of [
      ["list", "LLEN"],
      ["set", "SCARD"],
      ["zset", "ZCARD"],
      ["hash", "HLEN"],
      ["stream", "XLEN"]
    ] as const) {
      assert.deepStrictEqual([reply("TYPE", `my-${type}`), reply(command, `my-${type}`)], [type, length])
    }
    const [group] = reply("XINFO", "GROUPS", "my-stream") as ReadonlyArray<ReadonlyArray<unknown>>
    assert.deepStrictEqual([group?.[1], group?.[5], group?.[11]], ["workers", 1, length - 1])
    assert.deepStrictEqual(
      [reply("TYPE", "none"), reply("LLEN", "none"), redisReply(queues, 0, ["TYPE", "my-list"])],
      ["none", 0, "none"]
    )
    assert.match(JSON.stringify(reply("LLEN", "my-set")), /WRONGTYPE/u)
    assert.match(JSON.stringify(reply("XINFO", "GROUPS", "none")), /no such key/u)
    assert.match(JSON.stringify(reply("FLUSHALL", "x")), /ERR unknown command 'FLUSHALL'/u)
  })

  it("take a Redis list away with its last item, and never a stream", () => {
    const idle = (type: "list" | "stream") =>
      queuesOf(
        [served({ system: "redis", server: "redis", key: "k", type }, { traffic: { pattern: "steady", rate: 0 } })],
        "redis"
      )
    assert.deepStrictEqual(
      [redisReply(idle("list"), 0, ["TYPE", "k"]), redisReply(idle("stream"), 0, ["TYPE", "k"])],
      ["none", "stream"]
    )
  })

  it("lie evenly over Kafka's partitions, whose commits stand still when nobody reads", () => {
    const service = served({ system: "kafka", server: "kafka", topic: "jobs", group: "g", partitions: 3 })
    const [queue] = queuesOf([service], "kafka")
    if (queue === undefined) throw new Error("no queue")
    const commits: Commits = new Map()
    const first = kafkaOffsets(queue, commits, 1000)
    const sum = (name: "latest" | "committed") => first.reduce((total, one) => total + Number(one[name]), 0)
    assert.deepStrictEqual([sum("latest"), sum("committed")], [service.published, Math.floor(service.processed)])
    assert.isTrue(first.every(({ committed, latest }) => (committed ?? 0n) <= latest))
    service.readyPods = 0
    service.step(100)
    assert.deepStrictEqual(
      kafkaOffsets(queue, commits, 2000).map(({ standsSince }) => standsSince),
      [1000, 1000, 1000]
    )
    service.readyPods = 1
    service.step(101)
    assert.deepStrictEqual(
      kafkaOffsets(queue, commits, 3000).map(({ standsSince }) => standsSince),
      [3000, 3000, 3000]
    )
  })

  it("are told by pages of JSON, several numbers on one page", () => {
    const url = "http://checkout.default.svc.cluster.local:8080/stats"
    const pages = [
      { url, at: ["carts", "open"], tells: "waiting" },
      { url, at: ["carts", "pods"], tells: "readyPods" }
    ] as const
    const service = served(nats("a", "orders.a"), { pages })
    const page = pageAt([service], new URL("http://checkout:8080/stats"))
    assert.deepStrictEqual(page, { carts: { open: service.waiting, pods: 1 } })
    assert.strictEqual(pageAt([service], new URL("http://checkout:8080/other")), undefined)
    assert.strictEqual(pageAt([service], new URL("http://checkout.shop:8080/stats")), undefined)
  })
})
