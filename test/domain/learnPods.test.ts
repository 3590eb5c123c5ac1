import { assert, describe, it } from "vitest"
import { UNKNOWN_CAPACITY } from "#domain/capacity"
import type { Evidence } from "#domain/evidence"
import { learnPods } from "#domain/learnPods"
import { UNKNOWN_STARTUP } from "#domain/startup"
import type { Pods } from "#schemas/Pods"
import { observe, policyOf, stateOf } from "#test/domain/policies"

const policy = policyOf({ intervalMillis: 15_000 })
const unknown: Pods = { ready: 0, startup: UNKNOWN_STARTUP, capacity: UNKNOWN_CAPACITY }

interface Look {
  readonly at: number
  readonly ready: number
  readonly pods?: number
  readonly resumed?: boolean
}

/** Pods that serve 40 each, as far as they are believed. */
const busy = (ready: number): Evidence => ({ demand: 28 * ready, served: 28 * ready, utilization: 0.7, backlog: 0 })

const look = (memory: Pods, { at, pods, ready, resumed = false }: Look, seen: Evidence = busy(ready)) => {
  const observation = observe(at, stateOf(pods ?? ready, { readyReplicas: ready, statusReplicas: pods ?? ready }), {})
  return learnPods({ memory, observation, policy, resumed }, seen)
}

/** What four pods served in the first minute. */
const settled = (): Pods => {
  let memory = unknown
  for (let at = 0; at <= 60_000; at += 5000) memory = look(memory, { at, ready: 4 })
  return memory
}

describe("what one look teaches of the pods", () => {
  it("is nothing of what they serve when they are first seen, or have just become others", () => {
    const first = look(unknown, { at: 0, ready: 4 })
    assert.strictEqual(first.capacity.perPod, 0)
    assert.closeTo(look(first, { at: 5000, ready: 4 }).capacity.perPod, 40, 1e-9)
    const halved: Evidence = { ...busy(6), utilization: 1.4, backlog: 5 }
    const changed = look(settled(), { at: 65_000, ready: 6 }, halved)
    assert.deepStrictEqual(changed.capacity, settled().capacity)
    assert.notDeepEqual(look(changed, { at: 70_000, ready: 6 }, halved).capacity, settled().capacity)
  })

  it("is nothing of what they serve by samples that look back to others", () => {
    const grown = look(settled(), { at: 65_000, ready: 6 })
    const back: Evidence = { ...busy(6), utilization: 0.5, sampledFrom: 64_999 }
    assert.deepStrictEqual(look(grown, { at: 95_000, ready: 6 }, back).capacity, grown.capacity)
    const alone = { ...back, sampledFrom: 65_000 }
    assert.isAbove(look(grown, { at: 95_000, ready: 6 }, alone).capacity.perPod, 40)
  })

  it("is one look's worth every five minutes where the samples are never of them alone", () => {
    // One of the four turns unready for every other minute, and the samples look back for two.
    const course = (until: number) => {
      let memory = settled()
      for (let at = 65_000; at <= until; at += 5000) {
        const ready = at % 120_000 < 60_000 ? 3 : 4
        memory = look(memory, { at, ready }, { ...busy(ready), utilization: 0.35, sampledFrom: at - 120_000 })
      }
      return memory.capacity
    }
    const { perPod, samples } = settled().capacity
    assert.strictEqual(course(355_000).perPod, perPod)
    assert.isAbove(course(365_000).perPod, perPod)
    assert.strictEqual(course(600_000).samples, samples + 1)
    assert.closeTo(course(700_000).perPod, 80, 1e-9)
  })

  it("is nothing of what they serve after a while unseen, in which there may have been others", () => {
    const resumed = look(settled(), { at: 600_000, ready: 4, resumed: true }, { ...busy(4), utilization: 0.5 })
    assert.deepStrictEqual(resumed.capacity, settled().capacity)
    assert.strictEqual(resumed.readySince, 600_000)
    const back: Evidence = { ...busy(4), utilization: 0.5, sampledFrom: 570_000 }
    assert.deepStrictEqual(look(resumed, { at: 605_000, ready: 4 }, back).capacity, settled().capacity)
  })

  it("is taken at once where the memory is older than the time since when they have been so many", () => {
    const { readySince: _, ...old } = settled()
    assert.isAbove(look(old, { at: 65_000, ready: 4 }, { ...busy(4), utilization: 0.5 }).capacity.perPod, 40)
  })

  it("is of the curve of bad answers only while nothing waits and it is known what they serve", () => {
    const seen: Evidence = { ...busy(4), badFraction: 0.01 }
    const after = (evidence: Evidence) => {
      let memory = settled()
      for (let at = 65_000; at < 300_000; at += 5000) memory = look(memory, { at, ready: 4 }, evidence)
      return memory.capacity.steepness
    }
    assert.closeTo(after(seen), -Math.log(0.01) / 0.3, 0.01)
    assert.strictEqual(after({ ...seen, backlog: 500 }), UNKNOWN_CAPACITY.steepness)
    assert.strictEqual(look(unknown, { at: 0, ready: 4 }, seen).capacity.ticks, 0)
  })

  it("is how long they took to start, but of none that were awaited before a while unseen", () => {
    const ordered = look(settled(), { at: 65_000, ready: 4, pods: 6 })
    assert.strictEqual(look(ordered, { at: 110_000, ready: 6 }).startup.seconds, 45)
    const resumed = look(ordered, { at: 110_000, ready: 6, resumed: true })
    assert.strictEqual(resumed.startup.seconds, UNKNOWN_STARTUP.seconds)
  })

  it("covers the time since the last look, or one interval before there was one", () => {
    assert.strictEqual(look(unknown, { at: 0, ready: 4 }).seconds, 15)
    assert.strictEqual(look(settled(), { at: 67_000, ready: 4 }).seconds, 7)
  })
})
