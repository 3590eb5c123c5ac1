// The checker of rates where two machines disagree about the time: it is kind to the operator both ways.
import { assert, describe, it } from "vitest"
import { paceBroken } from "#simulation/pace"
import type { Write } from "#simulation/Write"
import { hpaRates, limitsOf, policyOf } from "#test/domain/policies"
import { makeRecord } from "#test/operator/records"

const NOW = 1_000_000
const POLICY = policyOf({
  limits: limitsOf({ rates: hpaRates({ policies: [{ type: "Pods", value: 4, periodSeconds: 15 }] }) })
})

/** Written `ago` ms before now by the API's clock, and decided `toldAgo` ms before by the operator's. */
const change = (from: number, to: number, ago: number, toldAgo: number): Write => {
  const scaled = { _tag: "Scaled", from, to, resourceVersion: "1" } as const
  const record = makeRecord({ uid: "uid", id: `uid/${ago}`, at: NOW - toldAgo, outcome: scaled })
  return {
    at: NOW - ago,
    target: "web",
    uid: "web",
    from,
    to,
    version: "1",
    life: "a",
    blind: new Set(),
    record,
    settled: false
  }
}

const isAlarmed = (now: Write, before: Write): boolean =>
  paceBroken(now.record!, now, POLICY, { writes: [before, now], clockSpreadMillis: 0 }).some(
    ({ property }) => property === "rates are kept"
  )

describe("the checker of rates", () => {
  it("rings for more pods than a period allows", () =>
    assert.isTrue(isAlarmed(change(3, 8, 0, 0), change(2, 3, 60_000, 60_000))))

  it("counts what was freed by a fall that only one of the clocks puts into the period", () => {
    assert.isFalse(isAlarmed(change(1, 7, 0, 0), change(7, 1, 15_031, 14_990)))
    assert.isFalse(isAlarmed(change(1, 7, 0, 0), change(7, 1, 14_990, 15_031)))
    assert.isTrue(isAlarmed(change(1, 7, 0, 0), change(7, 1, 15_031, 15_031)))
  })

  it("leaves out a rise that only one of the clocks puts into the period", () => {
    assert.isFalse(isAlarmed(change(5, 9, 0, 0), change(2, 5, 15_031, 14_990)))
    assert.isFalse(isAlarmed(change(5, 9, 0, 0), change(2, 5, 14_990, 15_031)))
    assert.isTrue(isAlarmed(change(5, 9, 0, 0), change(2, 5, 14_990, 14_990)))
  })
})
