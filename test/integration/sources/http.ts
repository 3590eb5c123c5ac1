// An endpoint of JSON for the contract suite: the test's own server, since there is no real one of everybody's.
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { FaultProxy } from "#test/controlplane/FaultProxy"
import { type SourceFixture, statusCells, wireCells } from "./Fixture.ts"

const TOKEN = "a-key-that-nobody-tells"

const DOCUMENT = {
  queues: [
    { name: "jobs", depth: "42", drained: null },
    { name: "mail", depth: -3, rate: "NaN", growth: "+Inf", total: 1e300 }
  ]
}

export const fixture: SourceFixture = {
  needs: [],
  start: async (wire) => {
    const server = createServer((request, response) => {
      response.statusCode = request.headers["x-api-key"] === TOKEN ? 200 : 401
      response.setHeader("content-type", "application/json").end(JSON.stringify(DOCUMENT))
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const http = await FaultProxy.start({ upstream: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
    wire.connectTo(http.port)
    const at = (jsonPath: string) => ({ jsonPath })
    return {
      options: {
        url: `http://${wire.address}/stats`,
        jsonPath: "$.queues[?(@.name == 'jobs')].depth",
        headerSecrets: { "X-API-Key": { name: "billing", key: "token" } }
      },
      healthy: 42,
      secrets: { billing: { token: TOKEN } },
      cells: {
        ...wireCells(wire),
        ...statusCells(http),
        wrongType: { gives: "Malformed", remedy: /Name the place of the number/u, options: at("$.queues[0].name") },
        NaN: { gives: "NotANumber", remedy: /division by zero/u, options: at("$.queues[1].rate") },
        Inf: { gives: "NotANumber", remedy: /division by zero/u, options: at("$.queues[1].growth") },
        empty: { gives: "Empty", remedy: /or set onEmpty: Zero/u, options: at("$.queues[0].drained") },
        negative: { gives: "Negative", remedy: /clamp it at zero/u, options: at("$.queues[1].depth") },
        overflow: { gives: "Overflow", remedy: /Correct its origin/u, options: at("$.queues[1].total") },
        stale: { empty: "JSON has no place of its own that says when a number was true" }
      },
      stop: async () => {
        await http.close()
        await new Promise((resolve) => {
          server.close(resolve)
          server.closeAllConnections()
        })
      }
    }
  }
}
