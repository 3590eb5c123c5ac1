/** What is learned in a simulation is where a policy begins, and no decision of its own. */
import { Result } from "effect"
import { assert, describe, it } from "vitest"
import { parse, stringify } from "yaml"
import { ownPolicy } from "#judge/entrants"
import { learnedPatch } from "#judge/learnedPatch"
import { learnOn } from "#judge/learn"
import { readPolicyFile } from "#judge/policyFile"
import { patternScenario } from "#judge/scenarios"
import { loadOf } from "#workload/Load"
import { WEB } from "#workload/Workload"

interface Manifest {
  readonly spec: object
}

const fileOf = (qLearning: object) => {
  const manifest = parse(ownPolicy(WEB)) as Manifest
  const yaml = stringify({ ...manifest, spec: { ...manifest.spec, aiConfig: { qLearning } } })
  return Result.getOrThrowWith(readPolicyFile("p.yaml", yaml, undefined), (why) => new Error(why))
}

const load = loadOf(Result.getOrThrow(patternScenario("diurnal:day=1800", WEB, 1800, "a")), 1)

interface Learned {
  readonly transitions: number
  readonly table: Readonly<Record<string, string>>
  readonly gate: { readonly steering: boolean }
}

const learned = (qLearning: object) => learnOn(load, fileOf(qLearning))["qlearning"] as Learned

describe("learning in a simulation", () => {
  it("ends as a patch of the policy, which begins where it ended and has no say for that", () => {
    const first = learned({})
    assert.isAbove(first.transitions, 300)
    const patch = Result.getOrThrow(learnedPatch({ qlearning: first }))
    const { spec } = parse(patch) as { readonly spec: { readonly aiConfig: { readonly qLearning: object } } }
    const short = loadOf(Result.getOrThrow(patternScenario("steady", WEB, 60, "a")), 1)
    const again = learnOn(short, fileOf(spec.aiConfig.qLearning))["qlearning"] as Learned
    assert.includeMembers(Object.keys(again.table), Object.keys(first.table))
    assert.isFalse(again.gate.steering)
    assert.isBelow(again.transitions, 20)
  })
})
