#!/usr/bin/env node
/** Hands the arguments to the command line and its outcome to the shell; the only file that ends the process. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { cli, verbOf } from "#cli/index"

const FAILED = 1
/** Wrong arguments or settings: trying again cannot help. */
const USAGE = 2
const INTERRUPTED = 130
const ENDLESS: ReadonlySet<string> = new Set(["run", "dev"])
/** After a signal the end may take so long; then it comes in any case. */
const GRACE_MILLIS = 12_000

const args = process.argv.slice(2)
const say = (text: string) => void process.stderr.write(`${text}\n`)

const isTagged = (error: unknown): error is { readonly _tag: string; readonly errors?: unknown } =>
  typeof error === "object" && error !== null && "_tag" in error

/** Says what went wrong, unless the command line has said it already, and answers with the exit code. */
const report = (error: unknown): number => {
  if (isTagged(error) && error._tag === "ShowHelp") {
    return Array.isArray(error.errors) && error.errors.length > 0 ? USAGE : 0
  }
  // A command that has told its findings fails with nothing more to say.
  if (isTagged(error) && error._tag === "Unsatisfied") return FAILED
  say(error instanceof Error ? error.message : String(error))
  return isTagged(error) && error._tag === "SettingsError" ? USAGE : FAILED
}

const exitCode = (exit: Exit.Exit<unknown, unknown>): number => {
  if (Exit.isSuccess(exit)) return 0
  // What runs until it is told to stop has done what it was asked for.
  if (Cause.hasInterruptsOnly(exit.cause)) return ENDLESS.has(verbOf(args) ?? "") ? 0 : INTERRUPTED
  const failure = exit.cause.reasons.find(Cause.isFailReason)
  if (failure !== undefined) return report(failure.error)
  say(`This is a bug in nimbusguard:\n${Cause.pretty(exit.cause)}`)
  return FAILED
}

let signals = 0
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    signals++
    if (signals > 1 && signal === "SIGINT") process.exit(INTERRUPTED)
    setTimeout(() => {
      say(`Not done ${GRACE_MILLIS / 1000} s after ${signal}: ending now`)
      process.exit(FAILED)
    }, GRACE_MILLIS).unref()
  })
}

NodeRuntime.runMain(Effect.provide(cli(args), NodeServices.layer), {
  disableErrorReporting: true,
  teardown: (exit) => {
    const code = exitCode(exit)
    // A pipe takes 64 KiB at a time, and what it has not taken is lost when the process ends.
    process.stdout.write("", () => process.exit(code))
  }
})
