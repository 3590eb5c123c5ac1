/**
 * Fills the table of Settings.ts from flags, environment and mounted files, in this order. Read once, at start; all
 * mistakes are reported together, each in a sentence that names the place of the mistake and says what to write.
 */
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type ReadFile, readPolicyDefaults } from "./policyDefaults.ts"
import { isLoopback, type Setting, SETTINGS, type Settings, type Surroundings, type Values } from "./Settings.ts"

export class SettingsError extends Schema.TaggedError<SettingsError>()("SettingsError", {
  problems: Schema.Array(Schema.String)
}) {
  override get message() {
    return this.problems.join("\n")
  }
}

/** One place that settings may come from, in the order in which they are asked. */
export interface Origin {
  /** "--metrics-port" or "METRICS_PORT" or "/etc/nimbusguard/METRICS_PORT". */
  readonly name: (setting: Setting<unknown>) => string
  readonly provider: ConfigProvider.ConfigProvider
}

export const fromFlags = (flags: Readonly<Record<string, string>>): Origin => ({
  name: ({ flag, variable }) => `--${flag ?? variable}`,
  provider: ConfigProvider.fromUnknown(flags)
})

/** A Service named "metrics" makes Kubernetes set METRICS_PORT=tcp://10.0.0.7:80 in every pod beside it. */
const isServiceLink = (variable: string, value: string) => variable.endsWith("_PORT") && value.startsWith("tcp://")

export const fromEnvironment = (env: Readonly<Record<string, string | undefined>>): Origin => ({
  name: ({ variable }) => variable,
  provider: ConfigProvider.fromUnknown(
    Object.fromEntries(
      Object.entries(env).filter(([name, value]) => value !== undefined && value !== "" && !isServiceLink(name, value))
    )
  )
})

export const fromFiles = (directory: string, readFile: ReadFile): Origin => ({
  name: ({ variable }) => `${directory}/${variable}`,
  provider: ConfigProvider.make(([variable]) =>
    Effect.try({
      try: () => {
        const content = readFile(`${directory}/${variable}`)
        return content === undefined || content.trim() === "" ? undefined : ConfigProvider.makeValue(content)
      },
      catch: (cause) => new ConfigProvider.SourceError({ message: `${directory}/${variable}`, cause })
    })
  )
})

const find = Effect.fnUntraced(function* (origins: ReadonlyArray<Origin>, setting: Setting<unknown>) {
  for (const origin of origins) {
    for (const variable of [setting.variable, ...setting.aliases]) {
      const found = yield* Config.option(Config.String(variable)).parse(origin.provider)
      if (Option.isSome(found)) return { name: origin.name(setting), value: found.value.trim() }
    }
  }
  return undefined
})

const crossChecks = (values: Values): ReadonlyArray<string> => {
  const problems: Array<string> = []
  for (const key of ["metricsPort", "probePort"] as const) {
    if (values.dashboardPort !== 0 && values.dashboardPort === values[key]) {
      problems.push(
        `DASHBOARD_PORT and ${SETTINGS[key].variable} are both ${values.dashboardPort}: give one of them another port`
      )
    }
  }
  const asks = values.dashboardToken !== undefined || values.dashboardTokenReview
  if (!isLoopback(values.dashboardHost) && !asks) {
    problems.push(
      `DASHBOARD_HOST is ${values.dashboardHost}, which opens the dashboard to the network: set DASHBOARD_TOKEN or DASHBOARD_TOKEN_REVIEW too, or leave DASHBOARD_HOST unset and use kubectl port-forward`
    )
  }
  return problems
}

export interface Given {
  readonly flags: Readonly<Record<string, string>>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly readFile: ReadFile
  readonly surroundings: Surroundings
}

/** A refused value as it may be repeated: without what stands where a URL has its password, and its token. */
const shown = (value: string): string => value.replace(/^.*@/su, "***@").replace(/\?.*$/su, "?***")

export const loadSettings = Effect.fnUntraced(function* (given: Given) {
  const problems: Array<string> = []
  const direct = [fromFlags(given.flags), fromEnvironment(given.env)]

  const readOne = Effect.fnUntraced(function* <A>(entry: Setting<A>, origins: ReadonlyArray<Origin>) {
    const found = yield* find(origins, entry).pipe(
      Effect.catch((error) => {
        problems.push(`${error.cause.message} cannot be read: make it readable for this user, or remove it`)
        return Effect.succeed(undefined)
      })
    )
    const fallback = entry.whenAbsent(given.surroundings)
    if (found === undefined) return fallback
    const read = entry.read(found.value)
    if (Result.isSuccess(read)) return read.success
    problems.push(
      `${found.name} is ${entry.secret ? "not usable" : JSON.stringify(shown(found.value))}: ${read.failure}`
    )
    return fallback
  })

  const directory = yield* readOne(SETTINGS.settingsDir, direct)
  const origins = [...direct, fromFiles(directory, given.readFile)]
  const read: Record<string, unknown> = {}
  for (const [key, entry] of Object.entries<Setting<unknown>>(SETTINGS)) read[key] = yield* readOne(entry, origins)
  // Every key was read by its own entry just above, so the record has the type that the table gives it.
  const values = read as unknown as Values

  const defaults = readPolicyDefaults(values.defaultsFile, given.readFile)
  if (Result.isFailure(defaults)) problems.push(...defaults.failure)
  problems.push(...crossChecks(values))
  if (problems.length > 0 || Result.isFailure(defaults)) {
    return yield* new SettingsError({ problems: [...new Set(problems)] })
  }

  const endpoint = values.otlpTracesEndpoint ?? values.otlpEndpoint
  const settings: Settings = {
    ...values,
    inCluster: given.surroundings.inCluster,
    tracing: endpoint !== undefined && !values.otelDisabled && values.otelTracesExporter !== "none",
    defaults: defaults.success
  }
  return settings
})
