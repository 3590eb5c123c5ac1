/** The world's servers on real sockets: they answer, they say when a port is taken, and they let it go. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { get } from "node:http"
import { apiFront, siteFront } from "#cli/dev/fronts"
import { probe } from "#cli/dev/ports"
import { ApiServer } from "#cluster/api/ApiServer"
import type { Site } from "#cluster/world/Site"

const echo: Site = ({ method, parameters, path }) => ({
  status: path === "/gone" ? 404 : 200,
  json: { method, path, query: parameters.getAll("query") }
})

const free = Effect.map(probe(0), (found) => ("port" in found ? found.port : 0))
const json = (url: string, init?: RequestInit) =>
  Effect.promise(async () => {
    const response = await fetch(url, init)
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  })

describe("the fronts", () => {
  it.live("serve a page of the world with the parameters of its URL and of a form", () =>
    Effect.gen(function* () {
      const port = yield* free
      yield* siteFront(echo, port)
      const url = `http://127.0.0.1:${port}/api/v1/query?query=up`
      assert.deepStrictEqual((yield* json(url)).body["query"], ["up"])
      const form = new URLSearchParams({ query: "down" })
      assert.deepStrictEqual((yield* json(url, { method: "POST", body: form })).body["query"], ["up", "down"])
      assert.strictEqual((yield* json(`http://127.0.0.1:${port}/gone`)).status, 404)
    })
  )

  /** fetch would write the header itself. */
  const asking = (port: number, path: string, host: string) =>
    Effect.callback<{ readonly status: number | undefined; readonly text: string }>((resume) => {
      get({ host: "127.0.0.1", port, path, headers: { host } }, (response) => {
        let text = ""
        response.setEncoding("utf8").on("data", (part: string) => void (text += part))
        response.once("end", () => resume(Effect.succeed({ status: response.statusCode, text })))
      })
    })

  it.live("tell no page of another name what the world's pages say, and a container by which name to ask", () =>
    Effect.gen(function* () {
      const port = yield* free
      yield* siteFront(echo, port)
      const { status, text } = yield* asking(port, "/api/v1/query?query=up", `evil.example:${port}`)
      assert.strictEqual(status, 421)
      assert.include(text, "host.docker.internal")
      assert.notInclude(text, "query")
    })
  )

  it.live("tell a Grafana in a container what the world's pages say, and nothing of the Kubernetes API", () =>
    Effect.gen(function* () {
      const port = yield* free
      yield* siteFront(echo, port)
      const host = `host.docker.internal:${port}`
      assert.strictEqual((yield* asking(port, "/api/v1/query?query=up", host)).status, 200)
      const api = yield* apiFront(new ApiServer(() => 0), 0)
      assert.strictEqual((yield* asking(api.port, "/version", host)).status, 421)
    })
  )

  it.live("go on after a question that cannot be answered", () =>
    Effect.gen(function* () {
      const port = yield* free
      const deep: Site = ({ parameters }) => {
        if (parameters.has("deep")) throw new RangeError("too deep")
        return { status: 200, json: {} }
      }
      yield* siteFront(deep, port)
      const broken = yield* json(`http://127.0.0.1:${port}/?deep=1`)
      assert.deepStrictEqual(broken, {
        status: 500,
        body: { status: "error", errorType: "internal", error: "RangeError: too deep" }
      })
      assert.strictEqual((yield* json(`http://127.0.0.1:${port}/`)).status, 200)
    })
  )

  it.live("serve the Kubernetes API, and free the port with the scope", () =>
    Effect.gen(function* () {
      const port = yield* free
      const version = yield* Effect.scoped(
        Effect.gen(function* () {
          const { url } = yield* apiFront(new ApiServer(() => 0), port)
          return yield* json(`${url}/version`)
        })
      )
      assert.strictEqual(version.status, 200)
      assert.deepStrictEqual(yield* probe(port), { port })
    })
  )

  it.live("name the port that is taken, and how to choose another", () =>
    Effect.gen(function* () {
      const port = yield* free
      yield* siteFront(echo, port)
      for (const [front, flag] of [
        [Effect.asVoid(siteFront(echo, port)), "--prometheus-port"],
        [Effect.asVoid(apiFront(new ApiServer(() => 0), port)), "--api-port"]
      ] as const) {
        const exit = yield* Effect.exit(Effect.scoped(front))
        assert.isTrue(Exit.isFailure(exit))
        assert.include(String(exit), `port ${port}`)
        assert.include(String(exit), flag)
      }
    })
  )
})
