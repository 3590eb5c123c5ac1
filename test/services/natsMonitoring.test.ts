import { assert, describe, it } from "vitest"
import { Schema } from "effect"
import { Jsz, serverOf } from "#services/natsMonitoring"
import { consumer, jsz, stream } from "#test/sources/answers"

const decode = Schema.decodeUnknownSync(Jsz)

describe("what a server knows", () => {
  it("is its streams and consumers, by account", () => {
    const page = decode(
      jsz([
        stream({
          name: "ORDERS",
          subjects: ["orders.>"],
          retention: "workqueue",
          messages: 9,
          leader: "n1",
          replicas: ["n0", "n2"],
          consumers: [
            consumer({ name: "a", filter: "orders.new", pending: 3, ackPending: 1, leader: "n2" }),
            consumer({ name: "b", durable: false, filters: ["orders.x", "orders.y"] })
          ]
        })
      ])
    )
    const server = serverOf(page, [page])
    assert.isFalse(server.clustered)
    assert.deepStrictEqual(server.mentioned, ["n1", "n0", "n2"])
    assert.deepStrictEqual(server.streams, [
      {
        account: "$G",
        name: "ORDERS",
        subjects: ["orders.>"],
        retention: "workqueue",
        messages: 9,
        leader: "n1",
        members: ["n1", "n0", "n2"],
        consumers: [
          { name: "a", durable: true, filters: ["orders.new"], pending: 3, ackPending: 1, leader: "n2" },
          { name: "b", durable: false, filters: ["orders.x", "orders.y"], pending: 0, ackPending: 0, leader: undefined }
        ]
      }
    ])
  })

  it("reads Go's null and absence alike, and an empty leader as none", () => {
    const page = decode({
      ...jsz([]),
      meta_cluster: { leader: "", replicas: null },
      account_details: [
        {
          name: "A",
          id: "A",
          stream_detail: [
            { name: "S", state: { messages: 0 }, cluster: { leader: "" }, config: null, consumer_detail: null },
            { name: "T", state: { messages: 0 } }
          ]
        },
        { name: "B", id: "B", stream_detail: null },
        { name: "C", id: "C" }
      ]
    })
    const server = serverOf(page, [page])
    assert.isTrue(server.clustered)
    assert.deepStrictEqual(server.mentioned, [])
    assert.strictEqual(server.size, 1)
    assert.deepStrictEqual(
      server.streams.map(({ consumers, leader, name, subjects }) => [name, leader, subjects, consumers]),
      [
        ["S", undefined, [], []],
        ["T", undefined, [], []]
      ]
    )
  })

  it("counts a stream once, in whatever pages it turned up", () => {
    const page = decode(jsz([stream({ name: "S", subjects: ["s"] })]))
    assert.strictEqual(serverOf(page, [page, page]).streams.length, 1)
  })
})
