/**
 * The metadata server over a connection of its own, beside Egress, which refuses that address to everybody. Asked only
 * where the operator's own settings chose workload identity; its redirects are not followed, no proxy is between.
 */
import { Agent, request } from "@effect/platform-node/Undici"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { GoogleMetadata, METADATA_PATH } from "#services/GoogleMetadata"
import { failureOf } from "#services/httpExchange"
import { Settings } from "#services/Settings"
import { SourceError } from "#services/SourceError"

const TIMEOUT_MILLIS = 5_000
const ANSWER_BYTES_MAX = 65_536

export interface MetadataSettings {
  readonly workloadIdentity: boolean
  /** host or host:port. */
  readonly host: string
}

const notChosen = new SourceError({
  why: "BadOptions",
  detail:
    "The policy names no credentialsSecret, and the operator lends nobody its own workload identity. Set credentialsSecret, or GOOGLE_WORKLOAD_IDENTITY=true on the operator."
})

const unanswered = (what: string) =>
  new SourceError({
    why: "Unreachable",
    detail: `Google's metadata server ${what}. GOOGLE_WORKLOAD_IDENTITY works on Google Cloud only: check that the node has a metadata server and that a NetworkPolicy lets the operator reach it, or set credentialsSecret.`
  })

const make = Effect.fn("GoogleMetadataLive.make")(function* ({ host, workloadIdentity }: MetadataSettings) {
  if (!workloadIdentity) return GoogleMetadata.of({ token: Effect.fail(notChosen) })
  const url = new URL(`http://${host}${METADATA_PATH}`)
  const dispatcher = yield* Effect.acquireRelease(
    Effect.sync(
      () => new Agent({ connections: 1, maxResponseSize: ANSWER_BYTES_MAX, connect: { timeout: TIMEOUT_MILLIS } })
    ),
    (agent) => Effect.promise(() => agent.destroy().catch(() => {}))
  )
  const ask = Effect.tryPromise({
    try: async (signal) => {
      const headers = { "metadata-flavor": "Google", "user-agent": "nimbusguard" }
      const answer = await request(url, { dispatcher, method: "GET", headers, signal })
      return { status: answer.statusCode, flavor: answer.headers["metadata-flavor"], body: await answer.body.text() }
    },
    catch: (cause) => unanswered(failureOf(cause).message)
  }).pipe(
    Effect.timeoutOrElse({
      duration: TIMEOUT_MILLIS,
      orElse: () => Effect.fail(unanswered(`did not answer within ${TIMEOUT_MILLIS} ms`))
    })
  )
  return GoogleMetadata.of({
    token: Effect.flatMap(ask, ({ body, flavor, status }) =>
      // Its own mark: whoever else listens at that address is not believed.
      status === 200 && flavor !== "Google"
        ? Effect.fail(unanswered("is not what answers there"))
        : Effect.succeed({ status, body, url: "Google's metadata server", strippedOfCredentials: false })
    )
  })
})

export const layerWith = (settings: MetadataSettings): Layer.Layer<GoogleMetadata> =>
  Layer.effect(GoogleMetadata, make(settings))

export const layer: Layer.Layer<GoogleMetadata, never, Settings> = Layer.effect(
  GoogleMetadata,
  Effect.flatMap(Settings, ({ googleMetadataHost, googleWorkloadIdentity }) =>
    make({ host: googleMetadataHost, workloadIdentity: googleWorkloadIdentity })
  )
)
