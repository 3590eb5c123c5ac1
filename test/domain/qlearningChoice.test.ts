import { assert, describe, it } from "vitest"
import { choose, type ChoiceInput, drawsOf, epsilonAfter, USUAL_RATES } from "#domain/qlearningChoice"
import { Dice } from "#test/domain/Dice"
import { observe, policyOf, stateOf, watched } from "#test/domain/policies"

const asked = (over: Partial<ChoiceInput> = {}, replicas = 10): ChoiceInput => ({
  policy: policyOf(),
  observation: observe(0, stateOf(replicas)),
  table: { s: "-5:0:9" },
  state: "s",
  baseline: 10,
  broken: false,
  epsilon: 0,
  draw: drawsOf(1),
  ...over
})

describe("epsilon", () => {
  it("falls by its factor with each transition, from its start to its end", () => {
    const rates = { ...USUAL_RATES, epsilonDecay: 0.5, epsilonEnd: 0.1 }
    assert.deepStrictEqual(
      [0, 1, 2, 3, 4, 1e6].map((transitions) => epsilonAfter(transitions, rates)),
      [1, 0.5, 0.25, 0.125, 0.1, 0.1]
    )
  })
})

describe("chance", () => {
  it("is the seed's alone, and even between neighbouring seeds", () => {
    assert.deepStrictEqual([1, 2, 3].map(drawsOf(7)), [1, 2, 3].map(drawsOf(7)))
    const firsts = Array.from({ length: 10_000 }, (_, seed) => drawsOf(seed)())
    for (let tenth = 0; tenth < 10; tenth++) {
      const share = firsts.filter((draw) => Math.floor(draw * 10) === tenth).length / firsts.length
      assert.approximately(share, 0.1, 0.015)
    }
  })
})

describe("the choice", () => {
  it("goes by what was learned, within 20 % of the others", () => {
    assert.deepStrictEqual(choose(asked()), { replicas: 8, greedy: true })
    assert.deepStrictEqual(choose(asked({ table: { s: "10:0:9" } })), { replicas: 12, greedy: true })
    assert.deepStrictEqual(choose(asked({ table: { s: "1:0:9" } })), { replicas: 11, greedy: true })
  })

  it("follows the others where nothing is known, or what is known is out of bounds", () => {
    assert.deepStrictEqual(choose(asked({ state: "t" })), { replicas: 10, greedy: false })
    const policy = policyOf({ bounds: { min: 9, max: 11 } })
    assert.deepStrictEqual(choose(asked({ policy })), { replicas: 10, greedy: false })
  })

  it("explores as often as it is told", () => {
    const dice = new Dice(3)
    const explored = Array.from({ length: 4000 }, () =>
      choose(asked({ epsilon: 0.3, draw: drawsOf(dice.int(0, 1e9)) }))
    ).filter(({ greedy }) => !greedy)
    assert.approximately(explored.length / 4000, 0.3, 0.03)
    assert.deepStrictEqual(
      [...new Set(explored.map(({ replicas }) => replicas))].toSorted((a, b) => a - b),
      [8, 9, 10, 11, 12]
    )
  })

  it("does not go below the others while an objective is broken", () => {
    assert.strictEqual(choose(asked({ broken: true })).replicas, 10)
    assert.strictEqual(choose(asked({ broken: true, table: { s: "2:0:9" } })).replicas, 12)
  })

  it("never goes down below what the objectives allow", () => {
    const policy = policyOf({
      signals: [watched("latency", { role: "latency" })],
      objectives: { latency: { signal: "latency", targetMs: 200, goodFraction: 0.99 } }
    })
    const at = (latency: number) =>
      choose(asked({ policy, observation: observe(0, stateOf(10), { latency }) })).replicas
    assert.strictEqual(at(190), 10)
    assert.strictEqual(at(20), 8)
  })
})
