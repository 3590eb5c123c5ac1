/** What the shell is told of how a command ended: an exit code, and the sentence that nobody has said yet. */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"

export interface Outcome {
  readonly code: number
  /** For standard error; absent: there is nothing more to say. */
  readonly says?: string
}

const FAILED = 1
/** Wrong arguments or settings: trying again cannot help. */
const USAGE = 2
export const INTERRUPTED = 130
const ENDLESS: ReadonlySet<string> = new Set(["run", "dev"])

const isTagged = (error: unknown): error is { readonly _tag: string; readonly errors?: unknown } =>
  typeof error === "object" && error !== null && "_tag" in error

const failedWith = (error: unknown): Outcome => {
  if (isTagged(error) && error._tag === "ShowHelp") {
    return { code: Array.isArray(error.errors) && error.errors.length > 0 ? USAGE : 0 }
  }
  // A command that has told its findings fails with nothing more to say.
  if (isTagged(error) && error._tag === "Unsatisfied") return { code: FAILED }
  const says = error instanceof Error ? error.message : String(error)
  return { code: isTagged(error) && error._tag === "SettingsError" ? USAGE : FAILED, says }
}

export const outcomeOf = (exit: Exit.Exit<unknown, unknown>, verb: string | undefined): Outcome => {
  if (Exit.isSuccess(exit)) return { code: 0 }
  // What runs until it is told to stop has done what it was asked for.
  if (Cause.hasInterruptsOnly(exit.cause)) return { code: ENDLESS.has(verb ?? "") ? 0 : INTERRUPTED }
  const failure = exit.cause.reasons.find(Cause.isFailReason)
  if (failure !== undefined) return failedWith(failure.error)
  return { code: FAILED, says: `This is a bug in nimbusguard:\n${Cause.pretty(exit.cause)}` }
}
