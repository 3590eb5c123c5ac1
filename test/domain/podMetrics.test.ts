import { assert, describe, it } from "vitest"
import { groupPods, proposeFromPods } from "#domain/podMetrics"
import { toleranceOf } from "#domain/rounding"
import type { PodSample } from "#schemas/Reading"
import { limitsOf, stateOf } from "#test/domain/policies"

const AT = 1_000_000_000
let named = 0
const pod = (over: Partial<PodSample> = {}): PodSample => ({
  name: `pod-${(named += 1)}`,
  phase: "Running",
  deleting: false,
  ready: true,
  startedAt: AT - 3_600_000,
  readyChangedAt: AT - 3_590_000,
  requestMilli: 1000,
  usageMilli: 700,
  sampledAt: AT - 10_000,
  windowMillis: 30_000,
  ...over
})
const without = (key: keyof PodSample, over: Partial<PodSample> = {}): PodSample => {
  const { [key]: _, ...rest } = pod(over)
  return rest as PodSample
}

const groupOf = (one: PodSample, warmUp = true): string => {
  const { missing, ready, unready } = groupPods([one], warmUp, AT)
  return ready.length === 1 ? "ready" : unready.length === 1 ? "unready" : missing.length === 1 ? "missing" : "ignored"
}

describe("groupPods", () => {
  it.each([
    { title: "a pod that runs and has a sample", given: pod(), want: "ready" },
    { title: "a pod that goes away", given: pod({ deleting: true }), want: "ignored" },
    { title: "a pod that has failed", given: pod({ phase: "Failed" }), want: "ignored" },
    { title: "a pod that has no node yet", given: without("usageMilli", { phase: "Pending" }), want: "unready" },
    { title: "a pod without a sample", given: without("usageMilli"), want: "missing" },
    {
      title: "a pod that has ended well, without a sample",
      given: without("usageMilli", { phase: "Succeeded" }),
      want: "missing"
    },
    { title: "a pod of unknown readiness", given: without("ready"), want: "unready" },
    { title: "a pod of unknown start", given: without("startedAt"), want: "unready" },
    { title: "a young pod that is not ready", given: pod({ startedAt: AT - 299_999, ready: false }), want: "unready" },
    {
      title: "a young pod whose sample began before it was ready",
      given: pod({ startedAt: AT - 100_000, readyChangedAt: AT - 40_000, sampledAt: AT - 10_001 }),
      want: "unready"
    },
    {
      title: "a young pod with one whole window since it was ready",
      given: pod({ startedAt: AT - 100_000, readyChangedAt: AT - 40_000, sampledAt: AT - 10_000 }),
      want: "ready"
    },
    {
      title: "an old pod that has never been ready",
      given: pod({ startedAt: AT - 300_000, ready: false, readyChangedAt: AT - 270_001 }),
      want: "unready"
    },
    {
      title: "an old pod that was ready once and is not now",
      given: pod({ startedAt: AT - 300_000, ready: false, readyChangedAt: AT - 270_000 }),
      want: "ready"
    }
  ])("$title is $want", ({ given, want }) => {
    assert.strictEqual(groupOf(given), want)
  })

  it("does not care about start-up where start-up costs nothing", () => {
    assert.strictEqual(groupOf(without("ready"), false), "ready")
    assert.strictEqual(groupOf(pod({ startedAt: AT - 1000, ready: false }), false), "ready")
  })
})

const propose = (pods: ReadonlyArray<PodSample>, type: "Utilization" | "AverageValue" = "Utilization", milli = 70) => {
  const answer = proposeFromPods({
    pods,
    warmUp: true,
    at: AT,
    target: { type, milli },
    state: stateOf(pods.length),
    tolerance: toleranceOf(limitsOf())
  })
  return answer._tag === "Proposed" ? answer.replicas : answer.detail
}
const pods = (count: number, usageMilli: number) => Array.from({ length: count }, () => pod({ usageMilli }))
const pending = (count: number) => Array.from({ length: count }, () => without("usageMilli", { phase: "Pending" }))
const unsampled = (count: number) => Array.from({ length: count }, () => without("usageMilli"))

describe("proposeFromPods", () => {
  it.each([
    { title: "multiplies the ready pods by the ratio", got: () => propose(pods(4, 1050)), want: 6 },
    { title: "cuts utilization to whole percent first", got: () => propose(pods(4, 779)), want: 4 },
    { title: "compares the mean with a raw target", got: () => propose(pods(4, 1050), "AverageValue", 700), want: 6 },
    {
      title: "takes new pods for idle while it raises",
      got: () => propose([...pods(4, 1050), ...pending(4)]),
      want: 8
    },
    { title: "and raises less for them", got: () => propose([...pods(4, 1400), ...pending(1)]), want: 8 },
    { title: "does not count new pods while it lowers", got: () => propose([...pods(4, 350), ...pending(4)]), want: 2 },
    {
      title: "takes missing pods for full while it lowers",
      got: () => propose([...pods(4, 350), ...unsampled(4)]),
      want: 8
    },
    { title: "and lowers less for them", got: () => propose([...pods(6, 100), ...unsampled(1)]), want: 3 },
    {
      title: "takes missing pods for idle while it raises",
      got: () => propose([...pods(4, 1050), ...unsampled(4)]),
      want: 8
    },
    {
      title: "takes missing pods for on target with a raw target",
      got: () => propose([...pods(4, 350), ...unsampled(4)], "AverageValue", 700),
      want: 6
    },
    { title: "is silent without pods", got: () => propose([]), want: "there are no pods" },
    {
      title: "is silent when no pod that counts has a sample",
      got: () => propose(pending(3)),
      want: "no ready pod has a sample"
    },
    {
      title: "is silent when pods request nothing",
      got: () => propose([pod({ requestMilli: 0 })]),
      want: "its pods request none of it"
    }
  ])("$title", ({ got, want }) => {
    assert.strictEqual(got(), want)
  })

  it("asks for the request of every pod, even of one that goes away", () => {
    assert.match(String(propose([pod(), without("requestMilli", { deleting: true })])), /has no request of it$/u)
  })

  it("stays exact where milli-bytes leave what a double can hold", () => {
    const gibibytes = 1_099_511_627_776_000
    const many = Array.from({ length: 8 }, () => pod({ usageMilli: gibibytes, requestMilli: gibibytes }))
    assert.strictEqual(propose(many, "Utilization", 100), 8)
  })
})
