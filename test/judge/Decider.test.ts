import { assert, describe, it } from "@effect/vitest"
import { Decider } from "#judge/Decider"
import { ownFile } from "#judge/entrants"
import { readPolicyFile } from "#judge/policyFile"
import { measured } from "#schemas/Reading"
import { WEB } from "#workload/Workload"
import * as Result from "effect/Result"

const HPA_LIKE = `apiVersion: nimbusguard.io/v1
kind: ScalingPolicy
metadata: {name: web}
spec:
  target: {apiVersion: apps/v1, kind: Deployment, name: web}
  scaling: {minReplicas: 1, maxReplicas: 100, behavior: {}}
  signals:
    - name: rps
      prometheus: {serverUrl: "http://prometheus:9090", query: "sum(rate(requests_total[1m]))"}
      target: {type: AverageValue, value: "100"}
`

const asked = (at: number, replicas: number, value: number) => ({
  at,
  replicas,
  ready: replicas,
  pods: replicas,
  seed: 1,
  reading: () => measured(value, at)
})

describe("Decider", () => {
  it("decides by the policy, and remembers what it decided", () => {
    const decider = new Decider(Result.getOrThrow(readPolicyFile("web", HPA_LIKE, undefined)))
    assert.strictEqual(decider.decide(asked(0, 5, 1_000)).desired, 10)
    const lower = decider.decide(asked(15_000, 10, 300))
    assert.deepStrictEqual([lower.recommended, lower.desired, lower.limitedBy], [3, 10, ["ScaleDownStabilized"]])
    assert.strictEqual(decider.decide(asked(400_000, 10, 300)).desired, 3)
  })

  it("gives the same decisions for the same observations", () => {
    const decisions = () => {
      const decider = new Decider(ownFile(WEB))
      return Array.from({ length: 50 }, (_, tick) => decider.decide(asked(tick * 5_000, 10, 50 + (tick % 7))))
    }
    assert.deepStrictEqual(decisions(), decisions())
  })
})
