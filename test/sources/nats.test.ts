import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import type { MissingReason, Reading } from "#schemas/Reading"
import { consumer, jsz, stream } from "#test/sources/answers"
import type { ConsumerAnswer, StreamAnswer } from "#test/sources/answers"
import { paths, replaced } from "#test/sources/replaced"
import { inTime, NOW, ok, sampleIn, signal } from "#test/sources/sourceWorld"

const base = { natsMonitoringURL: "http://nats:8222", subject: "orders.processing" }
const workers: ConsumerAnswer = { name: "workers", filter: "orders.processing", pending: 40, ackPending: 2 }
const orders: StreamAnswer = { name: "ORDERS", subjects: ["orders.>"], consumers: [consumer(workers)] }

const read = (body: unknown, options: object = {}, more: Parameters<typeof signal>[2] = {}) =>
  inTime(sampleIn({ http: () => ok(body) }, signal("nats", { ...base, ...options }, more)))

const outcome = (reading: Reading) => (reading._tag === "Missing" ? reading.why : `${reading._tag} ${reading.value}`)

const detail = (reading: Reading) => (reading._tag === "Missing" ? reading.detail : "")

const withConsumers = (...consumers: ReadonlyArray<ConsumerAnswer>) =>
  jsz([stream({ ...orders, consumers: consumers.map(consumer) })])

describe("the stream", () => {
  it.effect.each([
    [["orders.processing"], "Measured 42"],
    [["orders.*"], "Measured 42"],
    [["billing", "orders.>"], "Measured 42"],
    [[">"], "Measured 42"],
    [["orders"], "NoStream"],
    [["orders.processing.eu"], "NoStream"],
    [[], "NoStream"]
  ] as ReadonlyArray<readonly [ReadonlyArray<string>, string]>)("with the subjects %j is %s", ([subjects, expected]) =>
    Effect.map(read(jsz([stream({ ...orders, subjects })])), (reading) =>
      assert.strictEqual(outcome(reading), expected)
    )
  )

  it.effect("that does not exist is answered with those that do", () =>
    Effect.gen(function* () {
      const reading = yield* read(jsz([stream({ name: "BILLING", subjects: ["billing.>"] })]))
      assert.strictEqual(outcome(reading), "NoStream")
      assert.include(detail(reading), "No stream covers orders.processing")
      assert.include(detail(reading), "BILLING (billing.>)")
      assert.strictEqual(outcome(yield* read(jsz([]))), "NoStream")
    })
  )

  it.effect("among several that cover the subject has to be named, by itself or by its account", () =>
    Effect.gen(function* () {
      const twoAccounts = {
        ...jsz([]),
        account_details: ["A", "B"].map((name, at) => ({
          name,
          id: name,
          stream_detail: [stream({ ...orders, consumers: [consumer({ ...workers, pending: at })] })]
        }))
      }
      const reading = yield* read(twoAccounts)
      assert.strictEqual(outcome(reading), "AmbiguousConsumer")
      assert.include(detail(reading), "A/ORDERS, B/ORDERS")
      assert.strictEqual(outcome(yield* read(twoAccounts, { account: "B" })), "Measured 3")
      const twoStreams = jsz([
        stream(orders),
        stream({ ...orders, name: "COPY", consumers: [consumer({ ...workers, pending: 0 })] })
      ])
      assert.strictEqual(outcome(yield* read(twoStreams)), "AmbiguousConsumer")
      assert.strictEqual(outcome(yield* read(twoStreams, { stream: "COPY" })), "Measured 2")
      assert.strictEqual(outcome(yield* read(twoStreams, { stream: "NONE" })), "NoStream")
    })
  )

  it.effect("needs JetStream", () =>
    Effect.gen(function* () {
      const reading = yield* read({ server_id: "NA", now: "2023-11-14T22:13:20Z", disabled: true, total: 0 })
      assert.strictEqual(outcome(reading), "NoStream")
      assert.include(detail(reading), "JetStream is not enabled")
    })
  )
})

describe("the consumer", () => {
  it.effect.each([
    [{ filter: "orders.processing" }, "Measured 42"],
    [{ filter: "orders.*" }, "Measured 42"],
    [{ filters: ["billing", "orders.processing"] }, "Measured 42"],
    [{}, "Measured 42"],
    [{ filter: "orders.cancelled" }, "NoConsumer"],
    [{ filters: ["a", "b"] }, "NoConsumer"]
  ] as ReadonlyArray<readonly [Partial<ConsumerAnswer>, string]>)("with %j is %s", ([filtering, expected]) =>
    Effect.map(read(withConsumers({ name: "workers", pending: 40, ackPending: 2, ...filtering })), (reading) =>
      assert.strictEqual(outcome(reading), expected)
    )
  )

  it.effect("among several is an error that lists them, unless named or aggregated", () =>
    Effect.gen(function* () {
      const body = withConsumers(
        workers,
        { name: "audit", pending: 8, ackPending: 0 },
        { name: "other", filter: "orders.x" }
      )
      const reading = yield* read(body)
      assert.strictEqual(outcome(reading), "AmbiguousConsumer")
      assert.include(detail(reading), "workers, audit")
      assert.notInclude(detail(reading), "other")
      assert.strictEqual(outcome(yield* read(body, { consumer: "audit" })), "Measured 8")
      assert.strictEqual(outcome(yield* read(body, { aggregate: "sum" })), "Measured 50")
      assert.strictEqual(outcome(yield* read(body, { aggregate: "max" })), "Measured 42")
      assert.strictEqual(outcome(yield* read(body, { consumer: "gone" })), "NoConsumer")
    })
  )

  it.effect("of a wildcard subject may take a part of it", () =>
    Effect.gen(function* () {
      const body = withConsumers(
        { name: "eu", filter: "orders.eu", pending: 1 },
        { name: "us", filter: "orders.us", pending: 2 }
      )
      assert.strictEqual(outcome(yield* read(body, { subject: "orders.>", aggregate: "sum" })), "Measured 3")
    })
  )

  it.effect("that is short-lived counts only where no durable one does", () =>
    Effect.gen(function* () {
      const tail = { name: "x7Tq", durable: false, pending: 1000 }
      assert.strictEqual(outcome(yield* read(withConsumers(workers, tail))), "Measured 42")
      assert.strictEqual(outcome(yield* read(withConsumers(tail))), "Measured 1000")
      assert.strictEqual(outcome(yield* read(withConsumers(workers, tail), { consumer: "x7Tq" })), "Measured 1000")
    })
  )

  it.effect.each([
    ["workqueue", 7, "Measured 7"],
    ["interest", 7, "Measured 7"],
    ["limits", 7, "NoConsumer"],
    ["workqueue", -1, "Negative"],
    ["workqueue", 2 ** 60, "Overflow"],
    ["workqueue", 0.5, "Malformed"],
    ["workqueue", "7", "Malformed"]
  ] as const)("that nobody made leaves the %s stream's %s messages: %s", ([retention, messages, expected]) =>
    Effect.map(read(jsz([stream({ name: "ORDERS", subjects: ["orders.>"], retention, messages })])), (reading) =>
      assert.strictEqual(outcome(reading), expected)
    )
  )
})

describe("the backlog", () => {
  it.effect.each([
    [0, 0, "Measured 0"],
    [40, 2, "Measured 42"],
    [-1, 2, "Negative"],
    [40, -2, "Negative"],
    [18446744073709552000, 0, "Overflow"],
    [9007199254740991, 9007199254740991, "Overflow"],
    [1.5, 0, "Malformed"],
    ["40", 2, "Malformed"],
    [null, 2, "Malformed"],
    [[40], 2, "Malformed"]
  ] as ReadonlyArray<readonly [unknown, unknown, MissingReason | `Measured ${number}`]>)(
    "of %j pending and %j unconfirmed is %s",
    ([pending, ackPending, expected]) =>
      Effect.map(read(withConsumers({ ...workers, pending, ackPending })), (reading) =>
        assert.strictEqual(outcome(reading), expected)
      )
  )

  it.effect("beyond what JSON can hold is no number", () =>
    Effect.gen(function* () {
      const text = JSON.stringify(withConsumers(workers)).replace('"num_pending":40', '"num_pending":1e999')
      assert.include(text, "1e999")
      const reading = yield* inTime(sampleIn({ http: () => ok(text) }, signal("nats", base)))
      assert.strictEqual(outcome(reading), "NotANumber")
    })
  )

  it.effect("that a cache in between has kept is Stale", () =>
    Effect.gen(function* () {
      const body = { ...withConsumers(workers), now: new Date(NOW - 90_000).toISOString() }
      assert.strictEqual(outcome(yield* read(body)), "Measured 42")
      assert.strictEqual(outcome(yield* read(body, {}, { maxSampleAgeMillis: 60_000 })), "Stale 42")
    })
  )
})

interface Member {
  readonly url: string
  readonly streams: ReadonlyArray<unknown>
}

/** Three members, of which each tells what it believes. */
const cluster = (members: Readonly<Record<string, Member>>, options: object = {}) => {
  const names = Object.keys(members)
  const ids = (name: string) => `ID-${name}`
  return inTime(
    sampleIn(
      {
        http: ({ url }) => {
          const { origin, pathname } = new URL(url)
          const [name, member] = Object.entries(members).find(([, one]) => one.url === origin) ?? []
          if (name === undefined || member === undefined) return { fails: { _tag: "Unreachable" } }
          const others = names.filter((one) => one !== name)
          if (pathname === "/varz") return ok({ server_id: ids(name), server_name: name })
          if (pathname === "/routez") {
            const route = (one: string) => ({
              remote_id: ids(one),
              remote_name: one,
              ip: `10.0.0.${names.indexOf(one)}`
            })
            return ok({ routes: others.flatMap((one) => [route(one), route(one)]) })
          }
          return ok(jsz(member.streams, { id: ids(name), others }))
        }
      },
      signal("nats", { ...base, ...options })
    )
  )
}

const told = (pending: number, leader: string | undefined, holders: ReadonlyArray<string> = ["n0", "n1", "n2"]) =>
  stream({
    name: "ORDERS",
    subjects: ["orders.>"],
    replicas: holders,
    ...(leader === undefined ? {} : { leader }),
    consumers: [consumer({ ...workers, pending, ackPending: 0, ...(leader === undefined ? {} : { leader }) })]
  })

describe("in a cluster", () => {
  it.effect("only the consumer's leader is believed, wherever the question went first", () =>
    Effect.gen(function* () {
      const members = {
        n0: { url: "http://nats:8222", streams: [told(0, "n2")] },
        n1: { url: "http://10.0.0.1:8222", streams: [told(1, "n2")] },
        n2: { url: "http://10.0.0.2:8222", streams: [told(42, "n2")] }
      }
      assert.strictEqual(outcome(yield* cluster(members)), "Measured 42")
    })
  )

  it.effect("a leader is found by its pod's name behind a headless Service, and by peerMonitoringURLs", () =>
    Effect.gen(function* () {
      const n0 = { url: "http://nats:8222", streams: [told(0, "n1")] }
      const behind = { n0, n1: { url: "http://n1.nats:8222", streams: [told(42, "n1")] } }
      assert.strictEqual(outcome(yield* cluster(behind)), "Measured 42")
      const elsewhere = { n0, n1: { url: "http://far:1234", streams: [told(42, "n1")] } }
      assert.strictEqual(outcome(yield* cluster(elsewhere)), "NotLeader")
      assert.strictEqual(outcome(yield* cluster(elsewhere, { peerMonitoringURLs: ["http://far:1234"] })), "Measured 42")
    })
  )

  it.effect("a leader that cannot be reached is no number, and the message says where to name it", () =>
    Effect.gen(function* () {
      const reading = yield* cluster({
        n0: { url: "http://nats:8222", streams: [told(0, "n1")] },
        n1: { url: "http://nowhere:1", streams: [] }
      })
      assert.strictEqual(outcome(reading), "NotLeader")
      assert.include(detail(reading), "led by n1")
      assert.include(detail(reading), "peerMonitoringURLs")
    })
  )

  it.effect("no leader at all is no number", () =>
    Effect.gen(function* () {
      const reading = yield* cluster({ n0: { url: "http://nats:8222", streams: [told(3, undefined)] } })
      assert.strictEqual(outcome(reading), "NotLeader")
      assert.include(detail(reading), "no leader at present")
    })
  )

  it.effect("a stream that lives on another member is found there, and not denied while some are unreached", () =>
    Effect.gen(function* () {
      const n0 = { url: "http://nats:8222", streams: [] }
      const found = yield* cluster({ n0, n1: { url: "http://10.0.0.1:8222", streams: [told(42, "n1", ["n1"])] } })
      assert.strictEqual(outcome(found), "Measured 42")
      assert.strictEqual(outcome(yield* cluster({ n0, n1: { url: "http://nowhere:1", streams: [] } })), "NotLeader")
      assert.strictEqual(outcome(yield* cluster({ n0 })), "NoStream")
    })
  )

  it.effect("a part of a sum is never the sum", () =>
    Effect.gen(function* () {
      const n0 = { url: "http://nats:8222", streams: [told(42, "n0", ["n0", "n1"])] }
      const n1 = { url: "http://nowhere:1", streams: [] }
      assert.strictEqual(outcome(yield* cluster({ n0, n1 })), "Measured 42", "one consumer, and its leader is here")
      assert.strictEqual(outcome(yield* cluster({ n0, n1 }, { aggregate: "sum" })), "NotLeader")
    })
  )

  it.effect("messages of a stream without consumers are believed from the stream's leader", () =>
    Effect.gen(function* () {
      const queue = (messages: number) =>
        stream({ name: "ORDERS", subjects: ["orders.>"], retention: "workqueue", leader: "n1", messages })
      const n0 = { url: "http://nats:8222", streams: [queue(0)] }
      assert.strictEqual(
        outcome(yield* cluster({ n0, n1: { url: "http://10.0.0.1:8222", streams: [queue(9)] } })),
        "Measured 9"
      )
    })
  )
})

const Mutation = Schema.Struct({
  path: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 60 })),
  json: Schema.Json
})

describe("an answer with one part replaced", () => {
  const whole = withConsumers(workers)
  const places = paths(whole)

  it.effect.prop(
    "is either refused or still says 42, unless one of the two numbers was replaced by another whole one",
    [Mutation],
    ([{ json, path }]) =>
      Effect.gen(function* () {
        const place = places[path % places.length] ?? []
        const reading = yield* read(replaced(whole, place, json))
        if (reading._tag !== "Measured") return
        const last = place.at(-1)
        const kept = last === "num_pending" ? 2 : last === "num_ack_pending" ? 40 : undefined
        assert.strictEqual(reading.value, kept === undefined ? 42 : kept + Number(json), JSON.stringify([place, json]))
        if (kept !== undefined) assert.isTrue(Number.isSafeInteger(json) && Number(json) >= 0)
      }),
    { arbitrary: { runs: 500 } }
  )
})
