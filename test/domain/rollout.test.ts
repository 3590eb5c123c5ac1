import { assert, describe, it } from "vitest"
import { guardRollout, keepDisruptionFloor } from "#domain/rollout"
import type { TargetState } from "#schemas/Observation"
import { observe, policyOf, situationOf, stateOf } from "#test/domain/policies"

const on = policyOf()
const off = policyOf({
  safety: { rolloutGuard: false, disruptionFloor: false, rollback: false, freezeOnFailingPods: false }
})
const at = (state: Partial<TargetState>, policy = on) =>
  situationOf({ policy, observation: observe(0, stateOf(10, state)) })

describe("guardRollout", () => {
  it("holds down, and only down, and only during a rollout, and only while it is on", () => {
    assert.strictEqual(guardRollout(5, at({ rollingOut: true }))?.after, 10)
    assert.isUndefined(guardRollout(15, at({ rollingOut: true })))
    assert.isUndefined(guardRollout(5, at({})))
    assert.isUndefined(guardRollout(5, at({ rollingOut: true }, off)))
  })
})

describe("keepDisruptionFloor", () => {
  it("holds at the floor on the way down, and never raises to it", () => {
    assert.strictEqual(keepDisruptionFloor(5, at({ disruptionFloor: 7 }))?.after, 7)
    assert.strictEqual(keepDisruptionFloor(5, at({ disruptionFloor: 20 }))?.after, 10)
    assert.isUndefined(keepDisruptionFloor(7, at({ disruptionFloor: 7 })))
    assert.isUndefined(keepDisruptionFloor(12, at({ disruptionFloor: 20 })))
    assert.isUndefined(keepDisruptionFloor(5, at({ disruptionFloor: 7 }, off)))
    assert.isUndefined(keepDisruptionFloor(5, at({})))
  })
})
