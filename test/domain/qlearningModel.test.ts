import { assert, describe, it } from "vitest"
import {
  estimate,
  harmAt,
  learnHarm,
  type Model,
  type Pending,
  postpone,
  rewardOfEstimate,
  ripen,
  UNKNOWN_MODEL
} from "#domain/qlearningModel"
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
    assert.approximately(harmAt(model, 1), 0.68, 0.01)
    assert.approximately(harmAt(model, 1.5), 0.8 + 0.4, 1e-9)
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
        assert.isTrue(harm >= before - 1e-12 && harm <= 2.4, `seed ${seed} at load ${load}`)
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

describe("a choice", () => {
  const choice = (at: number): Pending => ({ at, until: at + 240, from: 5, chosen: 4, baseline: 5, work: 0 })

  it("is valued at the most work there was until a pod could have been back", () => {
    let pending = postpone([], choice(0))
    for (const [at, work] of [
      [10, 3],
      [100, 9],
      [200, 2]
    ] as const) {
      const { ripe, waiting } = ripen(pending, at, work)
      assert.deepStrictEqual(ripe, [])
      pending = waiting
    }
    assert.deepStrictEqual(ripen(pending, 240, 1).ripe, [{ ...choice(0), work: 9 }])
  })

  it("waits with not too many others", () => {
    let pending: ReadonlyArray<Pending> = []
    for (let at = 0; at < 240; at++) pending = postpone(pending, choice(at))
    assert.strictEqual(pending.length, 24)
  })
})
