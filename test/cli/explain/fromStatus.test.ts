import { Effect, Layer } from "effect"
import { assert, describe, it } from "@effect/vitest"
import { chosen, readStatus, tellStatus } from "#cli/explain/fromStatus"
import { ScalingPolicy } from "#schemas/crd/ScalingPolicy"
import type { Status } from "#schemas/Status"
import { Kubernetes } from "#services/Kubernetes"
import { FaultyApi } from "#test/worlds/FaultyApi"

const STATUS: Status = {
  phase: "Active",
  target: "Deployment/web",
  currentReplicas: 4,
  targetReplicas: 5,
  decisions: [
    {
      at: "2026-01-01T00:00:30Z",
      from: 4,
      to: 5,
      outcome: "Scaled",
      reason: "more",
      recommended: 9,
      limitedBy: ["ScaleUpLimit"]
    },
    { at: "2026-01-01T00:00:15Z", from: 4, to: 4, outcome: "Unchanged", reason: "enough" }
  ],
  signals: [
    { name: "rps", value: "120", target: "100", proposal: 5 },
    { name: "cpu", error: "metrics.k8s.io does not answer" }
  ],
  conditions: [
    {
      type: "Ready",
      status: "True",
      reason: "PolicyActive",
      message: "It runs.",
      lastTransitionTime: "2026-01-01T00:00:00Z"
    }
  ]
}

describe("what status holds", () => {
  it("is told oldest first, with how it stands now", () => {
    assert.deepStrictEqual(tellStatus(STATUS, chosen(STATUS, { _tag: "Last", count: 5 })), [
      "2026-01-01T00:00:15Z  stays at 4, Unchanged",
      "  why:       enough",
      "2026-01-01T00:00:30Z  4 -> 5, Scaled, 9 was recommended",
      "  why:       more",
      "  limited:   ScaleUpLimit",
      "Now: Active, Deployment/web has 4 replicas, decided 5.",
      "  signal     rps 120 for 100, asks for 5",
      "  signal     cpu: metrics.k8s.io does not answer",
      "  condition  Ready=True PolicyActive: It runs."
    ])
    assert.deepStrictEqual(tellStatus({}, []), ["Now: not looked at yet."])
  })

  it("is chosen by count, or by the time it held", () => {
    const at = (text: string) => chosen(STATUS, { _tag: "At", at: Date.parse(text) }).map(({ to }) => to)
    assert.deepStrictEqual(at("2026-01-01T00:00:29Z"), [4])
    assert.deepStrictEqual(at("2026-01-01T00:00:00Z"), [])
    assert.deepStrictEqual(
      chosen(STATUS, { _tag: "Last", count: 1 }).map(({ to }) => to),
      [5]
    )
  })

  it.live("is read from the API server, also where there is none yet, or no object", () =>
    Effect.gen(function* () {
      const api = yield* FaultyApi.make()
      api.create({
        apiVersion: "nimbusguard.io/v1",
        kind: "ScalingPolicy",
        metadata: { name: "web", namespace: "shop" },
        spec: {}
      })
      const read = (name: string) =>
        readStatus(ScalingPolicy, "shop", name).pipe(
          Effect.provide(Layer.succeed(Kubernetes, api.port("person").service))
        )
      assert.deepStrictEqual(yield* read("web"), {})
      api.patch("ScalingPolicy", "shop", "web", { status: { ...STATUS } })
      assert.deepStrictEqual(yield* read("web"), STATUS)
      assert.isUndefined(yield* read("gone"))
    }).pipe(Effect.scoped)
  )
})
