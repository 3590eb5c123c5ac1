// The checker of rates where two machines disagree about the time: it is kind to the operator both ways.
import { assert, describe, it } from "vitest"
import { Clocks } from "#simulation/Clocks"
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
    isShown: false,
    finds: [],
    record,
    settled: false
  }
}

/** Machine a leads until 30 s before now and machine b from then on; by so much are they ahead. */
const clocksOf = (a = 0, b = 0): Clocks => {
  const clocks = new Clocks()
  clocks.set("a", 0, a)
  clocks.set("b", 0, b)
  clocks.led("a", 0)
  clocks.led("b", NOW - 30_000)
  return clocks
}

const isAlarmed = (now: Write, before: Write, clocks = clocksOf(), policy = POLICY): boolean =>
  paceBroken(now.record!, now, policy, { writes: [before, now], clocks }).length > 0

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

  it("leaves out what a leader whose clock was ahead may have forgotten, or one behind have put back", () => {
    const before = change(2, 5, 14_000, 14_000)
    assert.isTrue(isAlarmed(change(5, 9, 0, 0), before))
    assert.isFalse(isAlarmed(change(5, 9, 0, 0), before, clocksOf(0, 2_000)))
    assert.isFalse(isAlarmed(change(5, 9, 0, 0), before, clocksOf(0, -2_000)))
  })
})

describe("the checker of what was found", () => {
  it("counts a find from when it was found and from where its finder took it to come, or as the write that it was", () => {
    const [rise, fall] = [change(1, 7, 0, 0), change(7, 1, 60_000, 60_000)]
    assert.isTrue(isAlarmed(rise, fall))
    assert.isFalse(isAlarmed(rise, { ...fall, finds: [{ at: NOW - 10_000, change: -6 }] }))
    assert.isTrue(isAlarmed(change(1, 12, 0, 0), { ...fall, finds: [{ at: NOW - 10_000, change: -6 }] }))
    assert.isFalse(isAlarmed(change(1, 12, 0, 0), { ...fall, finds: [{ at: NOW - 10_000, change: -8 }] }))
    const up = change(2, 5, 10_000, 10_000)
    assert.isTrue(isAlarmed(change(5, 9, 0, 0), up))
    assert.isFalse(isAlarmed(change(5, 9, 0, 0), { ...up, finds: [{ at: NOW - 5_000, change: 0 }] }))
  })
})

describe("the checker of cooldowns", () => {
  it("lets neither direction go on so soon after a find of which nobody knows from where it went", () => {
    const waiting = policyOf({ limits: limitsOf({ cooldown: { upSeconds: 60, downSeconds: 60 } }) })
    const [rise, fall] = [change(4, 5, 0, 0), change(6, 4, 50_000, 50_000)]
    assert.isFalse(isAlarmed(rise, fall, clocksOf(), waiting))
    const found = { ...fall, finds: [{ at: NOW - 40_000, change: 0 }] }
    assert.isTrue(isAlarmed(rise, found, clocksOf(), waiting))
  })

  const cooling = policyOf({ limits: limitsOf({ cooldown: { upSeconds: 0, downSeconds: 60 } }) })

  it("believes the clock of a leader that was behind, and of no machine that did not lead meanwhile", () => {
    const [down, up] = [change(6, 4, 0, 0), change(4, 6, 50_000, 50_000)]
    assert.isTrue(isAlarmed(down, up, clocksOf(), cooling))
    assert.isFalse(isAlarmed(down, up, clocksOf(-20_000, 0), cooling))
    assert.isTrue(isAlarmed(down, change(4, 6, 12_000, 12_000), clocksOf(-50_000, 0), cooling))
  })
})
