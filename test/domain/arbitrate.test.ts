import { assert, describe, it } from "vitest"
import { arbitrate } from "#domain/arbitrate"
import type { Proposal } from "#schemas/Decision"
import { measured, missing, type Reading } from "#schemas/Reading"
import { policyOf, signalOf, watched } from "#test/domain/policies"

const asks = (replicas: number, over: Partial<Proposal> = {}): Proposal => ({
  engine: "target",
  signal: "rps",
  replicas,
  raiseOnly: false,
  reason: `wants ${replicas}`,
  ...over
})
const silent: Proposal = { engine: "target", signal: "jobs", raiseOnly: false, reason: "jobs is missing" }
const fine = measured(1, 0)
const gone = missing("Timeout", "no answer")
const stale: Reading = { _tag: "Stale", value: 1, at: 0, ageMillis: 1, detail: "old" }

const judge = (proposals: ReadonlyArray<Proposal>, reading: Reading = fine, current = 10) =>
  arbitrate({ policy: policyOf(), current, proposals, signals: [{ signal: signalOf(), reading }] })

describe("arbitrate", () => {
  it.each([
    { title: "the largest wins", proposals: [asks(3), asks(12), asks(7)], want: 12 },
    {
      title: "what may only raise counts above the current replicas",
      proposals: [asks(3), asks(11, { raiseOnly: true })],
      want: 11
    },
    { title: "and not below", proposals: [asks(3), asks(10, { raiseOnly: true })], want: 3 },
    { title: "and needs nobody else", proposals: [asks(11, { raiseOnly: true })], want: 11 },
    { title: "alone it lowers nothing", proposals: [asks(3, { raiseOnly: true })], want: 10 },
    { title: "nobody asks for anything", proposals: [], want: 10 },
    {
      title: "a replacing proposal stands for the largest",
      proposals: [asks(20), asks(18, { standing: "Replaces" })],
      want: 18
    },
    { title: "within 20 % below", proposals: [asks(20), asks(1, { standing: "Replaces" })], want: 16 },
    { title: "within 20 % above", proposals: [asks(20), asks(99, { standing: "Replaces" })], want: 24 },
    {
      title: "a replacing proposal without anything to replace is nothing",
      proposals: [asks(99, { standing: "Replaces" })],
      want: 10
    },
    { title: "advice may add a quarter", proposals: [asks(20), asks(99, { standing: "Advises" })], want: 25 },
    { title: "or one", proposals: [asks(2), asks(99, { standing: "Advises" })], want: 3 },
    { title: "and takes nothing away", proposals: [asks(20), asks(1, { standing: "Advises" })], want: 20 },
    { title: "a trial is no voice", proposals: [asks(9), asks(10, { standing: "Tries" })], want: 9 },
    { title: "advice alone is nothing", proposals: [asks(99, { standing: "Advises" })], want: 10 }
  ])("$title", ({ proposals, want }) => {
    assert.strictEqual(judge(proposals).value, want)
  })

  it("lets the first of equals win, by the order of the policy", () => {
    assert.strictEqual(judge([asks(12, { engine: "slo" }), asks(12)]).winner?.engine, "slo")
  })

  it.each([
    { title: "a missing signal", given: judge([asks(3)], gone) },
    { title: "a stale signal", given: judge([asks(3)], stale) },
    { title: "an engine that could not use its signal", given: judge([asks(3), silent]) }
  ])("lowers nothing with $title", ({ given }) => {
    assert.deepInclude(given, { value: 10, recommended: 3, held: true, blind: true })
    assert.deepInclude(given.step, { limiter: "SignalMissing", before: 3, after: 10 })
  })

  it("goes on upwards, or where it is, with what is left", () => {
    assert.deepInclude(judge([asks(12), silent]), { value: 12, held: false, blind: true })
    assert.deepInclude(judge([asks(10), silent]), { value: 10, held: false, blind: true })
  })

  it("lowers nothing while the measure of an objective is missing", () => {
    const policy = policyOf({ objectives: { latency: { signal: "p99", targetMs: 200, goodFraction: 0.99 } } })
    const signals = [
      { signal: signalOf(), reading: fine },
      { signal: watched("p99"), reading: gone }
    ]
    assert.isTrue(arbitrate({ policy, current: 10, proposals: [asks(3)], signals }).held)
    const seen = signals.map(({ signal }) => ({ signal, reading: fine }))
    assert.isFalse(arbitrate({ policy, current: 10, proposals: [asks(3)], signals: seen }).held)
  })

  it("is not blind for a signal that is only watched", () => {
    const signals = [{ signal: watched("network"), reading: gone }]
    assert.deepInclude(arbitrate({ policy: policyOf(), current: 10, proposals: [asks(3)], signals }), {
      value: 3,
      blind: false
    })
  })

  it("is blind for a signal whose absence calls for the fallback", () => {
    const signals = [{ signal: watched("jobs", { onMissing: "Fallback" }), reading: gone }]
    const fallback = asks(5, { engine: "fallback", raiseOnly: true })
    assert.deepInclude(arbitrate({ policy: policyOf(), current: 10, proposals: [asks(3), fallback], signals }), {
      value: 10,
      blind: true
    })
  })

  it("is not blind at zero for what needs pods", () => {
    assert.isFalse(judge([], gone, 0).blind)
    const signals = [{ signal: signalOf({ worksAtZero: true }), reading: gone }]
    assert.isTrue(arbitrate({ policy: policyOf(), current: 0, proposals: [], signals }).blind)
  })

  it("says nothing of missing signals while an engine is only learning", () => {
    const learning: Proposal = { engine: "capacity", raiseOnly: false, reason: "still learning" }
    assert.deepInclude(judge([learning]), { value: 10, held: true, blind: false })
    assert.isUndefined(judge([learning]).step)
  })
})
