import * as Effect from "effect/Effect"
import { it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { assert, describe } from "vitest"
import { ACT_WINDOW_MILLIS, LEASE_MILLIS, pastRenewDeadline, withinActWindow } from "#operator/actWindow"
import { SCALE_COMMIT_MILLIS } from "#services/kubernetesScale"

const at = (monotonicMillis: number, wallMillis = monotonicMillis) => ({ monotonicMillis, wallMillis })

describe("the act window", () => {
  it("leaves the slowest commit time to land before a rival may lead", () => {
    assert.isBelow(ACT_WINDOW_MILLIS + SCALE_COMMIT_MILLIS, LEASE_MILLIS)
  })

  it("closes before the lease is given up, so that no write starts while the work winds down", () => {
    assert.isFalse(pastRenewDeadline(at(0), at(ACT_WINDOW_MILLIS)))
    assert.isFalse(withinActWindow(at(0), at(ACT_WINDOW_MILLIS)))
    assert.isTrue(withinActWindow(at(0), at(ACT_WINDOW_MILLIS - 1)))
  })

  it("is closed after a machine slept, whose monotonic clock stood still", () => {
    assert.isFalse(withinActWindow(at(1_000, 1_000), at(1_500, 3_600_000)))
  })

  it.effect.prop(
    "never grows by a wall clock that jumps",
    [Schema.Int, Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 60_000 }))],
    ([jump, elapsed]) =>
      Effect.sync(() => {
        const open = withinActWindow(at(0, 0), at(elapsed, elapsed + jump))
        if (elapsed >= ACT_WINDOW_MILLIS) assert.isFalse(open)
        if (jump <= 0 && elapsed < ACT_WINDOW_MILLIS) assert.isTrue(open)
      })
  )
})
