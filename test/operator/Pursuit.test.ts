import * as Result from "effect/Result"
import { assert, describe, it } from "vitest"
import { carryOver } from "#domain/memory"
import { begin, forget } from "#operator/Pursuit"
import type { Memory } from "#schemas/Memory"
import type { Status } from "#schemas/Status"
import { deployment, memory, policyOf, refOf } from "#test/operator/records"

const AT = 1_767_225_600_000
const policy = policyOf("web")
const target = deployment("web")

/** What the policy comes to this operator with: a checkpoint so old, and what status said last. */
const beginning = (given: { readonly age?: number; readonly remembered?: Memory; readonly status?: Status }) =>
  begin({
    object: { ref: refOf("web"), decoded: Result.succeed(policy), status: given.status },
    policy,
    target,
    at: AT,
    recall: () => (given.age === undefined ? undefined : { at: AT - given.age, memory: given.remembered ?? memory(AT) })
  })

const writtenAt = (at: number): Status => ({
  commitments: [{ target: "Deployment/web", lastWriteTime: new Date(at).toISOString(), lastWritten: 7 }]
})

describe("a target, when its policy comes to this operator", () => {
  it("goes on from a checkpoint that is young, and looks again at first from one that is old or none", () => {
    const remembered = carryOver({ ...memory(AT - 60_000), lastSeen: 4 }, policy).memory
    assert.deepStrictEqual(beginning({ age: 2 * policy.intervalMillis, remembered }).memory, remembered)
    const old = beginning({ age: 2 * policy.intervalMillis + 1, remembered }).memory
    assert.deepStrictEqual(old, { ...remembered, reseed: true })
    assert.isTrue(beginning({}).memory.reseed)
  })

  it("owes what status says was written after the checkpoint", () => {
    const remembered = { ...memory(AT - 30_000), lastWriteAt: AT - 30_000, lastWritten: 5 }
    const after = beginning({ age: 0, remembered, status: writtenAt(AT - 10_000) }).memory
    assert.deepInclude(after, { lastWriteAt: AT - 10_000, lastWritten: 7 })
    const before = beginning({ age: 0, remembered, status: writtenAt(AT - 40_000) }).memory
    assert.deepInclude(before, { lastWriteAt: AT - 30_000, lastWritten: 5 })
  })

  it("keeps after crash upon crash what it owes, and nothing else", () => {
    const pursuit = beginning({
      age: 0,
      remembered: { ...memory(AT), lastWriteAt: AT - 5000, lastWritten: 5, foreignWrites: [AT - 900] }
    })
    forget(pursuit, policy, AT)
    assert.deepInclude(pursuit.memory, { lastWriteAt: AT - 5000, lastWritten: 5, reseed: true })
    assert.isEmpty(pursuit.memory.foreignWrites)
  })
})
