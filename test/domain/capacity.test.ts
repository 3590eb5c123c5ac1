import { assert, describe, it } from "vitest"
import { badAt, goodUpTo, learnPerPod, learnSteepness, UNKNOWN_CAPACITY } from "#domain/capacity"
import type { Capacity } from "#schemas/Capacity"
import { Dice } from "#test/domain/Dice"

/** Share of requests that wait, in a queue with that many workers. */
const erlangC = (workers: number, load: number): number => {
  let blocked = 1
  for (let worker = 1; worker <= workers; worker++)
    blocked = (load * workers * blocked) / (worker + load * workers * blocked)
  return blocked / (1 - load * (1 - blocked))
}

/** Share of requests that wait longer than so many service times. */
const late = (workers: number, load: number, services: number): number =>
  erlangC(workers, load) * Math.exp(-workers * (1 - load) * services)

const learned = (load: (tick: number) => number, workers: number, services: number): Capacity => {
  let capacity = UNKNOWN_CAPACITY
  for (let tick = 0; tick < 400; tick++) {
    const at = load(tick)
    capacity = learnSteepness(capacity, {
      load: at,
      badFraction: late(workers, at, services),
      requests: 500,
      steady: true
    })
  }
  return capacity
}

describe("what a pod serves", () => {
  it("is found within 2 % through noise, whatever the load, and followed when it changes", () => {
    const dice = new Dice(3)
    let capacity = UNKNOWN_CAPACITY
    const see = (perPod: number) => {
      const utilization = 0.2 + 0.7 * dice.float()
      const noise = 1 + 0.06 * (dice.float() - 0.5)
      const served = 7 * perPod * utilization
      capacity = learnPerPod(capacity, { served, utilization: utilization * noise, ready: 7, backlog: 0 })
    }
    for (let tick = 0; tick < 60; tick++) see(40)
    assert.closeTo(capacity.perPod, 40, 0.8)
    for (let tick = 0; tick < 120; tick++) see(28)
    assert.closeTo(capacity.perPod, 28, 0.8)
  })

  it("is found again by the second measurement after a change, which noise does not feign", () => {
    const dice = new Dice(4)
    let capacity = UNKNOWN_CAPACITY
    const see = (perPod: number) => {
      const noise = 1 + 0.06 * (dice.float() - 0.5)
      capacity = learnPerPod(capacity, { served: 7 * perPod * 0.6, utilization: 0.6 * noise, ready: 7, backlog: 0 })
    }
    for (let tick = 0; tick < 300; tick++) {
      see(40)
      assert.strictEqual(capacity.offs, 0)
    }
    for (let tick = 0; tick < 2; tick++) see(28)
    assert.closeTo(capacity.perPod, 28, 1.4)
  })

  it("is not learned of idle pods, of none, or of a utilization that hides how much there is to do", () => {
    const seen = { served: 100, utilization: 0.5, ready: 5, backlog: 0 }
    for (const over of [{ utilization: 0.05 }, { utilization: 0 }, { utilization: 1 }, { ready: 0 }, { served: 0 }]) {
      assert.strictEqual(learnPerPod(UNKNOWN_CAPACITY, { ...seen, ...over }).perPod, 0)
    }
    // Busy, and more is waiting: what is served is all that can be.
    assert.strictEqual(learnPerPod(UNKNOWN_CAPACITY, { ...seen, utilization: 1, backlog: 50 }).perPod, 20)
  })
})

describe("the curve of bad answers", () => {
  it.each([
    [4, 4],
    [8, 4],
    [4, 5.25],
    [2, 3]
  ])(
    "follows a queue of %i workers with %d service times to spare, within a third around what was seen",
    (workers, services) => {
      const capacity = learned((tick) => 0.6 + 0.3 * ((tick % 97) / 97), workers, services)
      for (const load of [0.6, 0.7, 0.8, 0.9]) {
        const truth = Math.log(late(workers, load, services))
        assert.closeTo(Math.log(badAt(capacity.steepness, load)) / truth, 1, 1 / 3, `at ${load}`)
      }
    }
  )

  it("learns nothing from a backlog's aftermath or from overload", () => {
    let capacity = UNKNOWN_CAPACITY
    for (let tick = 0; tick < 100; tick++) {
      capacity = learnSteepness(capacity, { load: 0.7, badFraction: 0.9, requests: 100, steady: false })
      capacity = learnSteepness(capacity, { load: 1.2, badFraction: 1, requests: 100, steady: true })
    }
    assert.deepStrictEqual(capacity, UNKNOWN_CAPACITY)
  })

  it("says up to which load answers stay good enough", () => {
    for (const share of [0.05, 0.01, 0.001]) assert.closeTo(badAt(18, goodUpTo(18, share)), share, 1e-12)
    assert.strictEqual(goodUpTo(2, 0.001), 0.1)
  })

  it("never falls as the load rises", () => {
    for (const steepness of [2, 16, 300]) {
      for (let load = 0.02; load < 3; load += 0.02) {
        assert.isAtLeast(badAt(steepness, load), badAt(steepness, load - 0.02))
      }
    }
  })
})
