import { assert, describe, it } from "vitest"
import { initialMemory } from "#domain/memory"
import { play } from "#domain/play"
import { notAhead } from "#domain/setBack"
import type { Memory } from "#schemas/Memory"
import { boundEngines, hpaRates, limitsOf, memoryOf, observe, policyOf, stateOf } from "#test/domain/policies"

const HOUR = 3_600_000
const at = 10 * HOUR

describe("notAhead", () => {
  it("gives the same object back where nothing is ahead", () => {
    const memory = memoryOf(policyOf(), {
      recommendations: [{ at, replicas: 3 }],
      lastWriteAt: at,
      frozenUntil: at + HOUR / 2,
      downBlockedUntil: at + HOUR / 2
    })
    assert.strictEqual(notAhead(memory, at), memory)
  })

  it("takes what has yet to come for now, and no freeze and no block for longer than they can be", () => {
    const late = at + HOUR
    const memory = memoryOf(policyOf(), {
      recommendations: [
        { at: at - 1, replicas: 3 },
        { at: late, replicas: 4 }
      ],
      ups: [{ at: late, change: 1 }],
      downs: [{ at: at - 1, change: -1, outdated: true }],
      lastUpAt: late,
      lastWriteAt: late,
      lastDown: { at: late, from: 5, to: 4 },
      frozenUntil: late,
      downBlockedUntil: late
    })
    const expected: Partial<Memory> = {
      recommendations: [
        { at: at - 1, replicas: 3 },
        { at, replicas: 4 }
      ],
      ups: [{ at, change: 1 }],
      downs: [{ at: at - 1, change: -1, outdated: true }],
      lastUpAt: at,
      lastWriteAt: at,
      lastDown: { at, from: 5, to: 4 },
      frozenUntil: at + HOUR / 2,
      downBlockedUntil: at + HOUR / 2
    }
    assert.deepStrictEqual(notAhead(memory, at), { ...memory, ...expected })
  })
})

describe("after a clock was set back by ten hours", () => {
  const policy = policyOf({ bounds: { min: 1, max: 20 }, limits: limitsOf({ rates: hpaRates() }) })
  const engines = boundEngines(policy)
  const course = (ticks: ReadonlyArray<readonly [millis: number, rps: number]>) => {
    let memory = initialMemory(policy, at)
    let replicas = 4
    return ticks.map(([millis, rps]) => {
      const decided = play({ policy, engines, observation: observe(millis, stateOf(replicas), { rps }), memory })
      memory = decided.memory
      replicas = decided.decision.desired
      return replicas
    })
  }

  it("replicas go up at once, and down after one window", () => {
    const minutes = [0, 60_000, 299_000, 301_000].map((millis): readonly [number, number] => [millis, 200])
    assert.deepStrictEqual(course([[at, 400], [0, 800], ...minutes]), [4, 8, 8, 8, 8, 2])
  })
})
