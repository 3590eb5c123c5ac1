/** Ten pods become fourteen, and what is measured of single pods is of the ten for a while: a course for whom learns from it. */
import * as Result from "effect/Result"
import { assert } from "vitest"
import { bindEngine } from "#engines/index"
import type { Policy } from "#schemas/Policy"
import { missing } from "#schemas/Reading"
import { observe, stateOf, type Values } from "#test/domain/policies"

export const learnsFromNoOtherPods = (name: string, policy: Policy, valuesOf: (ready: number) => Values): void => {
  const engine = Result.getOrThrow(bindEngine({ engine: name, options: {} }))
  const look = (sampledAt: number, at: number, ready: number, memory: unknown) => {
    const observation = observe(at, stateOf(ready, { readyReplicas: ready }), valuesOf(ready))
    const signals = policy.signals.map((signal) => {
      const reading = observation.readings.find((each) => each.signal === signal.name)?.reading
      if (reading?._tag !== "Measured") return { signal, reading: missing("NotGiven", "none") }
      if (signal.role !== "utilization") return { signal, reading }
      // As busy as they were when there were ten of them.
      const sample = { phase: "Running" as const, deleting: false, usageMilli: 700, requestMilli: 1000 }
      const pods = Array.from({ length: ready }, (_, pod) => ({
        ...sample,
        name: `${pod}`,
        sampledAt,
        windowMillis: 30_000
      }))
      return { signal, reading: { ...reading, pods } }
    })
    return engine.propose({ policy, observation, signals, resumed: false, memory })
  }
  let memory: unknown
  let at = 0
  for (; at < 300_000; at += 5000) ({ memory } = look(at, at, 10, memory))
  for (; at < 330_000; at += 5000) {
    const output = look(at - 5000, at, 14, memory)
    memory = output.memory
    assert.include(output.proposals[0]?.reason, "of which a pod serves 40")
  }
  for (; at < 400_000; at += 5000) ({ memory } = look(at, at, 14, memory))
  assert.include(look(at, at, 14, memory).proposals[0]?.reason, "of which a pod serves 28.6")
}
