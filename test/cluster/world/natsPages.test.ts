import { Effect, Layer } from "effect"
import { assert, describe, it } from "@effect/vitest"
import * as Cluster from "#cluster/Cluster"
import { natsSite } from "#cluster/world/natsPages"
import { Service } from "#cluster/world/Service"
import { pageRequest } from "#cluster/world/Site"
import { Nats } from "#services/Nats"
import { readBacklog } from "#sources/nats/backlog"
import { simulated } from "#test/simulation/inSimulation"

const queue = (consumer: string, subject: string, members?: number) =>
  ({
    system: "nats",
    server: "nats",
    stream: "ORDERS",
    consumer,
    subject,
    ...(members === undefined ? {} : { members })
  }) as const

/** Ten messages a second for a hundred seconds, and one worker who does five. */
const served = (...spec: Parameters<typeof queue>) => {
  const traffic = { pattern: "steady:noise=0", rate: 10 }
  const service = new Service({ name: spec[0], queue: queue(...spec), traffic }, 1)
  service.readyPods = 1
  for (let second = 0; second < 100; second++) service.step(second)
  return service
}

interface Told {
  readonly account_details: ReadonlyArray<{ readonly stream_detail: ReadonlyArray<Record<string, unknown>> }>
}

const ask = (services: ReadonlyArray<Service>, host: string, path: string) =>
  natsSite(
    () => services,
    host,
    () => 1_700_000_000_123
  )?.(pageRequest("GET", `http://${host}:8222${path}`))

const streamsOf = (answer: ReturnType<typeof ask>): ReadonlyArray<Record<string, unknown>> =>
  (answer?.json as unknown as Told | undefined)?.account_details[0]?.stream_detail ?? []

describe("natsPages", () => {
  it("tells of a stream with its consumers", () => {
    const services = [served("a", "orders.a"), served("b", "orders.b")]
    const answer = ask(services, "nats", "/jsz?streams=true")
    assert.strictEqual(answer?.status, 200)
    const [stream, ...others] = streamsOf(answer)
    assert.deepStrictEqual(others, [])
    assert.deepInclude(stream, {
      name: "ORDERS",
      config: { name: "ORDERS", subjects: ["orders.a", "orders.b"], retention: "workqueue" }
    })
    const consumers = (stream?.["consumer_detail"] ?? []) as ReadonlyArray<Record<string, number>>
    const total = consumers.reduce((sum, one) => sum + (one["num_pending"] ?? 0) + (one["num_ack_pending"] ?? 0), 0)
    assert.isAbove(total, 500)
    assert.deepInclude(stream?.["state"], { messages: total })
    assert.deepInclude(answer?.json, { now: "2023-11-14T22:13:20.123000Z" })
    assert.strictEqual(ask(services, "nats", "/subsz")?.status, 404)
    assert.strictEqual(ask(services, "nats-1.nats", "/jsz"), undefined)
  })

  it("has followers that say zero, as in a cluster", () => {
    const services = [served("a", "orders.a", 3)]
    const messages = ["nats", "nats-0.nats", "nats-1.nats", "nats-2.nats"].map(
      (host) => streamsOf(ask(services, host, "/jsz"))[0]?.["state"]
    )
    const [service] = services
    const truth = { messages: (service?.waiting ?? 0) + (service?.inService ?? 0) }
    assert.deepStrictEqual(messages, [{ messages: 0 }, { messages: 0 }, truth, { messages: 0 }])
    assert.strictEqual(ask(services, "nats-3.nats", "/jsz"), undefined)
  })

  simulated(
    "is read through its leader by the operator's own port, wherever that leader is",
    Effect.gen(function* () {
      const workload = { name: "orders", queue: queue("a", "orders.a", 3), traffic: { pattern: "steady", rate: 10 } }
      const cluster = yield* Cluster.make({ seed: 1, workloads: [workload] })
      yield* cluster.run
      yield* Effect.sleep("2 minutes")
      const view = yield* Effect.flatMap(Nats, (nats) => nats.jetStream({ monitoringUrl: "http://nats:8222" })).pipe(
        Effect.provide(Layer.fresh(cluster.layerSources))
      )
      assert.deepStrictEqual([view.servers.length, view.unreached], [3, []])
      const reading = readBacklog(view, { subject: "orders.a" }, Number.MAX_SAFE_INTEGER)
      const [service] = cluster.services()
      const value = reading._tag === "Measured" ? reading.value : Number.NaN
      assert.strictEqual(value, (service?.waiting ?? 0) + (service?.inService ?? 0))
      assert.isAbove(value, 100)
    }),
    { seeds: 2 }
  )
})
