/** `nimbusguard validate`: what the API server and the operator would say about manifests, without either. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { whyUnread } from "#cli/whyUnread"
import { inspector, unreadable } from "./validate/inspect.ts"
import { isRefused, toJson, toText } from "./validate/print.ts"

/** The findings are told; the shell only has to know that there are some. */
class Unsatisfied extends Data.TaggedError("Unsatisfied") {}

const read = Effect.fn("validate.read")(function* (file: string) {
  if (file === "-") return yield* Stream.mkString(Stream.decodeText((yield* Stdio.Stdio).stdin))
  return yield* (yield* FileSystem.FileSystem).readFileString(file)
})

export const validateCommand = Command.make(
  "validate",
  {
    files: Argument.String("file").pipe(
      Argument.withDescription("Files of YAML or JSON with any number of objects; - is standard input."),
      Argument.variadic({ min: 1 })
    ),
    output: Flag.Literals("output", ["text", "json"]).pipe(
      Flag.withDescription("How to answer (default: text on a terminal, else json)."),
      Flag.optional
    )
  },
  Effect.fn("validate")(function* ({ files, output }) {
    const inspect = inspector()
    const inspections = yield* Effect.forEach(files, (file) => {
      const name = file === "-" ? "standard input" : file
      return Effect.match(read(file), {
        onSuccess: (content) => inspect(name, content),
        // The other files are looked at all the same.
        onFailure: (error) => [unreadable(name, whyUnread(error))]
      })
    })
    const all = inspections.flat()
    const isTerminal = yield* (yield* Stdio.Stdio).stdoutIsTerminal
    const format = Option.getOrElse(output, () => (isTerminal ? "text" : "json"))
    yield* Console.log(format === "text" ? toText(all) : toJson(all))
    if (all.some(isRefused)) return yield* new Unsatisfied()
  })
).pipe(
  Command.withDescription(
    "Says what an API server and the operator would make of manifests, word for word, without a cluster. Exit code 1 when anything is refused."
  )
)
