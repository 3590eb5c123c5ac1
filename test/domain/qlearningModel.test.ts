import { assert, describe, it } from "vitest"
import { estimate, rewardOfEstimate, harmAt, learnHarm, type Model, UNKNOWN_MODEL } from "#domain/qlearningModel"
import { Dice } from "#test/domain/Dice"

const seen = (loads: ReadonlyArray<readonly [load: number, harm: number]>): Model =>
  loads.reduce((model, [load, harm]) => [1, 2, 3].reduce((so) => learnHarm(so, load, harm), model), UNKNOWN_MODEL)

describe("the model", () => {
  it("fears everything while it has seen nothing", () => {
    assert.strictEqual(harmAt(UNKNOWN_MODEL, 0.1), 0.8)
  })

  it("knows what it has seen, and takes what is well beyond it for a collapse", () => {
    const model = seen([
      [0.5, 0],
      [0.7, 0.1]
    ])
    assert.strictEqual(harmAt(model, 0.52), 0)
    assert.approximately(harmAt(model, 0.75), 0.1, 1e-9)
    assert.strictEqual(harmAt(model, 1.5), 0.8)
  })

  it("goes straight from one load that it knows to the next, so that no pod is free", () => {
    const model = seen([
      [0.55, 0],
      [0.75, 0.2]
    ])
    assert.approximately(harmAt(model, 0.6), 0.05, 1e-9)
    assert.approximately(harmAt(model, 0.7), 0.15, 1e-9)
  })

  it("never takes more load for less harm", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const dice = new Dice(seed)
      let model = UNKNOWN_MODEL
      for (let tick = 0; tick < 60; tick++) model = learnHarm(model, dice.float() * 2.5, dice.float() * 0.8)
      let before = 0
      for (let load = 0.05; load < 3; load += 0.05) {
        const harm = harmAt(model, load)
        assert.isTrue(harm >= before - 1e-12 && harm <= 0.8, `seed ${seed} at load ${load}`)
        before = harm
      }
    }
  })

  it("values more replicas by their cost where load does no harm, and fewer by the harm where it does", () => {
    const model = seen([
      [0.5, 0],
      [0.8, 0.4]
    ])
    const tried = (replicas: number) => rewardOfEstimate(estimate(model, { work: 4, from: 8, replicas, max: 10 }))
    assert.approximately(tried(8), -0.15 * 0.8, 1e-9)
    assert.isBelow(tried(10), tried(8))
    assert.isBelow(tried(5), tried(8))
  })
})
