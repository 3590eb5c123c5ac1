/**
 * A command as the shell would hear it, in this process: what it prints, what it complains of and its exit code. For
 * tests of what commands say; signals, pipes and environments want a process of their own (nimbusguard.ts, processes.ts).
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, Effect, Layer, Sink, Stdio, Stream } from "effect"
import { cli, verbOf } from "#cli/index"
import { outcomeOf } from "#cli/outcome"

const textOf = (part: unknown) => (typeof part === "string" ? part : JSON.stringify(part))

export const called = (args: ReadonlyArray<string>, input = "") =>
  Effect.gen(function* () {
    let [stdout, stderr] = ["", ""]
    const real = yield* Console.Console
    const recording = Object.assign(Object.create(real) as Console.Console, {
      log: (...parts: ReadonlyArray<unknown>) => void (stdout += `${parts.map(textOf).join(" ")}\n`),
      error: (...parts: ReadonlyArray<unknown>) => void (stderr += `${parts.map(textOf).join(" ")}\n`)
    })
    const stdio = Stdio.layerTest({
      stdin: Stream.encodeText(Stream.make(input)),
      stdout: () => Sink.forEach((part) => Effect.sync(() => void (stdout += Buffer.from(part).toString())))
    })
    const services = Layer.mergeAll(NodeServices.layer, stdio, Layer.succeed(Console.Console, recording))
    const exit = yield* Effect.exit(Effect.provide(cli(args), services))
    const { code, says } = outcomeOf(exit, verbOf(args))
    return { code, stdout, stderr: says === undefined ? stderr : `${stderr}${says}\n` }
  }).pipe(Effect.runPromise)
