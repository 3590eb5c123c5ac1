import { assert, describe, it } from "@effect/vitest"
import { decodes, refuses, rule, ScalingRule } from "#test/schemas/crd/objects"

describe("a ScalingRule", () => {
  const decoded = (extra = {}) => decodes(ScalingRule, rule(extra))

  it("scales one Deployment by one backlog, at its own interval, between its own bounds", () => {
    const { bounds, intervalMillis, signals, targets } = decoded({ pollIntervalSeconds: 7 })
    assert.deepStrictEqual(targets, {
      _tag: "Ref",
      target: { apiVersion: "apps/v1", kind: "Deployment", namespace: "shop", name: "web" }
    })
    assert.deepStrictEqual([bounds, intervalMillis], [{ min: 1, max: 10 }, 7000])
    assert.deepStrictEqual(signals, [
      {
        name: "backlog",
        source: "nats",
        options: { natsMonitoringURL: "http://nats:8222", subject: "orders.processing" },
        target: { type: "Value", milli: 50_000 },
        role: "backlog",
        onEmpty: "Missing",
        onMissing: "Hold",
        worksAtZero: true
      }
    ])
  })

  it("compares strictly, moves by one, and waits 120 s before it goes down", () => {
    assert.deepStrictEqual(decoded().engines, [
      {
        engine: "step",
        options: {
          rules: [
            {
              signal: "backlog",
              up: { op: "gt", thresholdMilli: 50_000 },
              down: { op: "lt", thresholdMilli: 10_000 }
            }
          ],
          up: "one",
          down: "one",
          downAfterSeconds: 120
        }
      }
    ])
    const { cooldown, rates, step } = decoded().limits
    assert.deepStrictEqual(rates, { _tag: "Windows", upSeconds: 0, downSeconds: 0 })
    assert.deepStrictEqual([cooldown, step], [{ upSeconds: 0, downSeconds: 0 }, {}])
  })

  it("jumps to what the backlog needs where it knows what a replica carries", () => {
    const options = decoded({ messagesPerReplica: 25 }).engines[0]?.options as
      | Readonly<Record<string, unknown>>
      | undefined
    const { down, up } = options ?? {}
    assert.deepStrictEqual([up, down], [{ perReplicaMilli: 25_000 }, { perReplicaMilli: 25_000 }])
  })

  it("passes every option of the source on, and none of its own fields", () => {
    const options = { account: "A", stream: "S", consumer: "C", aggregate: "sum", headers: { Authorization: "x" } }
    const { findings, signals } = decoded(options)
    assert.deepStrictEqual(signals[0]?.options, {
      natsMonitoringURL: "http://nats:8222",
      subject: "orders.processing",
      ...options
    })
    assert.strictEqual(findings[0]?.reason, "InlineSecret")
  })

  it("refuses thresholds between which nothing could rest", () => {
    const refusals = refuses(ScalingRule, rule({ scaleUpThreshold: 10 }))
    assert.deepStrictEqual(
      refusals.map(({ path }) => path),
      ["spec.scaleUpThreshold"]
    )
  })
})
