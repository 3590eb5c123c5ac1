import { assert, describe, it } from "vitest"
import { aimedAge, podsToDrain } from "#domain/drain"

const queue = { backlog: 0, arrivals: 50, perPod: 5, drainSeconds: 60, startupSeconds: 20 }

/** The oldest age that a queue reaches under load, decided every 5 s, when pods take their time to start. */
const oldest = (arrivalsAt: (t: number) => number): number => {
  let [backlog, ready, worst] = [0, 10, 0]
  const starting: Array<number> = []
  for (let t = 0; t < 3600; t++) {
    while (starting[0] !== undefined && starting[0] <= t) {
      starting.shift()
      ready += 1
    }
    const arrivals = arrivalsAt(t)
    backlog = Math.max(0, backlog + arrivals - ready * queue.perPod)
    worst = Math.max(worst, backlog / Math.max(ready * queue.perPod, 1))
    if (t % 5 !== 0) continue
    const wanted = podsToDrain({ ...queue, backlog, arrivals })
    while (ready + starting.length < wanted) starting.push(t + queue.startupSeconds * 1.3)
    ready = Math.min(ready, Math.max(wanted, 1))
  }
  return worst
}

describe("pods for a queue", () => {
  it("aim at an age that leaves time to start more", () => {
    assert.isBelow(aimedAge(60, 20) + 1.5 * 20, 60)
    assert.isAtLeast(aimedAge(60, 300), 3)
  })

  it("are fewer than arrivals need while the backlog is young, and more when it is old", () => {
    assert.isBelow(podsToDrain(queue), 10)
    assert.isAbove(podsToDrain({ ...queue, backlog: 50 * 55 }), 10)
  })

  it("are none for nothing and one for the first message", () => {
    assert.strictEqual(podsToDrain({ ...queue, arrivals: 0 }), 0)
    assert.strictEqual(podsToDrain({ ...queue, arrivals: 0, backlog: 1 }), 1)
  })

  it("keep the objective through a wave and through a doubling", () => {
    assert.isBelow(
      oldest((t) => 50 + 30 * Math.sin(t / 300)),
      60
    )
    assert.isBelow(
      oldest((t) => (t > 600 ? 100 : 50)),
      60
    )
  })
})
