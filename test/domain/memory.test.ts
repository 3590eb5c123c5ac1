import { assert, describe, it } from "vitest"
import { adopt, carryOver, initialMemory, noteReplicas, restored, specHash } from "#domain/memory"
import type { Memory } from "#schemas/Memory"
import {
  Course,
  hpaRates,
  limitsOf,
  memoryOf,
  MINUTE,
  observe,
  policyOf,
  signalOf,
  stateOf
} from "#test/domain/policies"

const policy = policyOf()
const saw = (memory: Memory, replicas: number, at = 0, resourceVersion = "1") =>
  noteReplicas(memory, observe(at, stateOf(replicas, { resourceVersion })))

describe("specHash", () => {
  it("changes with the signals and the engines, and with nothing else", () => {
    const hash = specHash(policy)
    assert.strictEqual(
      specHash(policyOf({ bounds: { min: 2, max: 3 }, limits: limitsOf({ rates: hpaRates() }) })),
      hash
    )
    assert.notStrictEqual(specHash(policyOf({ signals: [signalOf({ target: { type: "Value", milli: 1 } })] })), hash)
    assert.notStrictEqual(specHash(policyOf({ engines: [{ engine: "step", options: {} }] })), hash)
  })
})

describe("carryOver", () => {
  const full: Memory = {
    ...initialMemory(policy, 0),
    recommendations: [{ at: 1, replicas: 5 }],
    ups: [{ at: 1, change: 2 }],
    lastWriteAt: 1,
    lastWritten: 5,
    engines: { step: {} },
    missingSince: { rps: 1 }
  }

  it("keeps everything while the meaning is the same", () => {
    assert.deepStrictEqual(carryOver(full, policyOf({ bounds: { min: 1, max: 2 } })), { memory: full })
  })

  it("drops evidence and keeps commitments when the meaning changes, and says why", () => {
    const changed = policyOf({ signals: [signalOf({ name: "other" })] })
    const { memory, reset } = carryOver(full, changed)
    assert.match(reset ?? "", /changed/u)
    assert.deepStrictEqual([memory.recommendations, memory.engines, memory.missingSince], [[], {}, {}])
    assert.deepStrictEqual([memory.ups, memory.lastWriteAt, memory.lastWritten], [full.ups, 1, 5])
    assert.deepStrictEqual(carryOver(memory, changed), { memory })
  })
})

describe("restored", () => {
  it("asks the next decision to take the replicas for a recommendation", () => {
    assert.isTrue(restored(initialMemory(policy, 0)).reseed)
  })

  it("lets no engine count the time that nobody has seen", () => {
    const rules = [{ signal: "rps", down: { op: "lt", thresholdMilli: 10_000 } }]
    const options = { rules, up: "one", down: "one", downAfterSeconds: 120 }
    const course = new Course(policyOf({ engines: [{ engine: "step", options }] }), 9)
    for (let at = 0; at < 2 * MINUTE; at += 30_000) assert.strictEqual(course.tick(at, { rps: 1 }).desired, 9)
    course.memory = restored(course.memory)
    for (let at = 10 * MINUTE; at < 12 * MINUTE; at += 30_000) {
      assert.strictEqual(course.tick(at, { rps: 1 }).desired, 9)
    }
    assert.strictEqual(course.tick(12 * MINUTE, { rps: 1 }).desired, 8)
  })
})

describe("a target that is switched off", () => {
  it("has no engine count the time in which it was", () => {
    const rules = [{ signal: "rps", down: { op: "lt", thresholdMilli: 10_000 } }]
    const options = { rules, up: "one", down: "one", downAfterSeconds: 120 }
    const course = new Course(policyOf({ engines: [{ engine: "step", options }] }), 9)
    const tick = (at: number) => course.tick(at, { rps: 1 }).desired
    for (let at = 0; at < MINUTE; at += 30_000) assert.strictEqual(tick(at), 9)
    course.replicas = 0
    for (let at = MINUTE; at < 5 * MINUTE; at += 30_000) assert.strictEqual(tick(at), 0)
    course.replicas = 9
    for (let at = 5 * MINUTE; at < 7 * MINUTE; at += 30_000) assert.strictEqual(tick(at), 9)
    assert.strictEqual(tick(7 * MINUTE), 8)
    assert.isUndefined(course.memory.switchedOff)
  })
})

describe("noteReplicas", () => {
  it("takes the first sight for nobody's write", () => {
    const memory = saw(memoryOf(policy), 5)
    assert.deepStrictEqual([memory.lastSeen, memory.foreignWrites], [5, []])
  })

  it("takes replicas that differ from our last write, known from status alone, for somebody else's", () => {
    const memory = saw(memoryOf(policy, { lastWritten: 7 }), 5, 9)
    assert.deepStrictEqual([memory.lastSeen, memory.lastWritten, memory.foreignWrites], [5, undefined, [9]])
  })

  it("gives the same object back while nothing changed", () => {
    const memory = saw(memoryOf(policy), 5)
    assert.strictEqual(saw(memory, 5), memory)
  })

  it("adopts somebody else's replicas once, and no longer calls them ours or blames our last step", () => {
    const ours = memoryOf(policy, { lastSeen: 5, lastWritten: 5, lastDown: { at: 0, from: 9, to: 5 } })
    const memory = saw(saw(ours, 8, 3), 8, 4)
    assert.deepStrictEqual(
      [memory.lastSeen, memory.lastWritten, memory.lastDown, memory.foreignWrites],
      [8, undefined, undefined, [3]]
    )
  })

  it("does not mistake a write whose answer was lost for somebody else's", () => {
    const memory = saw(memoryOf(policy, { lastSeen: 5, unsettled: 8 }), 8)
    assert.deepStrictEqual([memory.lastSeen, memory.lastWritten, memory.foreignWrites], [8, 8, []])
  })

  it.each([
    ["9", "10"],
    ["99", "100"],
    ["100", "101"]
  ])("learns nothing from version %s after our write made %s", (version, written) => {
    const memory = memoryOf(policy, { lastSeen: 8, lastWritten: 8, writtenVersion: written })
    assert.strictEqual(saw(memory, 5, 1, version), memory)
    assert.deepStrictEqual(saw(memory, 5, 1, `${written}0`).foreignWrites, [1])
  })

  it("compares no versions that are not numbers", () => {
    const memory = memoryOf(policy, { lastSeen: 8, writtenVersion: "b" })
    assert.deepStrictEqual(saw(memory, 5, 1, "a").foreignWrites, [1])
  })

  it("remembers only a few foreign writes", () => {
    let memory = saw(memoryOf(policy), 0)
    for (let at = 1; at <= 50; at++) memory = saw(memory, at, at)
    assert.isAtMost(memory.foreignWrites.length, 10)
  })
})

describe("adopt", () => {
  it("freezes after the third foreign write in ten minutes", () => {
    let memory = memoryOf(policy, { lastSeen: 5 })
    const frozen = [8, 5, 8].map((replicas, index) => {
      memory = adopt(memory, observe(index * MINUTE, stateOf(replicas)))
      return memory.frozenUntil
    })
    assert.deepStrictEqual(frozen, [undefined, undefined, 3 * MINUTE])
  })
})
