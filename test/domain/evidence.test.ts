import { assert, describe, it } from "vitest"
import { type Evidence, gather, hasRole } from "#domain/evidence"
import { measured, missing, type PodSample, type Reading } from "#schemas/Reading"
import { observe, policyOf, stateOf, watched } from "#test/domain/policies"

const ROLES = ["demand", "served", "utilization", "backlog", "badFraction"] as const

const seen = (readings: { readonly [Role in keyof Evidence]: Reading }, replicas = 3) => {
  const signals = ROLES.flatMap((role) => {
    const reading = readings[role]
    return reading === undefined ? [] : [{ signal: watched(role, { role, worksAtZero: role === "demand" }), reading }]
  })
  return gather({ observation: observe(0, stateOf(replicas)), signals }, ROLES)
}

const pod = (name: string, over: Partial<PodSample>): PodSample => ({
  name,
  phase: "Running",
  deleting: false,
  ...over
})

describe("evidence", () => {
  it("is what each role says, a utilization as a share, and never below nothing", () => {
    const readings = { demand: measured(5, 0), utilization: measured(70, 0), backlog: measured(-3, 0) }
    assert.deepStrictEqual(seen(readings), { demand: 5, utilization: 0.7, backlog: 0 })
    assert.deepStrictEqual(seen({ badFraction: measured(7, 0) }), { badFraction: 1 })
  })

  it("takes the use of the pods for a share of what they request, whatever unit the signal is in", () => {
    const requested = [
      pod("a", { usageMilli: 300, requestMilli: 500 }),
      pod("b", { usageMilli: 100, requestMilli: 300 }),
      pod("c", { requestMilli: 500 })
    ]
    assert.deepStrictEqual(seen({ utilization: measured(0.2, 0, 1, requested) }), {
      utilization: 0.5,
      sampledFrom: 0
    })
    assert.deepStrictEqual(seen({ utilization: measured(0.2, 0, 1, [pod("a", { usageMilli: 200 })]) }), {})
  })

  it("leaves out what pods burn that are only starting up: none of it is for anybody", () => {
    const started = { startedAt: -10_000, readyChangedAt: -5_000, sampledAt: 0, windowMillis: 1_000, requestMilli: 500 }
    const pods = [
      pod("old", { ...started, ready: true, usageMilli: 400 }),
      pod("starting", { ...started, ready: false, usageMilli: 500 }),
      pod("fresh", { ...started, ready: true, sampledAt: -4_500, usageMilli: 500 }),
      pod("leaving", { ...started, ready: true, usageMilli: 100, deleting: true })
    ]
    const warm = (some: ReadonlyArray<PodSample>) =>
      seen({ utilization: { ...measured(90, 0, 1, some), warmUp: true } })
    assert.deepStrictEqual(warm(pods), { utilization: 0.8, sampledFrom: -Infinity })
    assert.deepStrictEqual(warm(pods.slice(0, 1)), { utilization: 0.8, sampledFrom: -1_000 })
    assert.deepStrictEqual(warm(pods.slice(1, 3)), {})
  })

  it("is of all that serve as soon as most of them have a sample, and waits for none that serves nothing", () => {
    const old = { startedAt: -3_600_000, readyChangedAt: -3_590_000, requestMilli: 500 }
    const heard = (name: string) =>
      pod(name, { ...old, ready: true, usageMilli: 400, sampledAt: -5_000, windowMillis: 1_000 })
    const from = (...others: ReadonlyArray<PodSample>) => {
      const reading = { ...measured(80, 0, 1, [heard("a"), heard("b"), ...others]), warmUp: true }
      const found = seen({ utilization: reading })
      return "signal" in found ? undefined : found.sampledFrom
    }
    const unheard = (name: string) => pod(name, { ...old, ready: true })
    const idle = [
      pod("unschedulable", { phase: "Pending", requestMilli: 500 }),
      pod("crashing", { ...old, ready: false }),
      pod("starting", { ...old, startedAt: -20_000, ready: false, usageMilli: 500, sampledAt: 0 })
    ]
    assert.strictEqual(from(...idle), -6_000)
    assert.strictEqual(from(unheard("c")), -6_000)
    assert.strictEqual(from(unheard("c"), unheard("d")), -Infinity)
  })

  it("waits for a signal that is missing, and names it", () => {
    const found = seen({ demand: measured(5, 0), served: missing("Timeout", "no answer") })
    assert.deepStrictEqual(found, { signal: "served", reason: "served is missing: no answer" })
  })

  it("does not wait for what cannot be: pods that are not there, a share of no requests", () => {
    const none = missing("NotGiven", "none")
    assert.deepStrictEqual(seen({ demand: measured(0, 0), badFraction: none }), { demand: 0 })
    assert.deepStrictEqual(seen({ demand: measured(1, 0), utilization: none }, 0), { demand: 1 })
    assert.property(seen({ demand: none, utilization: none }, 0), "signal")
  })

  it("knows which roles a policy has", () => {
    const policy = policyOf({ signals: [watched("cpu", { role: "utilization" })] })
    assert.deepStrictEqual([hasRole(policy, "utilization"), hasRole(policy, "demand")], [true, false])
  })
})
