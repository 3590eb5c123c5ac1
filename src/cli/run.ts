/** `nimbusguard run`: the operator, until it is told to stop. */
import * as Command from "effect/cli/Command"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { layerOperator } from "#cli/run/compose"
import { makeReady } from "#cli/run/makeReady"
import { settingFlags, settingsFrom } from "#cli/settings"
import * as KubernetesAs from "#services/KubernetesAs"
import * as KubernetesLive from "#services/KubernetesLive"
import { layerLogging } from "#services/Logging"
import { Metrics } from "#services/Metrics"
import { layerMetrics } from "#services/MetricsLive"
import { Settings } from "#services/Settings"
import { layerTelemetry } from "#services/Telemetry"
import { VERSION } from "#services/version"

const layerKubernetes = ({ kubeconfig, kubeContext }: Settings) =>
  Layer.unwrap(
    Metrics.useSync(({ request }) =>
      KubernetesAs.layer.pipe(
        Layer.provideMerge(KubernetesLive.layer({ kubeconfig, context: kubeContext, onAnswer: request }))
      )
    )
  )

const layerLog = ({ logFormat, logLevel }: Settings) =>
  layerLogging({
    level: logLevel,
    format: logFormat,
    colors: process.stdout.isTTY && (process.env["NO_COLOR"] ?? "") === "",
    write: (line) => void process.stdout.write(`${line}\n`)
  })

const layerTraces = (settings: Settings) =>
  layerTelemetry({
    tracing: settings.tracing,
    endpoint: settings.otlpEndpoint,
    tracesEndpoint: settings.otlpTracesEndpoint,
    serviceVersion: VERSION
  })

/** Why it ended is told; the shell only has to know that it did. */
class Unsatisfied extends Data.TaggedError("Unsatisfied") {}

export const runCommand = Command.make(
  "run",
  settingFlags,
  Effect.fnUntraced(function* (flags) {
    const settings = yield* settingsFrom(flags)
    const operator = Effect.flatMap(makeReady(settings), (home) => Layer.launch(layerOperator(settings, home)))
    // From the inside out: what is provided last is made first and ends last, so the end is still traced and logged.
    return yield* operator.pipe(
      Effect.scoped,
      Effect.provide(layerKubernetes(settings)),
      Effect.provide([layerMetrics({ processMetrics: true }), Layer.succeed(Settings, settings)]),
      // Where a collector reads the log, the reason for the end must be an entry of it.
      Effect.catch((error) => Effect.andThen(Effect.logFatal(error.message), new Unsatisfied())),
      Effect.provide(layerTraces(settings)),
      Effect.provide(layerLog(settings))
    )
  })
).pipe(
  Command.withDescription(
    "Runs the operator against the cluster of the pod or of the kubeconfig. SIGTERM and Ctrl-C end it in order, a second Ctrl-C at once."
  )
)
