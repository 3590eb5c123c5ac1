import { Result } from "effect"
import { assert, describe, it } from "vitest"
import { readPolicyFile } from "#judge/policyFile"
import { workloadPolicy } from "#judge/workloadPolicy"

const http = {
  kind: "http",
  limits: { min: 2, max: 60 },
  slo: { target: 0.995, latencyMs: 250 },
  startupSecondsHint: 15
}
const queue = {
  kind: "queue",
  limits: { min: 0, max: 40 },
  slo: { target: 0.99, drainSeconds: 60 },
  startupSecondsHint: 20
}

const policyFor = (init: Readonly<Record<string, unknown>>) =>
  Result.getOrThrow(readPolicyFile("init", workloadPolicy(init), undefined))

describe("the policy of a workload", () => {
  it("is one that the API server and the operator accept, decided by auto every 5 s, with nothing left to say", () => {
    for (const init of [http, queue]) {
      const { engines, findings, policy } = policyFor(init)
      assert.deepStrictEqual([engines.map(({ name }) => name), findings, policy.intervalMillis], [["auto"], [], 5000])
    }
  })

  it("has the bounds and the objective that it was told", () => {
    assert.deepStrictEqual(policyFor(http).policy.bounds, { min: 2, max: 60 })
    assert.deepStrictEqual(policyFor(http).policy.objectives, {
      latency: { targetMs: 250, goodFraction: 0.995 },
      startupSeconds: 15
    })
    assert.deepStrictEqual(policyFor(queue).policy.bounds, { min: 0, max: 40 })
    assert.deepStrictEqual(policyFor(queue).policy.objectives, { queue: { drainSeconds: 60 }, startupSeconds: 20 })
  })

  it("is steered by the target on CPU where that is asked for, by the same cooldown with aiConfig as without", () => {
    for (const qLearning of [undefined, { exploration: "Bounded" }]) {
      const choices = { byTarget: true, ...(qLearning === undefined ? {} : { qLearning }) }
      const { engines, policy } = Result.getOrThrow(readPolicyFile("init", workloadPolicy(queue, choices), undefined))
      assert.deepStrictEqual(
        [engines[0]?.name, policy.bounds.min, policy.limits.cooldown],
        ["target", 1, { upSeconds: 0, downSeconds: 300 }]
      )
    }
  })
})
