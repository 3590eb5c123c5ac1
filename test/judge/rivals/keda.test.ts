import { assert, describe, it } from "@effect/vitest"
import { keda, kedaFast } from "#judge/rivals/keda"
import { run } from "#judge/run"
import { doubling, queue, web } from "#test/judge/world"

describe("keda", () => {
  it("knows what a pod serves, so it sees all of a surge", () => {
    const { changes } = run(web(doubling(280, 600), 1_200), keda(0.7))
    assert.isTrue(changes.some(({ to }) => to === 20))
  })

  it("is faster when it is tuned by hand", () => {
    const load = web(doubling(280, 600), 1_500)
    assert.isBelow(run(load, kedaFast(0.7)).violations, run(load, keda(0.7)).violations)
  })

  it("does not know when a pod comes to serve less", () => {
    const drift = [{ fromSeconds: 600, factor: 0.6 }]
    assert.isAbove(
      run(
        web(() => 280, 1_800, { drift }),
        keda(0.7)
      ).violations,
      0.3
    )
  })

  it("keeps a pod for 300 s after the last message, and has one within 30 s of the first", () => {
    const load = queue((second) => (second < 300 || second > 1_200 ? 5 : 0), 1_500, { minReplicas: 0 })
    const { changes } = run(load, keda(0.7))
    const gone = changes.find(({ to }) => to === 0)
    const back = changes.find(({ from }) => from === 0)
    assert.isAtLeast(gone?.second ?? 0, 600)
    assert.isAtMost(gone?.second ?? 0, 690)
    assert.isAtMost((back?.second ?? 0) - 1_200, 45)
  })
})
