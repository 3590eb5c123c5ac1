import { assert, describe, it } from "vitest"
import { podsToServe } from "#domain/waiting"

/** Share that waits, by the sums of the textbook. */
const waits = (servers: number, load: number): number => {
  if (servers <= load) return 1
  let term = 1
  let sum = 0
  for (let busy = 0; busy < servers; busy++) {
    sum += term
    term *= load / (busy + 1)
  }
  const full = (term * servers) / (servers - load)
  return full / (sum + full)
}

describe("pods by Erlang's formula", () => {
  it("are just enough", () => {
    for (const load of [0.2, 1, 3.5, 10, 60, 140]) {
      for (const share of [0.2, 0.05, 0.001]) {
        const pods = podsToServe(load, share)
        assert.isAtMost(waits(pods, load), share)
        assert.isAbove(waits(pods - 1, load), share)
      }
    }
  })

  it("follow the root of the load in a crowd, without a step where counting ends", () => {
    const free = (load: number) => podsToServe(load, 0.01) - load
    assert.closeTo(free(401), free(400), 2)
    assert.closeTo(free(40_000) / free(400), 10, 0.3)
    assert.isTrue(Number.isFinite(podsToServe(1e15, 0.01)))
  })

  it("never fall as the load rises, and are none for none", () => {
    assert.deepStrictEqual([podsToServe(0, 0.01), podsToServe(-1, 0.01), podsToServe(Number.NaN, 0.01)], [0, 0, 0])
    let before = 0
    for (let load = 0.5; load < 1000; load += 3.7) {
      const pods = podsToServe(load, 0.02)
      assert.isAtLeast(pods, before)
      before = pods
    }
  })
})
