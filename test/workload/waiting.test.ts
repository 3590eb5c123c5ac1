import { assert, describe, it } from "@effect/vitest"
import { erlangC, LOAD_MAX, waitingChance } from "#workload/waiting"

describe("waiting", () => {
  it("of one worker is as likely as that it is busy", () => {
    for (const load of [0.1, 0.5, 0.9]) assert.closeTo(erlangC(1, load), load, 1e-12)
  })

  it("of two workers follows the closed form", () => {
    for (const load of [0.2, 0.6, 0.95]) assert.closeTo(erlangC(2, load), (2 * load * load) / (1 + load), 1e-12)
  })

  it("is the same by table, from idle to full", () => {
    const chance = waitingChance(8)
    for (const load of [0, 0.05, 0.333, 0.7, 0.98, LOAD_MAX]) {
      assert.closeTo(chance(load), load === 0 ? 0 : erlangC(8, load), 2e-3, `${load}`)
    }
    assert.strictEqual(chance(3), chance(LOAD_MAX))
  })
})
