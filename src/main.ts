#!/usr/bin/env node
/** Hands the arguments to the command line and its outcome to the shell; the only file that ends the process. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import { cli, verbOf } from "#cli/index"
import { INTERRUPTED, outcomeOf } from "#cli/outcome"

/** After a signal the end may take so long; then it comes in any case. */
const GRACE_MILLIS = 12_000

const args = process.argv.slice(2)
const say = (text: string) => void process.stderr.write(`${text}\n`)

let signals = 0
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    signals++
    if (signals > 1 && signal === "SIGINT") process.exit(INTERRUPTED)
    setTimeout(() => {
      say(`Not done ${GRACE_MILLIS / 1000} s after ${signal}: ending now`)
      process.exit(1)
    }, GRACE_MILLIS).unref()
  })
}

NodeRuntime.runMain(Effect.provide(cli(args), NodeServices.layer), {
  disableErrorReporting: true,
  teardown: (exit) => {
    const { code, says } = outcomeOf(exit, verbOf(args))
    if (says !== undefined) say(says)
    // A pipe takes 64 KiB at a time, and what it has not taken is lost when the process ends.
    process.stdout.write("", () => process.exit(code))
  }
})
