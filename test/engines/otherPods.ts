/** Courses of pods whose samples are of others, or do not speak of all: for whom learns what a pod serves. */
import * as Result from "effect/Result"
import { assert } from "vitest"
import { bindEngine } from "#engines/index"
import type { Policy } from "#schemas/Policy"
import { missing, type PodSample } from "#schemas/Reading"
import { observe, stateOf, type Values } from "#test/domain/policies"

interface Seen {
  readonly at: number
  readonly ready: number
  readonly pods: ReadonlyArray<PodSample>
}

/** One engine's looks at the samples of single pods: what it says of them. */
const looker = (name: string, policy: Policy, valuesOf: (ready: number) => Values) => {
  const engine = Result.getOrThrow(bindEngine({ engine: name, options: {} }))
  let memory: unknown
  return ({ at, pods, ready }: Seen): string => {
    const state = stateOf(ready, { readyReplicas: ready, statusReplicas: pods.length })
    const observation = observe(at, state, valuesOf(ready))
    const signals = policy.signals.map((signal) => {
      const reading = observation.readings.find((each) => each.signal === signal.name)?.reading
      if (reading?._tag !== "Measured") return { signal, reading: missing("NotGiven", "none") }
      return { signal, reading: signal.role === "utilization" ? { ...reading, pods, warmUp: true } : reading }
    })
    const output = engine.propose({ policy, observation, signals, resumed: false, memory })
    memory = output.memory
    return output.proposals[0]?.reason ?? ""
  }
}

const samples = (count: number, sampledAt: number, usageMilli: number): ReadonlyArray<PodSample> =>
  Array.from({ length: count }, (_, pod) => ({
    name: `${pod}`,
    phase: "Running",
    deleting: false,
    ready: true,
    startedAt: -3_600_000,
    readyChangedAt: -3_590_000,
    requestMilli: 1000,
    usageMilli,
    sampledAt,
    windowMillis: 30_000
  }))

const unsampled = (pod: PodSample): PodSample => {
  const { sampledAt: _, usageMilli: __, windowMillis: ___, ...rest } = pod
  return rest
}

/** Ten pods become fourteen, and what is measured of single pods is of the ten for a while. */
export const learnsFromNoOtherPods = (name: string, policy: Policy, valuesOf: (ready: number) => Values): void => {
  const look = looker(name, policy, valuesOf)
  // As busy as they were when there were ten of them.
  const seen = (at: number, ready: number, sampledAt = at) => look({ at, ready, pods: samples(ready, sampledAt, 700) })
  let at = 0
  for (; at < 300_000; at += 5000) seen(at, 10)
  for (; at < 330_000; at += 5000) assert.include(seen(at, 14, at - 5000), "of which a pod serves 40")
  for (; at < 400_000; at += 5000) seen(at, 14)
  assert.include(seen(at, 14), "of which a pod serves 28.6")
}

/** Ten pods serve, and an eleventh finds no node; then they become faster. */
export const learnsBesideAPendingPod = (name: string, policy: Policy, valuesOf: (ready: number) => Values): void => {
  const look = looker(name, policy, valuesOf)
  const pending: PodSample = { name: "pending", phase: "Pending", deleting: false, requestMilli: 1000 }
  const seen = (at: number, usageMilli: number) =>
    look({ at, ready: 10, pods: [...samples(10, at, usageMilli), pending] })
  let at = 0
  for (; at < 30_000; at += 5000) assert.include(seen(at, 700), "it is not known yet")
  for (; at < 300_000; at += 5000) assert.include(seen(at, 700), "of which a pod serves 40")
  for (; at < 600_000; at += 5000) seen(at, 560)
  assert.include(seen(at, 560), "of which a pod serves 50")
}

/** The one scrape from which it can be known lacks a pod that serves; then none is without another such. */
export const learnsWithoutOneSample = (name: string, policy: Policy, valuesOf: (ready: number) => Values): void => {
  const look = looker(name, policy, valuesOf)
  const seen = (at: number, usageMilli: number, lost?: number) => {
    const pods = samples(10, at, usageMilli).map((pod, each) => (each === lost ? unsampled(pod) : pod))
    return look({ at, ready: 10, pods })
  }
  let at = 0
  for (; at < 30_000; at += 5000) assert.include(seen(at, 700), "it is not known yet")
  assert.include(seen(at, 700, 3), "of which a pod serves 40")
  for (; at < 300_000; at += 5000) seen(at, 560, (at / 5000) % 10)
  assert.include(seen(at, 560), "of which a pod serves 50")
}
