import { assert, describe, it } from "vitest"
import { perceive, type PerceiveInput, rewardOf } from "#domain/qlearningState"
import type { Policy } from "#schemas/Policy"
import { measured, missing, type PodSample, type Reading } from "#schemas/Reading"
import { observe, policyOf, signalOf, stateOf, watched } from "#test/domain/policies"

const cpu = signalOf({
  name: "cpu",
  source: "resource",
  role: "utilization",
  target: { type: "Utilization", milli: 70 }
})
const memory = watched("memory", { source: "resource" })
const rate = watched("rate", { role: "demand" })
const latency = watched("latency", { role: "latency" })
const errors = watched("errors", { role: "errorRate" })

const pod = (usageMilli: number, requestMilli: number): PodSample => ({
  name: "a",
  phase: "Running",
  deleting: false,
  ready: true,
  usageMilli,
  requestMilli
})
const cpuAt = (percent: number): Reading => ({ ...measured(percent, 0), warmUp: true })
const memoryAt = (percent: number): Reading => measured(percent, 0, 1, [pod(percent * 10, 1000)])

const see = (
  policy: Policy,
  readings: Readonly<Record<string, Reading>>,
  over: Partial<PerceiveInput> & { readonly replicas?: number } = {}
) => {
  const { replicas = 5, ...rest } = over
  const observation = observe(0, stateOf(replicas), readings)
  const signals = policy.signals.map((signal) => ({
    signal,
    reading: readings[signal.name] ?? missing("NotGiven", "none")
  }))
  return perceive({ policy, observation, signals, level: undefined, perPod: 0, ...rest })
}

const plain = policyOf({ signals: [cpu, memory, rate], bounds: { min: 1, max: 11 } })

describe("perceive", () => {
  it.each([
    { title: "idle and few", cpuPercent: 5, replicas: 1, want: "c0m-t1r0" },
    { title: "half busy in the middle", cpuPercent: 55, replicas: 6, want: "c5m-t1r2" },
    { title: "overloaded at the most", cpuPercent: 180, replicas: 11, want: "c10m-t1r4" }
  ])("tells states apart: $title", ({ cpuPercent, replicas, want }) => {
    assert.strictEqual(see(plain, { cpu: cpuAt(cpuPercent) }, { replicas })?.state, want)
  })

  it("reads memory off the pods, as a share of what they request", () => {
    assert.strictEqual(see(plain, { cpu: cpuAt(50), memory: memoryAt(60) })?.state, "c5m1t1r2")
    assert.strictEqual(see(plain, { cpu: cpuAt(50), memory: memoryAt(95) })?.state, "c5m3t1r2")
  })

  it("holds the request rate against what it has been", () => {
    const at = (value: number) => see(plain, { cpu: cpuAt(50), rate: measured(value, 0) }, { level: 100 })?.state
    assert.deepStrictEqual([at(50), at(100), at(150)], ["c5m-t0r2", "c5m-t1r2", "c5m-t2r2"])
  })

  it("counts work in busy pods: by what one serves where that is known, else by how busy they are", () => {
    const readings = { cpu: cpuAt(50), rate: measured(100, 0) }
    assert.strictEqual(see(plain, readings)?.work, 2.5)
    assert.strictEqual(see(plain, readings, { perPod: 25 })?.work, 4)
  })

  it("sees nothing where nobody runs, or where what it goes by is not measured", () => {
    assert.isUndefined(see(plain, {}))
    assert.isUndefined(see(plain, { cpu: cpuAt(50) }, { replicas: 0 }))
    const promised = policyOf({
      signals: [cpu, latency],
      objectives: { latency: { signal: "latency", targetMs: 200, goodFraction: 0.99 } }
    })
    assert.isUndefined(see(promised, { cpu: cpuAt(50) }))
  })

  it("measures by how much an objective is broken, up to twice its limit", () => {
    const promised = policyOf({
      signals: [cpu, latency, errors],
      objectives: {
        latency: { signal: "latency", targetMs: 200, goodFraction: 0.99 },
        errorRate: { signal: "errors", target: 0.01 }
      }
    })
    const at = (millis: number, share: number) => {
      const seen = see(promised, { cpu: cpuAt(50), latency: measured(millis, 0), errors: measured(share, 0) })
      return [seen?.latencyExcess, seen?.errorExcess, seen?.broken]
    }
    assert.deepStrictEqual(at(150, 0.001), [0, 0, false])
    assert.deepStrictEqual(at(300, 0.01), [0.5, 0, true])
    assert.deepStrictEqual(at(9000, 1), [1, 1, true])
  })

  it("reads a latency objective off the share of slow answers where that is measured", () => {
    const bad = watched("bad", { role: "badFraction" })
    const promised = policyOf({
      signals: [cpu, bad],
      objectives: { latency: { targetMs: 200, goodFraction: 0.95 } }
    })
    const at = (value: number) => see(promised, { cpu: cpuAt(50), bad: measured(value, 0) })?.latencyExcess ?? -1
    assert.strictEqual(at(0.04), 0)
    assert.approximately(at(0.075), 0.5, 1e-9)
  })

  it("takes load over its target for an objective where none is named", () => {
    assert.strictEqual(see(plain, { cpu: cpuAt(70) })?.latencyExcess, 0)
    assert.approximately(see(plain, { cpu: cpuAt(105) })?.latencyExcess ?? 0, 0.5, 1e-9)
    assert.strictEqual(see(plain, { cpu: cpuAt(105) })?.broken, true)
  })
})

describe("the reward", () => {
  const calm = { latencyExcess: 0, errorExcess: 0, replicas: 0, change: 0, max: 10 }

  it("weighs latency 0.6, errors 0.2, replicas 0.15 and change 0.05", () => {
    assert.strictEqual(rewardOf({ ...calm, latencyExcess: 1 }), -0.6)
    assert.strictEqual(rewardOf({ ...calm, errorExcess: 1 }), -0.2)
    assert.strictEqual(rewardOf({ ...calm, replicas: 10 }), -0.15)
    assert.strictEqual(rewardOf({ ...calm, change: -10 }), -0.05)
    assert.approximately(
      rewardOf({ ...calm, replicas: 5, change: 1, latencyExcess: 0.5 }),
      -(0.3 + 0.075 + 0.005),
      1e-12
    )
  })

  it("is never below -1, whatever happens", () => {
    const worst = { latencyExcess: 9, errorExcess: 9, replicas: 900, change: 900, max: 10 }
    assert.approximately(rewardOf(worst), -1, 1e-12)
  })
})
