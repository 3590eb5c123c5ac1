import { lookup } from "node:dns"
import type { LookupFunction } from "node:net"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { makeJudge } from "#services/forbiddenAddresses"
import { Allowance } from "#services/httpExchange"
import { metadata } from "#services/kafkaCalls"
import { KafkaConnection } from "#services/kafkaConnection"
import type { Surroundings } from "#services/kafkaConnection"
import { KafkaFailure } from "#services/kafkaFailure"
import { array, int16, int32, int64, string } from "#services/kafkaWire"
import { eventually } from "#test/controlplane/eventually"
import { framed, KafkaBrokerStub } from "#test/services/kafkaBroker"

const around = (more: Partial<Surroundings> = {}) => ({
  judge: makeJudge(),
  lookup: lookup as LookupFunction,
  loopbackAllowed: true,
  allowance: new Allowance(),
  ...more
})

const sasl = { mechanism: "PLAIN", username: "alice", password: "a-secret" } as const

const failureOf = async (work: Promise<unknown>): Promise<KafkaFailure> => {
  try {
    await work
  } catch (error) {
    if (error instanceof KafkaFailure) return error
    throw error
  }
  throw new Error("did not fail")
}

describe("a connection to a broker", () => {
  let broker: KafkaBrokerStub

  beforeEach(async () => {
    broker = await KafkaBrokerStub.start()
    broker.topics = { jobs: [{ latest: 5 }] }
  })

  afterEach(() => broker.close())

  const open = (access: object = {}, surroundings = around(), host = "127.0.0.1") =>
    KafkaConnection.open({ host, port: broker.port }, { bootstrapServers: [], ...access }, surroundings)

  const never = new AbortController().signal

  it("answers many questions at once, each with its own answer", async () => {
    broker.topics = { jobs: [{ latest: 5 }], mail: [{ latest: 1 }, { latest: 2 }] }
    const connection = await open()
    const answers = await Promise.all(["jobs", "mail", "jobs"].map((topic) => connection.ask(metadata([topic]), never)))
    assert.deepStrictEqual(
      answers.map(({ topics: [topic] }) => [topic?.topic, topic?.partitions.length]),
      [
        ["jobs", 1],
        ["mail", 2],
        ["jobs", 1]
      ]
    )
    assert.strictEqual(broker.connections, 1)
    connection.close()
  })

  it("ends with its owner", async () => {
    const connection = await open()
    connection.close()
    await eventually(() => broker.sockets.size === 0, { what: "the socket to be closed" })
    assert.isFalse(connection.usable)
    assert.strictEqual((await failureOf(connection.ask(metadata([]), never))).why, "Unreachable")
  })

  it("says who it is, once, and ends before the broker forgets it", async () => {
    const said: Array<Buffer> = []
    broker.answer = ({ body, key }) => {
      if (key === 17) return Buffer.concat([int16(0), array(["PLAIN"], string)])
      if (key !== 36) return undefined
      said.push(body.bytes())
      return Buffer.concat([int16(0), int16(-1), int32(0), int64(1n)])
    }
    const connection = await open({ sasl })
    assert.deepStrictEqual(said.map(String), ["\0alice\0a-secret"])
    await eventually(() => !connection.usable, { what: "its millisecond to be over" })
    connection.close()
  })

  it.each([
    [33, "BadOptions", "but GSSAPI, OAUTHBEARER"],
    [34, "BadOptions", "expects no credentials"]
  ] as const)("tells what is wrong with the mechanism: %s", async (code, why, words) => {
    broker.answer = ({ key }) =>
      key === 17 ? Buffer.concat([int16(code), array(["GSSAPI", "OAUTHBEARER"], string)]) : undefined
    const failure = await failureOf(open({ sasl }))
    assert.strictEqual(failure.why, why)
    assert.include(failure.message, words)
  })

  it("tells that the credentials are refused, and neither them nor the broker's words", async () => {
    broker.answer = ({ key }) => {
      if (key === 17) return Buffer.concat([int16(0), array(["PLAIN"], string)])
      return key === 36
        ? Buffer.concat([int16(58), string("alice / a-secret is wrong"), int32(0), int64(0n)])
        : undefined
    }
    const failure = await failureOf(open({ sasl }))
    assert.strictEqual(failure.why, "Unauthorized")
    assert.notInclude(failure.message, "secret is")
    await eventually(() => broker.sockets.size === 0, { what: "the socket to be closed" })
  })

  it("suspects a door for others where strangers are shown out in silence", async () => {
    broker.answer = ({ key }) => (key === 18 ? undefined : "close")
    const connection = await open()
    const failure = await failureOf(connection.ask(metadata(["jobs"]), never))
    assert.strictEqual(failure.why, "Unreachable")
    assert.include(failure.message, "closed the connection")
    assert.isTrue(failure.again)
  })

  it("asks in no version that the broker does not speak", async () => {
    broker.answer = ({ key }) =>
      key === 18
        ? Buffer.concat([int16(0), array([0], () => Buffer.concat([int16(3), int16(9), int16(20)]))])
        : undefined
    const connection = await open()
    const failure = await failureOf(connection.ask(metadata(["jobs"]), never))
    assert.strictEqual(failure.why, "BadOptions")
    assert.include(failure.message, "Kafka 2.1")
    connection.close()
  })

  it.each([
    ["HTTP", Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"), "Malformed"],
    ["TLS", Buffer.from([21, 3, 3, 0, 2, 2, 10]), "Malformed"],
    ["an answer to nobody's question", framed(77, Buffer.alloc(4)), "Malformed"],
    ["an empty answer", int32(0), "Malformed"],
    ["a negative length", int32(-1), "Malformed"],
    ["eleven MiB", int32(11 * 1024 * 1024), "TooLarge"]
  ] as const)("does not read on after %s", async (_, greeting, why) => {
    broker.greeting = greeting
    broker.answer = () => "silence"
    const failure = await failureOf(open())
    assert.strictEqual(failure.why, why)
    await eventually(() => broker.sockets.size === 0, { what: "the socket to be closed" })
  })

  it.each(["half", "more"])("believes no answer that is %s of one", async (kind) => {
    broker.answer = ({ key }) => {
      if (key !== 3) return undefined
      return kind === "half" ? int32(0) : Buffer.alloc(64)
    }
    const connection = await open()
    assert.strictEqual((await failureOf(connection.ask(metadata(["jobs"]), never))).why, "Malformed")
    await eventually(() => !connection.usable, { what: "the connection to be given up" })
  })

  it("is given up when nothing comes back within somebody's deadline", async () => {
    broker.answer = ({ key }) => (key === 3 ? "silence" : undefined)
    const connection = await open()
    const deadline = new AbortController()
    const asked = connection.ask(metadata(["jobs"]), deadline.signal)
    const other = connection.ask(metadata(["mail"]), never)
    deadline.abort()
    assert.strictEqual((await failureOf(asked)).why, "Timeout")
    assert.isTrue((await failureOf(other)).again, "the others may ask on another connection")
    assert.isFalse(connection.usable)
  })

  it("is given up when a part of an answer is all that comes within somebody's deadline", async () => {
    const correlation = 1
    const long = Buffer.concat([int32(1024 * 1024), int32(correlation), Buffer.alloc(512 * 1024)])
    broker.answer = ({ key }) => {
      if (key !== 3) return undefined
      for (const socket of broker.sockets) socket.write(long)
      return "silence"
    }
    const allowance = new Allowance()
    const connection = await open({}, around({ allowance }))
    const deadline = new AbortController()
    const asked = connection.ask(metadata(["jobs"]), deadline.signal)
    const isFull = () =>
      allowance
        .during((holds) => Promise.resolve().then(() => holds(32 * 1024 * 1024)))
        .then(
          () => false,
          () => true
        )
    await eventually(isFull, { what: "the part to take of what all share" })
    deadline.abort()
    assert.strictEqual((await failureOf(asked)).why, "Timeout")
    assert.isFalse(connection.usable)
    await eventually(async () => !(await isFull()), { what: "all of it to be given back" })
  })

  it("connects to no forbidden address, by number or by name", async () => {
    for (const [surroundings, host] of [
      [around({ loopbackAllowed: false }), "127.0.0.1"],
      [around({ loopbackAllowed: false }), "localhost"],
      [around(), "169.254.169.254"],
      [around(), "metadata.google.internal"],
      [around({ lookup: (_, __, tell) => tell(null, [{ address: "169.254.169.254", family: 4 }]) }), "kafka.example"],
      [
        around({ loopbackAllowed: false, lookup: (_, __, tell) => tell(null, [{ address: "::1", family: 6 }]) }),
        "kafka"
      ]
    ] as const) {
      const failure = await failureOf(open({}, surroundings, host))
      assert.strictEqual(failure.why, "Blocked", host)
      assert.isFalse(failure.again)
    }
    assert.strictEqual(broker.connections, 0)
  })

  it("goes where a name leads", async () => {
    const surroundings = around({ lookup: (_, __, tell) => tell(null, [{ address: "127.0.0.1", family: 4 }]) })
    const connection = await open({}, surroundings, "kafka.example")
    assert.isTrue(connection.usable)
    connection.close()
  })

  it("says so when nobody listens", async () => {
    const { port } = broker
    await broker.close()
    const failure = await failureOf(
      KafkaConnection.open({ host: "127.0.0.1", port }, { bootstrapServers: [] }, around())
    )
    assert.strictEqual(failure.why, "Unreachable")
    assert.include(failure.message, `Kafka at 127.0.0.1:${port} could not be asked`)
    broker = await KafkaBrokerStub.start()
  })
})
