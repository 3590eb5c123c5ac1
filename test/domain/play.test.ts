import { assert, describe, it } from "vitest"
import { play } from "#domain/play"
import { initialMemory } from "#domain/memory"
import { boundEngines, Course, hpaRates, limitsOf, observe, policyOf, stateOf } from "#test/domain/policies"

describe("play", () => {
  const policy = policyOf({ limits: limitsOf({ rates: hpaRates() }) })

  it("counts a decision that differs as written at that tick", () => {
    const { decision, memory } = play({
      policy,
      engines: boundEngines(policy),
      observation: observe(5000, stateOf(5), { rps: 800 }),
      memory: initialMemory(policy, 0)
    })
    assert.strictEqual(decision.desired, 8)
    assert.deepStrictEqual([memory.lastWritten, memory.lastWriteAt, memory.ups], [8, 5000, [{ at: 5000, change: 3 }]])
  })

  it("follows changes from outside and never freezes", () => {
    const course = new Course(policy, 5)
    for (let tick = 0; tick < 20; tick++) {
      course.replicas = tick % 2 === 0 ? 5 : 6
      course.tick(tick * 1000, { rps: 500 + 100 * (tick % 2) })
    }
    assert.isAbove(course.memory.foreignWrites.length, 2)
    assert.isUndefined(course.memory.frozenUntil)
  })
})
