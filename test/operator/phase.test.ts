import { assert, describe, it } from "vitest"
import type { Status } from "#schemas/Status"
import { conditionsOf } from "#operator/conditions"
import type { Facts } from "#operator/Facts"
import { phaseOf } from "#operator/phase"
import { AT, facts, target } from "#test/operator/factsOf"
import { policyOf } from "#test/operator/records"

const phase = (given: Facts) => phaseOf(given, conditionsOf(given, []))

const until = (millis: number) => ({ direction: "Both" as const, until: millis })

describe("phase", () => {
  const refusals = [{ reason: "InvalidSpec" as const, path: "spec", message: "No." }]
  const PHASES: ReadonlyArray<readonly [string, Facts, Status["phase"]]> = [
    ["Active", facts(), "Active"],
    ["Learning while no engine could propose yet", facts({ proposed: false }), "Learning"],
    ["Initializing before the first tick", facts({ targets: [] }), "Initializing"],
    ["Error when it cannot be run", facts({ policy: undefined, refusals }), "Error"],
    ["Paused by its mode, even in error", facts({ policy: policyOf("a", { mode: "Paused" }), refusals }), "Paused"],
    ["Paused until its time", facts({ policy: policyOf("a", { pause: until(AT + 1) }) }), "Paused"],
    ["Active when the pause is over", facts({ policy: policyOf("a", { pause: until(AT) }) }), "Active"],
    [
      "Active when one direction is paused",
      facts({ policy: policyOf("a", { pause: { direction: "Down" } }) }),
      "Active"
    ],
    ["Paused at 0 replicas that we did not write", facts({ targets: [target({ replicas: 0 })] }), "Paused"],
    [
      "Active at 0 replicas of our own",
      facts({ targets: [target({ replicas: 0, memory: { lastWritten: 0 } })] }),
      "Active"
    ]
  ]
  for (const [title, given, want] of PHASES) it(`is ${title}`, () => assert.strictEqual(phase(given), want))
})
