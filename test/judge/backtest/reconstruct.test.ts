import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { reconstruct } from "#judge/backtest/reconstruct"
import type { Remembered } from "#judge/backtest/history"
import { NONE, policyFile, remembered, REQUESTS, steps } from "#test/judge/backtest/world"

const total = policyFile(REQUESTS).policy
const perPod = policyFile(REQUESTS.replace("AverageValue", "Value")).policy

const demandOf = (change: Partial<Remembered>, policy = total) =>
  Result.getOrThrowWith(reconstruct(policy, remembered(change), 40), (why) => why)
const refusal = (change: Partial<Remembered>, policy = total) => {
  const made = reconstruct(policy, remembered(change), 40)
  return Result.isFailure(made) ? made.failure : ""
}
const requests = (valueAt: (step: number) => number) => ({ signals: new Map([["requests", steps(valueAt)]]) })

describe("the demand behind a history", () => {
  it("is a total as it was, and of each pod's share the share times the ready pods", () => {
    assert.strictEqual(demandOf({}).rates[3], 283)
    const each = demandOf({ ...requests(() => 28), ready: steps((step) => (step < 100 ? 10 : 20)) }, perPod)
    assert.deepStrictEqual([each.rates[0], each.rates[200]], [280, 560])
    assert.match(each.notes[0] ?? "", /^Demand is requests times the ready pods; it is held/u)
  })

  it("tells what a pod serves where it is known how busy the pods were", () => {
    assert.closeTo(demandOf({}).perPod ?? 0, 40, 0.01)
    assert.strictEqual(demandOf({ cpu: NONE }).perPod, undefined)
  })

  it("is the use of the CPU times the ready pods where nothing else is known, at least that where it was used up", () => {
    const { notes, rates } = demandOf({ signals: new Map(), cpu: steps((step) => (step < 24 ? 1 : 0.5)) })
    assert.strictEqual(rates[100], 0.5 * 10 * 40)
    assert.match(notes.join("\n"), /Unknown: the demand of 10 % of the time, in which the CPU was used up/u)
  })

  it("joins short holes, and holds and tells long gaps", () => {
    const hole = demandOf(requests((step) => (step === 50 ? Number.NaN : step)))
    assert.deepStrictEqual([hole.rates[50], hole.gaps], [50, []])
    const gap = demandOf(requests((step) => (step >= 50 && step < 90 ? Number.NaN : 100 + (step % 3))))
    assert.deepStrictEqual(gap.gaps, [{ fromSeconds: 750, seconds: 600 }])
    assert.strictEqual(gap.rates[70], 101)
    assert.match(gap.notes.join("\n"), /Unknown: the demand of one gap of 10 min in all/u)
    const late = demandOf(requests((step) => (step < 100 ? Number.NaN : 7 + (step % 2))))
    assert.deepStrictEqual([late.rates[0], late.gaps[0]?.seconds], [7, 1_500])
  })

  it("leaves unknown what follows from the number of pods", () => {
    const { policy } = policyFile(
      REQUESTS,
      '    - {name: slow, role: latency, prometheus: {serverUrl: "http://p:9090", query: "p95"}}\n'
    )
    const both = new Map([...remembered().signals, ["slow", steps(() => 90)]])
    assert.match(
      demandOf({ signals: both }, policy).notes.join("\n"),
      /Unknown: what slow would have been with other replicas/u
    )
  })

  it("says of which signals nothing is remembered", () => {
    const { policy } = policyFile(
      REQUESTS,
      `    - {name: mails, redis: {host: redis, queueName: mails}}
    - {name: slow, role: latency, prometheus: {serverUrl: "http://p:9090", query: "p95"}}
`
    )
    const { notes } = demandOf({}, policy)
    assert.match(notes.join("\n"), /Unknown: mails\. A Prometheus does not remember what redis says/u)
    assert.match(notes.join("\n"), /Unknown: slow\. Its query had no value in all of the range/u)
  })

  it("cannot be told of an empty history, of a counter, or of pods that nobody counted", () => {
    assert.match(
      refusal({ signals: new Map(), cpu: NONE }),
      /^There is no history of how much came: .*Check --range and --prometheus/u
    )
    const raw = policyFile(REQUESTS.replace("sum(rate(http_requests_total[1m]))", "sum(http_requests_total)")).policy
    assert.match(
      refusal(
        requests((step) => (step < 120 ? step * 100 : (step - 120) * 100)),
        raw
      ),
      /it is a counter\. Ask for its rate/u
    )
    assert.match(refusal({ ready: NONE }, perPod), /no history of the replicas.*Scrape kube-state-metrics/u)
    assert.match(refusal(requests((step) => (step < 5 ? 100 - step : Number.NaN))), /^Only 5 of 240 steps/u)
  })
})
