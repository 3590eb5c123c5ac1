import { Result } from "effect"
import { assert, describe, it } from "vitest"
import * as Effect from "effect/Effect"
import { missing } from "#schemas/Reading"
import type { Signal } from "#schemas/Policy"
import { bindSource } from "#sources/index"
import { bind } from "#operator/bind"
import { policyOf } from "#test/operator/records"

/** The real registry, in which kafka is said to be missing; nothing is sampled. */
const plugs = {
  signal: (signal: Signal) =>
    Result.map(bindSource(signal), ({ built, source }) => ({
      signal,
      built: built && source !== "kafka",
      sample: () => Effect.succeed(missing("NotGiven", "nobody asked"))
    }))
}

const [stub] = policyOf("a").signals
const signal = (source: string, options: unknown): Signal => ({ ...(stub as Signal), name: source, source, options })
const query = { serverUrl: "http://prometheus:9090", query: "up" }

describe("bind", () => {
  it("decodes every signal and every engine once", () => {
    const bound = Result.getOrThrow(bind(plugs, policyOf("a", { signals: [signal("prometheus", query)] })))
    assert.deepStrictEqual(
      bound.engines.map(({ name }) => name),
      ["target"]
    )
    assert.deepStrictEqual(bound.findings, [])
  })

  it("refuses all that it cannot bind, and says where", () => {
    const policy = policyOf("a", {
      signals: [signal("prometheus", { query: 5 }), signal("oracle", {})],
      engines: [
        { engine: "hunch", options: {} },
        { engine: "target", options: { signals: "all" } }
      ]
    })
    const refusals = Result.match(bind(plugs, policy), { onFailure: (all) => all, onSuccess: () => [] })
    assert.deepStrictEqual(
      refusals.map(({ reason }) => reason),
      ["InvalidOptions", "UnknownSource", "UnknownEngine", "InvalidOptions"]
    )
  })

  it("says once what is not built, and lets the baseline steer", () => {
    const policy = policyOf("a", {
      signals: [signal("kafka", { bootstrapServers: ["kafka:9092"], consumerGroup: "workers" })],
      engines: [{ engine: "auto", options: {} }]
    })
    const bound = Result.getOrThrow(bind(plugs, policy))
    assert.include(
      bound.engines.map(({ name }) => name),
      "target"
    )
    assert.deepStrictEqual(
      bound.findings.map(({ path, reason }) => [reason, path]),
      [
        ["NotBuilt", "signals.kafka"],
        ["Unused", "engines.auto"]
      ]
    )
    assert.include(bound.findings[0]?.message, "the signal kafka is missing, and nothing goes down while it is.")
    const { target: _, ...watched } = signal("kafka", { bootstrapServers: ["kafka:9092"], consumerGroup: "workers" })
    const [finding] = Result.getOrThrow(bind(plugs, policyOf("a", { signals: [watched] }))).findings
    assert.include(finding?.message, "the signal kafka is missing. Use prometheus")
    const again = Result.getOrThrow(bind(plugs, { ...policy, findings: bound.findings }))
    assert.deepStrictEqual(again.findings, bound.findings)
  })
})
