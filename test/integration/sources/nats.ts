// A real nats-server for the contract suite: what JetStream can say it says itself; what it never would is said by the
// proxy in front of it, in JetStream's own shape.
import { FaultProxy } from "#test/controlplane/FaultProxy"
import { NatsServer } from "#test/controlplane/NatsServer"
import { type Cell, type SourceFixture, statusCells, wireCells } from "./Fixture.ts"

const STREAM = { name: "ORDERS", subjects: ["orders.>"] }
const CONSUMER = { durable_name: "workers", filter_subject: "orders.processing" }

interface Jsz {
  readonly account_details: ReadonlyArray<{
    readonly stream_detail: ReadonlyArray<{ readonly consumer_detail: ReadonlyArray<object> }>
  }>
}

export const fixture: SourceFixture = {
  needs: ["nats-server"],
  start: async (wire) => {
    const server = await NatsServer.start()
    const http = await FaultProxy.start({ upstream: server.first.monitoringUrl })
    wire.connectTo(http.port)
    const client = await server.first.connect()
    await client.createStream(STREAM)
    await client.createConsumer(STREAM.name, CONSUMER)
    for (let at = 0; at < 7; at += 1) await client.store("orders.processing", String(at))

    const page = await server.first.monitoring<Jsz>("/jsz?accounts=true&streams=true&consumers=true&config=true")
    /** The server's own answer, with other numbers in it. */
    const saying = (gives: Cell & { readonly gives: unknown }, consumer: object, more: object = {}): Cell => ({
      ...gives,
      inject: () => {
        const account_details = page.account_details.map((account) => ({
          ...account,
          stream_detail: account.stream_detail.map((stream) => ({
            ...stream,
            consumer_detail: stream.consumer_detail.map((one) => ({ ...one, ...consumer }))
          }))
        }))
        const body = { ...page, now: new Date().toISOString(), account_details, ...more }
        const injection = http.inject({ times: Infinity, fault: { kind: "reply", status: 200, body } })
        return () => injection.remove()
      }
    })
    return {
      options: {
        natsMonitoringURL: `http://${wire.address}`,
        subject: "orders.processing",
        basicAuth: { username: "operator", passwordSecret: { name: "nats", key: "password" } }
      },
      healthy: 7,
      secrets: { nats: { password: "a-password-that-nobody-tells" } },
      cells: {
        ...wireCells(wire),
        ...statusCells(http),
        wrongType: saying({ gives: "Malformed", remedy: /names that server itself/u }, { num_pending: "7" }),
        NaN: saying({ gives: "Malformed", remedy: /names that server itself/u }, { num_pending: null }),
        Inf: {
          empty:
            "the counts are JSON numbers, and JSON has no infinity; one too large for a double is the cell overflow's"
        },
        empty: {
          gives: "NoConsumer",
          remedy: /Create the consumer/u,
          inject: async () => {
            await client.deleteConsumer(STREAM.name, CONSUMER.durable_name)
            return () => client.createConsumer(STREAM.name, CONSUMER)
          }
        },
        negative: saying({ gives: "Negative", remedy: /clamp it at zero/u }, { num_pending: -1 }),
        overflow: saying({ gives: "Overflow", remedy: /Correct its origin/u }, { num_pending: 1e300 }),
        stale: {
          ...saying(
            { gives: "Stale", remedy: /Check for a cache in between/u },
            {},
            { now: new Date(Date.now() - 300_000).toISOString() }
          ),
          signal: { maxSampleAgeMillis: 60_000 }
        }
      },
      stop: async () => {
        client.close()
        await http.close()
        await server.stop()
      }
    }
  }
}
