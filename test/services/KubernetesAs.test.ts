import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { createServer, type IncomingHttpHeaders } from "node:http"
import type { AddressInfo } from "node:net"
import { KubernetesAccess } from "#services/KubernetesAccess"
import * as KubernetesAs from "#services/KubernetesAs"

/** An API server that knows one token, and writes down what it was sent. */
const server = Effect.acquireRelease(
  Effect.callback<{ readonly url: string; readonly seen: Array<IncomingHttpHeaders>; readonly close: () => void }>(
    (resume) => {
      const seen: Array<IncomingHttpHeaders> = []
      const listening = createServer((request, response) => {
        seen.push(request.headers)
        const known = request.headers.authorization === "Bearer janes"
        response.writeHead(known ? 200 : 401, { "content-type": "application/json" })
        response.end(JSON.stringify(known ? { done: true } : { kind: "Status", code: 401, message: "Unauthorized" }))
      })
      listening.listen(0, "127.0.0.1", () => {
        const { port } = listening.address() as AddressInfo
        resume(
          Effect.succeed({
            url: `http://127.0.0.1:${port}`,
            seen,
            close: () => {
              listening.closeAllConnections()
              listening.close()
            }
          })
        )
      })
    }
  ),
  ({ close }) => Effect.sync(close)
)

const layerFor = (url: string) =>
  KubernetesAs.layer.pipe(
    Layer.provide(
      Layer.succeed(KubernetesAccess, {
        cluster: { server: url, context: "test", namespace: undefined, proxyUrl: undefined, insecure: true },
        load: () =>
          Effect.succeed({
            headers: { authorization: "Bearer operators", "impersonate-user": "root" },
            tls: { cert: "the operator's certificate", key: "and its key" }
          })
      })
    )
  )

const ask = (token: string) =>
  KubernetesAs.KubernetesAs.use(({ request }) =>
    request(Redacted.make(token), { method: "PATCH", path: "/apis/x/v1/things/a", body: {} })
  )

describe("the cluster in somebody's name", () => {
  it.live("is asked with their token, and with nothing that is the operator's", () =>
    Effect.gen(function* () {
      const { seen, url } = yield* server
      assert.deepStrictEqual(yield* Effect.provide(ask("janes"), layerFor(url)), { done: true })
      assert.strictEqual(seen[0]?.authorization, "Bearer janes")
      assert.notProperty(seen[0] ?? {}, "impersonate-user")
    })
  )

  it.live("does not try again as the operator where the token is not known", () =>
    Effect.gen(function* () {
      const { seen, url } = yield* server
      const error = yield* Effect.flip(Effect.provide(ask("a stranger's"), layerFor(url)))
      assert.strictEqual(error.reason._tag, "Unauthorized")
      assert.isTrue(seen.every(({ authorization }) => authorization === "Bearer a stranger's"))
    })
  )
})
