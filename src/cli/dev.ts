/**
 * `nimbusguard dev`: an embedded cluster under load, the operator over it, and something to look at, in one process.
 * Everything is on loopback, nothing outside is asked, and nothing is left behind.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { appendFileSync } from "node:fs"
import { settingsFrom } from "#cli/settings"
import { whyUnread } from "#cli/whyUnread"
import { MakesPageEarly } from "#dashboard/page"
import { layerListener, layerServers } from "#dashboard/server"
import { layerLogging } from "#services/Logging"
import { layerMetrics } from "#services/MetricsLive"
import { layerTelemetry } from "#services/Telemetry"
import { VERSION } from "#services/version"
import { readTrace, type Trace } from "#workload/trace"
import type { Board } from "./dev/Board.ts"
import { begin, demoSettings, layerDemo, podsIn, world } from "./dev/demo.ts"
import * as DemoLoad from "./dev/DemoLoad.ts"
import { layerDisplay, makeBoard, type Output } from "./dev/display.ts"
import * as Folder from "./dev/Folder.ts"
import { apiFront, siteFront } from "./dev/fronts.ts"
import { course } from "./dev/happen.ts"
import { headerLines } from "./dev/header.ts"
import { CPU_SERVES, cpuRoutes, GENERATOR_SERVES, generatorRoutes } from "./dev/loadRoutes.ts"
import { PacedClock } from "./dev/PacedClock.ts"
import { freePorts, LOOPBACK, PORT_MAX } from "./dev/ports.ts"
import { TARGETS } from "./dev/scenarios/fleet.ts"
import { type ScenarioName, SCENARIOS } from "./dev/scenarios/index.ts"
import type { Scenario } from "./dev/scenarios/Scenario.ts"

/** Arguments that mean nothing; exits as other wrong arguments do. */
class SettingsError extends Schema.TaggedError<SettingsError>()("SettingsError", { detail: Schema.String }) {
  override get message() {
    return this.detail
  }
}

const API_PORT = 6550
const LOAD_PORT = 8081
const PROMETHEUS_PORT = 9090
const SPEED_MAX = 600
/** So fast, minutes are noise. */
const DAYS_FROM = 30

const names = Object.keys(SCENARIOS).filter((name): name is ScenarioName => Object.hasOwn(SCENARIOS, name))

const scenarioHelp = names.map((name) => `${name}: ${SCENARIOS[name].says}`).join("; ")

const flags = {
  scenario: Flag.Literals("scenario", names).pipe(
    Flag.withDescription(
      `What happens. ${scenarioHelp} (default: default; night-and-day from --speed ${DAYS_FROM} on)`
    ),
    Flag.optional
  ),
  speed: Flag.Finite("speed").pipe(
    Flag.withDescription(
      `How fast time goes, 0.1 to ${SPEED_MAX}: 60 makes an hour a minute. A machine that cannot keep up goes slower and says so; kubectl's own ages are of real time (default: 1)`
    ),
    Flag.withDefault(1)
  ),
  trace: Flag.String("trace").pipe(
    Flag.withDescription(
      `A CSV of seconds (or times) and requests per second, replayed on ${TARGETS["http"]} instead of the scenario's traffic`
    ),
    Flag.optional
  ),
  seed: Flag.Int("seed").pipe(
    Flag.withDescription("Of all that is left to chance (default: 42)"),
    Flag.withDefault(42)
  ),
  duration: Flag.String("duration").pipe(
    Flag.withDescription("Stop by itself after so much of the world's time: 90s, 10m, 24h"),
    Flag.optional
  ),
  apiPort: Flag.Int("api-port").pipe(
    Flag.withDescription(`Port of the Kubernetes API (default: ${API_PORT}, or one nearby that is free)`),
    Flag.withDefault(API_PORT)
  ),
  loadPort: Flag.Int("load-port").pipe(
    Flag.withDescription(`Port of the load generator (default: ${LOAD_PORT}, likewise)`),
    Flag.withDefault(LOAD_PORT)
  ),
  prometheusPort: Flag.Int("prometheus-port").pipe(
    Flag.withDescription(`Port of the embedded Prometheus API (default: ${PROMETHEUS_PORT}, likewise)`),
    Flag.withDefault(PROMETHEUS_PORT)
  )
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

export const parseDuration = (text: string): Result.Result<number, string> => {
  const [, amount = "", unit = ""] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/u.exec(text) ?? []
  const millis = Number(amount) * (UNITS[unit] ?? 0)
  return millis > 0 ? Result.succeed(millis) : Result.fail(`--duration ${text}: give a time such as 90s, 10m or 24h`)
}

const wrong = (detail: string) => new SettingsError({ detail })

const checkPorts = Effect.fnUntraced(function* (given: Readonly<Record<string, number>>) {
  for (const [flag, port] of Object.entries(given)) {
    if (!(port >= 0 && port <= PORT_MAX))
      return yield* wrong(`${flag} ${port}: give 0 to ${PORT_MAX}, where 0 is any that is free`)
  }
})

const durationOf = Effect.fnUntraced(function* (given: Option.Option<string>) {
  if (Option.isNone(given)) return undefined
  const parsed = parseDuration(given.value)
  return Result.isSuccess(parsed) ? parsed.success : yield* wrong(parsed.failure)
})

const traceOf = Effect.fnUntraced(function* (given: Option.Option<string>) {
  if (Option.isNone(given)) return undefined
  const files = yield* FileSystem.FileSystem
  const content = yield* Effect.result(files.readFileString(given.value))
  if (Result.isFailure(content))
    return yield* wrong(`--trace ${given.value} cannot be read: ${whyUnread(content.failure)}`)
  const trace = readTrace(content.success)
  return Result.isSuccess(trace) ? trace.success : yield* wrong(`--trace ${given.value}: ${trace.failure}`)
})

const replayOf = Effect.fnUntraced(function* (scenario: Scenario, trace: Trace | undefined) {
  if (trace === undefined) return undefined
  const workload = TARGETS["http"] ?? ""
  return scenario.workloads.some(({ name }) => name === workload)
    ? { trace, workload }
    : yield* wrong(`--trace is replayed on ${workload}, which this scenario does not have: choose another --scenario`)
})

const outputOf = (): Output => {
  const { stdout } = process
  const drawn = stdout.isTTY && process.env["TERM"] !== "dumb"
  return {
    write: (text) => void stdout.write(text),
    size: drawn ? () => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 }) : undefined,
    colors: drawn && (process.env["NO_COLOR"] ?? "") === ""
  }
}

/** Whoever read the output has gone, as `head` does: then there is nothing left to show. */
const outputGone = Effect.callback<void>((resume) => {
  // Stays, for there may be more than one write that nobody takes any more.
  process.stdout.on("error", () => resume(Effect.void))
})

const isTold = (line: string): boolean => /^\S+ (?:WARN|ERROR|FATAL)\b/u.test(line)

/** A table leaves no room for a log: that goes into a file, and only what is wrong is told. */
const layerLog = (
  board: Board,
  output: Output,
  now: () => number,
  level: Parameters<typeof layerLogging>[0]["level"],
  file?: string
) =>
  layerLogging({
    level,
    format: "pretty",
    colors: false,
    write: (line) => {
      if (output.size === undefined) return void process.stderr.write(`${line}\n`)
      if (file !== undefined) appendFileSync(file, `${line}\n`)
      if (isTold(line)) board.tell(now(), line.slice(line.indexOf(" ") + 1), "bad")
    }
  })

/** Before anything is scaled there is a past: pods that run, and minutes of metrics. */
const PAST_MILLIS = 120_000

const pacedClock = (speed: number) =>
  Effect.acquireRelease(
    Effect.sync(() => new PacedClock(Date.now() - PAST_MILLIS, speed)),
    (clock) => Effect.sync(() => clock.close())
  )

const portsOf = (
  apiPort: number,
  loadPort: number,
  prometheusPort: number,
  settings: ReturnType<typeof demoSettings>
) =>
  freePorts({
    api: { name: "Kubernetes API", port: apiPort },
    probes: { name: "probes and workload", port: settings.probePort },
    load: { name: "load generator", port: loadPort },
    dashboard: { name: "dashboard", port: settings.dashboardPort },
    metrics: { name: "operator metrics", port: settings.metricsPort },
    prometheus: { name: "Prometheus", port: prometheusPort }
  })

export const devCommand = Command.make(
  "dev",
  flags,
  Effect.fnUntraced(function* (given) {
    const { apiPort, loadPort, prometheusPort, seed, speed } = given
    if (!(speed >= 0.1 && speed <= SPEED_MAX)) return yield* wrong(`--speed ${speed}: give 0.1 to ${SPEED_MAX}`)
    yield* checkPorts({ "--api-port": apiPort, "--load-port": loadPort, "--prometheus-port": prometheusPort })
    const named = Option.getOrElse(given.scenario, () => (speed < DAYS_FROM ? "default" : "night-and-day"))
    const scenario: Scenario = SCENARIOS[named]
    const duration = yield* durationOf(given.duration)
    const replay = yield* replayOf(scenario, yield* traceOf(given.trace))
    const own = demoSettings(yield* settingsFrom({}))
    const ports = yield* portsOf(apiPort, loadPort, prometheusPort, own)
    const settings = {
      ...own,
      host: LOOPBACK,
      dashboardHost: LOOPBACK,
      probePort: ports.probes.port,
      dashboardPort: ports.dashboard.port,
      metricsPort: ports.metrics.port
    }
    const output = outputOf()
    const board = makeBoard(output)
    const clock = yield* pacedClock(speed)
    const folder = yield* Folder.acquire(process.cwd(), ports.api.port)

    const running = Effect.gen(function* () {
      const demo = { scenario, seed, ...(replay === undefined ? {} : { replay }) }
      const cluster = yield* world(demo)
      yield* clock.leap(PAST_MILLIS)
      yield* begin(cluster, demo)
      const api = yield* apiFront(cluster.api, ports.api.port)
      yield* siteFront(cluster.sites.prometheus, ports.prometheus.port)
      const kubeconfig = folder?.write("kubeconfig", Folder.kubeconfig(api.url))
      const answers = { on: true }
      const load = DemoLoad.layer(cluster, board)
      const generator = layerListener(
        {
          name: "load generator",
          port: ports.load.port,
          host: LOOPBACK,
          variable: "--load-port",
          serves: GENERATOR_SERVES
        },
        generatorRoutes
      )
      const servers = Layer.mergeAll(layerServers(settings, { serves: CPU_SERVES, routes: cpuRoutes }), generator).pipe(
        Layer.provide([load, Layer.succeed(MakesPageEarly, true)])
      )
      const { footer, header } = headerLines({
        scenario: named,
        says: scenario.says,
        kinds: new Set(scenario.policies.map(({ kind }) => kind)).size,
        wakes: scenario.workloads[0]?.name ?? "",
        ports,
        kubeconfig,
        server: api.url,
        // Since the process began: what somebody waited for.
        seconds: performance.now() / 1000,
        speed,
        log: output.size === undefined ? undefined : folder?.path
      })
      const realMillis = () => performance.now()
      const shown = { scenario: named, speed, realMillis, header, footer, podsOf: podsIn(cluster) }
      const everything = layerDisplay(board, output, shown).pipe(
        Layer.provideMerge(layerDemo(cluster, settings, answers, servers)),
        Layer.provide(layerMetrics({ processMetrics: true }))
      )
      yield* Effect.forkScoped(course(cluster, scenario, answers, board))
      const untilTold = Effect.raceFirst(Layer.launch(everything), outputGone)
      yield* duration === undefined ? untilTold : Effect.timeoutOption(untilTold, duration)
    })

    const level = process.env["LOG_LEVEL"] === undefined && output.size === undefined ? "Warn" : own.logLevel
    const log = layerLog(board, output, clock.currentTimeMillisUnsafe, level, folder?.write("operator.log", ""))
    const { otlpEndpoint, otlpTracesEndpoint, tracing } = own
    const traces = layerTelemetry({
      tracing,
      endpoint: otlpEndpoint,
      tracesEndpoint: otlpTracesEndpoint,
      serviceVersion: VERSION
    })
    yield* running.pipe(
      Effect.scoped,
      Effect.provide(traces),
      Effect.provide(log),
      Effect.provideService(Clock.Clock, clock)
    )
  }, Effect.scoped)
).pipe(
  Command.withDescription(
    "Starts an embedded cluster with workloads under load, the operator over it, and example policies of all kinds: no Docker, no cluster. Prints how to look at it; Ctrl-C ends it and leaves nothing behind."
  )
)
