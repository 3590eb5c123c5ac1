/** Every engine of the registry is held to the contract: the example binds, memory survives, bad options are refused. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { assert, describe, it } from "vitest"
import { baseline, bindEngine, ENGINES, withBaseline } from "#engines/index"
import type { EngineSpec, Policy } from "#schemas/Policy"
import { missing } from "#schemas/Reading"
import { Dice } from "#test/domain/Dice"
import { FREE, hpaRates, limitsOf, observe, policyOf, signalOf, stateOf, watched } from "#test/domain/policies"

const names = Object.keys(ENGINES) as ReadonlyArray<keyof typeof ENGINES>
const bind = (spec: EngineSpec) => Result.getOrThrow(bindEngine(spec))

describe.each(names)("the engine %s", (name) => {
  const engine = ENGINES[name]

  it("is called what it is registered as, and says what it does", () => {
    assert.strictEqual(engine.name, name)
    assert.match(engine.description, /\.$/u)
  })

  it("binds its example, and nothing that its options do not know", () => {
    assert.strictEqual(bind({ engine: name, options: engine.example }).name, name)
    const refused = bindEngine({ engine: name, options: { ...(engine.example as object), nonsense: 1 } })
    assert.strictEqual(Result.isFailure(refused) ? refused.failure.reason : "bound", "InvalidOptions")
    assert.isTrue(Result.isFailure(bindEngine({ engine: name, options: "nonsense" })))
  })

  it("describes every option", () => {
    const { schema } = Schema.toJsonSchemaDocument(engine.options)
    const undescribed = (node: unknown, path: string): ReadonlyArray<string> => {
      if (typeof node !== "object" || node === null) return []
      const { description, properties = {} } = node as { description?: string; properties?: Record<string, unknown> }
      const told = description !== undefined || JSON.stringify(node).includes('"description"')
      return [
        ...(told ? [] : [path]),
        ...Object.entries(properties).flatMap(([key, value]) => undescribed(value, `${path}.${key}`))
      ]
    }
    assert.deepStrictEqual(undescribed(schema, name), [])
  })

  it("proposes from anything, leaves its inputs alone, and forgets nothing by being written down", () => {
    const bound = bind({ engine: name, options: engine.example })
    const other = bind({ engine: name, options: engine.example })
    const policy = policyOf({
      signals: [signalOf(), signalOf({ name: "backlog", worksAtZero: true }), watched("latency", { role: "latency" })],
      engines: [{ engine: name, options: engine.example }],
      objectives: { latency: { targetMs: 200, goodFraction: 0.99 } }
    })
    for (let seed = 1; seed <= 200; seed++) {
      const dice = new Dice(seed)
      let memory: unknown
      for (let tick = 0; tick < 10; tick++) {
        const value = () => (dice.chance(0.2) ? null : dice.of([0, 1, 5, 50, 500, 1e9, 1e300]) * dice.float())
        const observation = observe(tick * 60_000, stateOf(dice.of([0, 1, 7, 1000])), {
          rps: value(),
          backlog: value(),
          latency: value()
        })
        const signals = policy.signals.map((signal, index) => ({
          signal,
          reading: observation.readings[index]?.reading ?? missing("NotGiven", "none")
        }))
        const before = JSON.stringify([observation, memory])
        const output = bound.propose({ policy, observation, signals, resumed: false, memory })
        assert.strictEqual(JSON.stringify([observation, memory]), before)
        for (const { raiseOnly, reason, replicas } of output.proposals) {
          assert.isTrue(replicas === undefined || (Number.isSafeInteger(replicas) && replicas >= 0), String(replicas))
          assert.isBoolean(raiseOnly)
          assert.isAbove(reason.length, 0)
        }
        const written = JSON.parse(JSON.stringify({ memory: memory ?? null })) as { readonly memory: unknown }
        const again = other.propose({
          policy,
          observation,
          signals,
          resumed: false,
          memory: written.memory ?? undefined
        })
        assert.deepStrictEqual(again, output)
        memory = output.memory
      }
    }
  })

  it("begins anew from a memory that it cannot read", () => {
    const bound = bind({ engine: name, options: engine.example })
    const input = { policy: policyOf(), observation: observe(0, stateOf(3), { rps: 1 }), signals: [], resumed: false }
    const fresh = bound.propose({ ...input, memory: undefined })
    assert.deepStrictEqual(bound.propose({ ...input, memory: { calmSince: "never" } }), fresh)
  })
})

describe("bindEngine", () => {
  it("names the engines that there are", () => {
    const refused = bindEngine({ engine: "toString", options: {} })
    assert.deepStrictEqual(Result.isFailure(refused) ? refused.failure : undefined, {
      reason: "UnknownEngine",
      path: "engines.toString",
      message: `There is no engine "toString". Use one of ${names.join(", ")}.`
    })
  })

  it("takes absent options for none", () => {
    assert.strictEqual(bind({ engine: "target", options: undefined }).name, "target")
  })
})

describe("the baseline", () => {
  const signals = [signalOf(), watched("latency", { role: "latency" })]
  const objectives = { latency: { targetMs: 200, goodFraction: 0.99 } }
  const unbuilt: Partial<Policy> = {
    signals,
    engines: [
      { engine: "auto", options: {} },
      { engine: "qlearning", options: {} }
    ]
  }
  const called = (engines: ReadonlyArray<EngineSpec>) => engines.map(({ engine }) => engine)

  it("holds targets, and objectives that something measures", () => {
    assert.deepStrictEqual(called(baseline(policyOf({ signals }))), ["target"])
    assert.deepStrictEqual(called(baseline(policyOf({ signals, objectives }))), ["target", "slo"])
    assert.deepStrictEqual(
      called(baseline(policyOf({ signals: [watched("latency", { role: "latency" })], objectives }))),
      ["slo"]
    )
    assert.deepStrictEqual(called(baseline(policyOf({ signals: [watched("x")] }))), [])
  })

  it("steers where no engine can by itself, with the HPA's window where there was none", () => {
    const { engines, limits } = withBaseline(policyOf({ ...unbuilt, objectives, limits: limitsOf({ rates: FREE }) }))
    assert.deepStrictEqual(called(engines), ["target", "slo", "qlearning"])
    assert.deepStrictEqual(limits.rates, { _tag: "Absent", downSeconds: 300 })
  })

  it("leaves rates alone that hold", () => {
    assert.deepStrictEqual(
      withBaseline(policyOf({ ...unbuilt, limits: limitsOf({ rates: hpaRates() }) })).limits.rates,
      hpaRates()
    )
  })

  it("leaves a policy alone that names an engine that is built", () => {
    const policy = policyOf({
      engines: [
        { engine: "auto", options: {} },
        { engine: "step", options: ENGINES.step.example }
      ]
    })
    assert.strictEqual(withBaseline(policy), policy)
  })
})
