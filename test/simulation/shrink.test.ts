import { assert, describe, it } from "vitest"
import type { Scenario } from "#simulation/Scenario"
import { shrink } from "#simulation/shrink"
import { scenarioOf } from "#simulation/swarm"

const drawn = scenarioOf({ seed: 12, minutes: 60 })
const base: Scenario = { ...drawn, faults: drawn.faults.map((fault, index) => ({ ...fault, pick: index })) }
const keeps = ({ faults }: Scenario, ...picks: ReadonlyArray<number>) =>
  picks.every((pick) => faults.some((fault) => fault.pick === pick))

describe("shrinking", () => {
  it("keeps the faults that it takes, and the policies and targets that they strike", () => {
    assert.isAbove(base.faults.length, 10)
    const name = base.policies[1]?.name ?? ""
    const stillFails = (one: Scenario) => keeps(one, 0, 2) && one.policies.some((each) => each.name === name)
    const small = shrink(base, stillFails, 1000)
    assert.deepStrictEqual(
      small.faults.map(({ pick }) => pick),
      [0, 2]
    )
    assert.deepStrictEqual(
      small.policies.map((each) => each.name),
      [name]
    )
    const named = small.policies[0]?.targets ?? []
    assert.isTrue(small.targets.length > 0 && small.targets.every((target) => named.includes(target.name)))
  })

  it("leaves a scenario as it is where everything is needed, and gives up in time", () => {
    assert.deepStrictEqual(
      shrink(base, () => false),
      base
    )
    let tries = 0
    shrink(base, () => tries++ < 0, 5)
    assert.strictEqual(tries, 5)
  })
})
