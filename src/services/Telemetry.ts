/**
 * Tracing, when somebody asked for it: spans leave as OTLP over HTTP. OpenTelemetry's SDK is a third of a megabyte
 * that most installations never need, so it is loaded only then.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as References from "effect/References"

export interface TelemetryOptions {
  readonly tracing: boolean
  readonly endpoint: string | undefined
  readonly tracesEndpoint: string | undefined
  readonly serviceVersion: string
}

export const layerTelemetry = ({ tracing, endpoint, tracesEndpoint, serviceVersion }: TelemetryOptions) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const url = tracesEndpoint ?? (endpoint === undefined ? undefined : `${endpoint}/v1/traces`)
      // Spans that nobody collects would still be made, a dozen to a tick.
      if (!tracing || url === undefined) return Layer.succeed(References.TracerEnabled, false)
      const { layerOpenTelemetry } = yield* Effect.promise(() => import("./openTelemetry.ts"))
      return layerOpenTelemetry({ url, serviceVersion })
    })
  )
