import { assert, describe, it } from "@effect/vitest"
import { MessageQueue } from "#workload/MessageQueue"
import { WEB, type Workload } from "#workload/Workload"

/** A pod does five messages a second, and each may wait ten. */
const WORK: Workload = { ...WEB, kind: "queue", workers: 1, serviceSeconds: 0.2, objectiveSeconds: 10 }

describe("MessageQueue", () => {
  it("says how old the oldest message is, to the second", () => {
    const queue = new MessageQueue(WORK)
    assert.strictEqual(queue.ageSeconds, 0)
    queue.step(10, 0)
    queue.step(5, 0)
    assert.deepStrictEqual([queue.waiting, queue.ageSeconds], [15, 2])
    queue.step(0, 2)
    // The ten that came first are done; the five of the next second are now the oldest.
    assert.deepStrictEqual([queue.waiting, queue.ageSeconds], [5, 2])
    queue.step(0, 2)
    assert.deepStrictEqual([queue.waiting, queue.ageSeconds, queue.utilization], [0, 0, 0.5])
  })

  it("tells the second of those that were late, first in, first out", () => {
    const late: Array<readonly [number, number]> = []
    const queue = new MessageQueue(WORK, (second, messages) => late.push([second, messages]))
    queue.step(20, 0)
    queue.step(5, 0)
    for (let second = 2; second < 12; second++) queue.step(0, 0)
    for (let second = 12; second < 20; second++) queue.step(1, 1)
    assert.deepStrictEqual(late, [
      [0, 20],
      [1, 5]
    ])
  })

  it("counts at the end what still waits and has waited too long", () => {
    const late: Array<readonly [number, number]> = []
    const queue = new MessageQueue(WORK, (second, messages) => late.push([second, messages]))
    for (let second = 0; second < 15; second++) queue.step(1, 0)
    queue.finish()
    assert.deepStrictEqual(
      late,
      [0, 1, 2, 3, 4].map((second) => [second, 1])
    )
  })

  it("loses and doubles nothing in a long run", () => {
    const queue = new MessageQueue(WORK)
    let [came, gone, late] = [0, 0, 0]
    for (let second = 0; second < 30_000; second++) {
      const messages = (second * 31) % 17
      queue.step(messages, (second >> 8) % 4)
      came += messages
      gone += queue.served
      late += queue.bad
    }
    assert.closeTo(came, gone + queue.waiting, 1e-6)
    assert.isAbove(late, 0)
    assert.isAtMost(late, came)
  })
})
