import { Cause, Data, Exit } from "effect"
import { assert, describe, it } from "vitest"
import { outcomeOf } from "#cli/outcome"

class ShowHelp extends Data.TaggedError("ShowHelp")<{ readonly errors: ReadonlyArray<Error> }> {}
class Unsatisfied extends Data.TaggedError("Unsatisfied") {}
class SettingsError extends Data.TaggedError("SettingsError")<{ readonly message: string }> {}

describe("the outcome for the shell", () => {
  it.each([
    ["what was done", Exit.void, "validate", { code: 0 }],
    ["help that was asked for", Exit.fail(new ShowHelp({ errors: [] })), undefined, { code: 0 }],
    ["help after wrong arguments", Exit.fail(new ShowHelp({ errors: [new Error()] })), undefined, { code: 2 }],
    ["findings that are told already", Exit.fail(new Unsatisfied()), "validate", { code: 1 }],
    ["settings", Exit.fail(new SettingsError({ message: "--x: give y" })), "run", { code: 2, says: "--x: give y" }],
    ["any other failure", Exit.fail(new Error("no cluster")), "run", { code: 1, says: "no cluster" }],
    ["an end of what has no end", Exit.failCause(Cause.interrupt()), "dev", { code: 0 }],
    ["an end of what has one", Exit.failCause(Cause.interrupt()), "simulate", { code: 130 }]
  ] as const)("tells of %s", (_, exit, verb, outcome) => {
    assert.deepStrictEqual(outcomeOf(exit, verb), outcome)
  })

  it("calls a defect a bug, with what led to it", () => {
    const { code, says } = outcomeOf(Exit.die(new Error("cannot be")), "run")
    assert.strictEqual(code, 1)
    assert.match(says ?? "", /^This is a bug in nimbusguard:\nError: cannot be\n {4}at /u)
  })
})
