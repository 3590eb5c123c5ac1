/** What a command prints, and how it ends. */
import { Console, Effect, Exit } from "effect"

export const printed = <A, E, R>(command: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    let out = ""
    const text = (part: unknown) => (typeof part === "string" ? part : JSON.stringify(part))
    const log = (...parts: ReadonlyArray<unknown>) => void (out += `${parts.map(text).join(" ")}\n`)
    const real = yield* Console.Console
    const recording = Object.assign(Object.create(real) as Console.Console, { log })
    const exit = yield* Effect.exit(Effect.provideService(command, Console.Console, recording))
    return { out, exit, succeeded: Exit.isSuccess(exit) }
  })
