import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { GoogleMetadata } from "#services/GoogleMetadata"
import { layerWith } from "#services/GoogleMetadataLive"
import type { MetadataSettings } from "#services/GoogleMetadataLive"
import { serve } from "#test/services/httpServers"

const token = (settings: MetadataSettings) =>
  Effect.flatMap(GoogleMetadata, (metadata) => metadata.token).pipe(Effect.provide(layerWith(settings)))

const google = { "metadata-flavor": "Google" }

describe("the metadata server", () => {
  it.live("is asked for one page only: the token that may read metrics", () =>
    Effect.gen(function* () {
      const { port, seen } = yield* serve((_, response) => response.writeHead(200, google).end('{"access_token":"t"}'))
      const answer = yield* token({ workloadIdentity: true, host: `127.0.0.1:${port}` })
      assert.strictEqual(answer.body, '{"access_token":"t"}')
      const [request] = seen
      assert.strictEqual(request?.method, "GET")
      assert.strictEqual(
        request?.url,
        "/computeMetadata/v1/instance/service-accounts/default/token?scopes=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fmonitoring.read"
      )
      assert.strictEqual(request?.headers["metadata-flavor"], "Google")
    })
  )

  it.live("is asked nothing where the operator did not choose workload identity", () =>
    Effect.gen(function* () {
      const { connections, port } = yield* serve((_, response) => response.writeHead(200, google).end("{}"))
      const error = yield* Effect.flip(token({ workloadIdentity: false, host: `127.0.0.1:${port}` }))
      assert.strictEqual(error.why, "BadOptions")
      assert.match(error.detail, /Set credentialsSecret, or GOOGLE_WORKLOAD_IDENTITY=true on the operator/u)
      assert.strictEqual(connections(), 0)
    })
  )

  it.live("is not believed without its own mark, and leads nowhere else", () =>
    Effect.gen(function* () {
      const other = yield* serve((_, response) => response.writeHead(200, google).end('{"access_token":"stolen"}'))
      const plain = yield* serve((_, response) => response.end('{"access_token":"t"}'))
      const moved = yield* serve((_, response) => response.writeHead(302, { location: other.url }).end())
      const error = yield* Effect.flip(token({ workloadIdentity: true, host: `127.0.0.1:${plain.port}` }))
      assert.strictEqual(error.why, "Unreachable")
      const answer = yield* token({ workloadIdentity: true, host: `127.0.0.1:${moved.port}` })
      assert.strictEqual(answer.status, 302)
      assert.strictEqual(other.connections(), 0)
    })
  )

  it.live("is given up on when it answers without an end, or is not there", () =>
    Effect.gen(function* () {
      const flood = yield* serve((_, response) => {
        response.writeHead(200, google)
        const more = () => {
          while (response.write("x".repeat(16_384)));
          response.once("drain", more)
        }
        more()
      })
      const flooded = yield* Effect.flip(token({ workloadIdentity: true, host: `127.0.0.1:${flood.port}` }))
      assert.strictEqual(flooded.why, "Unreachable")
      const gone = yield* Effect.flip(token({ workloadIdentity: true, host: "127.0.0.1:1" }))
      assert.match(gone.detail, /works on Google Cloud only/u)
    })
  )
})
