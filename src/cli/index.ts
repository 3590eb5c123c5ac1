/**
 * The command line: one file per verb, one line here. Only the verb that was asked for is loaded, so that
 * `nimbusguard run` starts without what the others need.
 */
import * as CliConfig from "effect/cli/CliConfig"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { VERSION } from "#services/version"

const VERBS = {
  run: async () => (await import("#cli/run")).runCommand,
  doctor: async () => (await import("#cli/doctor")).doctorCommand,
  decide: async () => (await import("#cli/decide")).decideCommand,
  dev: async () => (await import("#cli/dev")).devCommand,
  simulate: async () => (await import("#cli/simulate")).simulateCommand,
  backtest: async () => (await import("#cli/backtest")).backtestCommand,
  quality: async () => (await import("#cli/quality")).qualityCommand,
  explain: async () => (await import("#cli/explain")).explainCommand,
  validate: async () => (await import("#cli/validate")).validateCommand,
  manifests: async () => (await import("#cli/manifests")).manifestsCommand
}

type Name = keyof typeof VERBS
const isName = (name: string): name is Name => Object.hasOwn(VERBS, name)

/** The verb of the arguments, or undefined: then all of them are loaded, for the help. */
export const verbOf = (args: ReadonlyArray<string>): Name | undefined => {
  const first = args.find((arg) => !arg.startsWith("-"))
  return first !== undefined && isName(first) && !args.includes("--completions") ? first : undefined
}

/** Standard output is for what was asked for: whoever reads it as JSON must not get a page of help. */
const present: CliOutput.Presenter["present"] = Effect.fnUntraced(function* (event) {
  if (event._tag !== "InvalidInvocation") return yield* CliOutput.defaultPresenter.present(event)
  const { commandPath, errors, helpDoc } = event
  const formatter = CliOutput.defaultFormatter({ colors: false })
  if (commandPath.length < 2) yield* Console.error(formatter.formatHelpDoc(helpDoc))
  yield* Console.error([...new Set(errors.map(({ message }) => message))].join("\n"))
  yield* Console.error(`Usage: ${helpDoc.usage}\nSee ${commandPath.join(" ")} --help.`)
})

// Untraced, as the verbs are: a span around a process that runs for months would be the parent of everything.
export const cli = Effect.fnUntraced(function* (args: ReadonlyArray<string>) {
  const verb = verbOf(args)
  const names = verb === undefined ? Object.keys(VERBS).filter(isName) : [verb]
  const verbs = yield* Effect.forEach(names, (name) =>
    Effect.promise<Awaited<ReturnType<(typeof VERBS)[Name]>>>(VERBS[name])
  )
  const root = Command.make("nimbusguard").pipe(
    Command.withDescription("An autoscaling operator for Kubernetes that explains itself and cannot hurt you."),
    Command.withSubcommands(verbs)
  )
  // LOG_LEVEL is a setting of `run`, read like all others.
  const builtIns = [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions]
  yield* Command.runWith(root, { version: VERSION })(args).pipe(
    Effect.provide([CliConfig.layer({ builtIns }), CliOutput.layerPresenter({ present })])
  )
})
