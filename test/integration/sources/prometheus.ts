// A real Prometheus for the contract suite, with a password that only a proxy in front of it asks for.
import { Exporter } from "#test/controlplane/Exporter"
import { eventually } from "#test/controlplane/eventually"
import { FaultProxy } from "#test/controlplane/FaultProxy"
import { PrometheusServer } from "#test/controlplane/PrometheusServer"
import { type SourceFixture, statusCells, wireCells } from "./Fixture.ts"

export const fixture: SourceFixture = {
  needs: ["prometheus"],
  start: async (wire) => {
    const exporter = await Exporter.start()
    exporter.set("depth", 42)
    exporter.set("negative", -5)
    const server = await PrometheusServer.start({ targets: [exporter.target] })
    const http = await FaultProxy.start({ upstream: server.url })
    wire.connectTo(http.port)
    await eventually(async () => (await server.query("depth")).length === 1, { what: "the exporter to be scraped" })
    exporter.setHistory("silent", [{ agoMillis: 120_000, value: 9 }])
    await eventually(async () => (await server.query("silent")).length === 1, { what: "the old sample" })
    return {
      options: {
        serverUrl: `http://${wire.address}`,
        query: "depth",
        bearerSecret: { name: "prometheus", key: "token" }
      },
      healthy: 42,
      secrets: { prometheus: { token: "a-token-that-nobody-tells" } },
      cells: {
        ...wireCells(wire),
        ...statusCells(http),
        wrongType: { gives: "Malformed", remedy: /scalar or an instant vector/u, options: { query: "depth[5m]" } },
        NaN: { gives: "NotANumber", remedy: /division by zero/u, options: { query: "0 / (depth - 42)" } },
        Inf: { gives: "NotANumber", remedy: /division by zero/u, options: { query: "depth / 0" } },
        empty: { gives: "Empty", remedy: /Check names and labels/u, options: { query: "nothing" } },
        negative: { gives: "Negative", remedy: /clamp it at zero/u, options: { query: "negative" } },
        overflow: { gives: "Overflow", remedy: /Correct its origin/u, options: { query: "depth * 1e200" } },
        stale: {
          gives: "Stale",
          remedy: /Check the scrape of its target/u,
          options: { query: "silent" },
          signal: { maxSampleAgeMillis: 60_000 }
        }
      },
      stop: async () => {
        await http.close()
        await server.stop()
        await exporter.close()
      }
    }
  }
}
