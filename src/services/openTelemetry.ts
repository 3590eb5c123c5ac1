/**
 * OpenTelemetry's SDK behind Effect's tracer. It reads the standard OTEL_* variables itself (service name, resource
 * attributes, headers, compression, sampler, batch sizes, timeouts); Telemetry.ts decides whether it is loaded.
 */
import * as OtelTracer from "@effect/opentelemetry/OtelTracer"
import * as Resource from "@effect/opentelemetry/Resource"
import { diag, DiagLogLevel } from "@opentelemetry/api"
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto"
import { resourceFromAttributes } from "@opentelemetry/resources"
import { BatchSpanProcessor } from "@opentelemetry/sdk-trace-base"
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node"
import { ATTR_SERVICE_NAME, ATTR_SERVICE_VERSION } from "@opentelemetry/semantic-conventions"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { printableUrl } from "#services/Egress"

const SERVICE_NAME = "nimbusguard-operator"
/** Well inside the ten seconds in which the process ends after SIGTERM. */
const SHUTDOWN_MILLIS = 3_000
/** A collector that is away fails every few seconds; one line a minute says it. */
const WARN_EVERY_MILLIS = 60_000

/** The SDK reports failed exports through this logger only; without one they would be silent. */
const layerDiagnostics = (url: string) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const run = Effect.runForkWith(yield* Effect.context<never>())
      let warnedAt = Number.NEGATIVE_INFINITY
      const warn = (message: string, ...details: ReadonlyArray<unknown>) => {
        const now = performance.now()
        if (now - warnedAt < WARN_EVERY_MILLIS) return
        warnedAt = now
        run(
          Effect.logWarning(`Traces do not reach ${printableUrl(url)}: ${[message, ...details.map(String)].join(" ")}`)
        )
      }
      const silent = () => {}
      yield* Effect.acquireRelease(
        Effect.sync(() =>
          diag.setLogger(
            { error: warn, warn, info: silent, debug: silent, verbose: silent },
            { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true }
          )
        ),
        () => Effect.sync(() => diag.disable())
      )
    })
  )

const layerEnvironment = Layer.unwrap(Effect.sync(() => ConfigProvider.layer(ConfigProvider.fromEnv())))

/** The environment wins over our own words about ourselves. */
const layerResource = (serviceVersion: string) =>
  Layer.effect(
    Resource.Resource,
    Effect.map(Resource.Resource, (fromEnvironment) =>
      resourceFromAttributes({
        [ATTR_SERVICE_NAME]: SERVICE_NAME,
        [ATTR_SERVICE_VERSION]: serviceVersion
      }).merge(fromEnvironment)
    )
  ).pipe(Layer.provide(Resource.layerFromEnv()), Layer.provide(layerEnvironment))

/**
 * Not NodeSdk.layer: its last flush is a defect when the collector is away, and tracing must never be why the
 * operator ends badly.
 */
const layerProvider = (url: string) =>
  Layer.effect(
    OtelTracer.OtelTracerProvider,
    Effect.gen(function* () {
      const resource = yield* Resource.Resource
      return yield* Effect.acquireRelease(
        Effect.sync(
          () =>
            new NodeTracerProvider({
              resource,
              spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url }))]
            })
        ),
        (provider) =>
          Effect.tryPromise(() => provider.forceFlush().finally(() => provider.shutdown())).pipe(
            Effect.catch(({ cause }) => Effect.logWarning(`The last traces did not reach ${printableUrl(url)}`, cause)),
            Effect.interruptible,
            Effect.timeoutOption(SHUTDOWN_MILLIS)
          )
      )
    })
  )

export const layerOpenTelemetry = (options: { readonly url: string; readonly serviceVersion: string }) =>
  OtelTracer.layer.pipe(
    Layer.provide(layerProvider(options.url)),
    Layer.provide([layerResource(options.serviceVersion), layerDiagnostics(options.url)])
  )
