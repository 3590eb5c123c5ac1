/** `nimbusguard decide`: one observation per line in, one decision per line out, by the operator's own pipeline. */
import * as Flag from "effect/cli/Flag"
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { Conversation } from "./decide/Conversation.ts"
import { whyUnread } from "#cli/whyUnread"
import { readPolicyFile } from "#judge/policyFile"
import { Session } from "./decide/Session.ts"

/** What is wrong has been said; the shell only has to know that something is. */
class Unsatisfied extends Data.TaggedError("Unsatisfied") {}

const sayNo = Effect.fnUntraced(function* (message: string) {
  yield* Console.error(message)
  return yield* new Unsatisfied()
})

const policyFrom = Effect.fnUntraced(function* (path: string, name: string | undefined) {
  const content = yield* Effect.result((yield* FileSystem.FileSystem).readFileString(path))
  if (Result.isFailure(content)) return yield* sayNo(`${path} cannot be read: ${whyUnread(content.failure)}`)
  const file = readPolicyFile(path, content.success, name)
  if (Result.isFailure(file)) return yield* sayNo(file.failure)
  for (const { message, path: field } of file.success.findings) yield* Console.error(`note: ${field}: ${message}`)
  return file.success
})

const END = Symbol("end of input")

/** Whoever was to be answered has gone (`| head`): there is nobody left to tell. */
const isHangUp = (cause: unknown): boolean =>
  typeof cause === "object" && cause !== null && "code" in cause && cause.code === "EPIPE"

export const decideCommand = Command.make(
  "decide",
  {
    policy: Flag.String("policy").pipe(
      Flag.withDescription(
        "File with the policy, YAML or JSON, of any of the four kinds. With --protocol it may be left out."
      ),
      Flag.optional
    ),
    name: Flag.String("name").pipe(
      Flag.withDescription("Which policy of the file, as NAME or KIND/NAME, where it holds several."),
      Flag.optional
    ),
    protocol: Flag.Int("protocol").pipe(
      Flag.withDescription(
        "Speak the decider protocol of this version (1) of an evaluator instead: init, ticks and end as lines in, replicas out."
      ),
      Flag.optional
    ),
    printPolicy: Flag.Boolean("print-policy").pipe(
      Flag.withDescription("With --protocol: print the ScalingPolicy that is made of the init message on stderr."),
      Flag.withDefault(false)
    )
  },
  Effect.fn("decide")(function* ({ name, policy, printPolicy, protocol }) {
    const file = Option.isNone(policy) ? undefined : yield* policyFrom(policy.value, Option.getOrUndefined(name))
    if (Option.isSome(protocol) && protocol.value !== 1) {
      return yield* sayNo(`protocol ${protocol.value} is not known: use --protocol 1.`)
    }
    if (Option.isNone(protocol) && file === undefined) {
      return yield* sayNo("Name the file of the policy to decide by: --policy FILE.")
    }
    const told: Array<string> = []
    const session =
      Option.isSome(protocol) || file === undefined
        ? new Conversation(file, (yaml) => void (printPolicy && told.push(yaml)))
        : new Session(file)
    const stdio = yield* Stdio.Stdio
    let problem: string | undefined
    // What has been read is answered before anything more is read: a peer may wait for each answer.
    yield* stdio.stdin.pipe(
      Stream.decodeText,
      Stream.concat(Stream.succeed(END)),
      Stream.mapEffect(
        Effect.fnUntraced(function* (text: string | typeof END) {
          const answered = text === END ? session.end() : session.feed(text)
          for (const text of [...told.splice(0), ...session.warnings.splice(0)]) yield* Console.error(text)
          problem = answered.problem
          return answered
        })
      ),
      Stream.takeUntil((answered) => answered.problem !== undefined),
      Stream.map(({ out }) => out),
      Stream.filter((out) => out !== ""),
      Stream.run(stdio.stdout()),
      Effect.catchTag("PlatformError", (error) => (isHangUp(error.cause) ? Effect.void : Effect.fail(error)))
    )
    if (problem !== undefined) return yield* sayNo(problem)
  })
).pipe(
  Command.withDescription(
    'Decides by a policy file, without a cluster: one observation per line in, {"t":seconds,"replicas":n,"ready":n,"signals":{"name":number|null}}, one decision per line out. A decision counts as written at once. Exit code 1 at the first line that cannot be understood.'
  )
)
