import * as Effect from "effect/Effect"
import * as Tracer from "effect/Tracer"
import { assert, describe, it } from "@effect/vitest"
import { eventsOf } from "#operator/events"
import { asStep, demotionOf, learn, learnedOf } from "#operator/learn"
import { type Learning, Metrics } from "#services/Metrics"
import { AT, facts, target } from "#test/operator/factsOf"
import { policyOf } from "#test/operator/records"

const memoryAfter = (transitions: number, over: object = {}) => ({
  engines: {
    qlearning: {
      transitions,
      epsilon: 0.4,
      reward: -0.25,
      table: { c1: "0:0:1", c2: "0:0:1" },
      gate: { steering: true, valued: 9, chosen: { harm: 0, cost: 0.1 }, done: { harm: 0.1, cost: 0.1 } },
      ...over
    }
  }
})

const learning = policyOf("a", { engines: [{ engine: "qlearning", options: {} }] })

describe("the reward step", () => {
  const told: Array<Learning> = []
  const counting = { learning: (_: unknown, stats: Learning) => Effect.sync(() => void told.push(stats)) }

  it.effect("tells metrics how far learning is, and the reward only of a transition", () =>
    Effect.gen(function* () {
      const after = target({ memory: memoryAfter(8) })
      assert.deepStrictEqual(yield* learn(learning.ref, after), { at: AT, reward: -0.25 })
      assert.deepStrictEqual(told, [
        {
          epsilon: 0.4,
          reward: -0.25,
          states: 2,
          transitions: 8,
          shadowReward: -0.1,
          baselineReward: -0.2,
          steering: 1
        }
      ])
      const { record } = after
      if (record === undefined) return assert.fail("there is a record")
      const same = { ...after, record: { ...record, memory: { ...record.memory, ...memoryAfter(8) } } }
      assert.isUndefined(yield* learn(learning.ref, same))
      const none = { valued: 0, steering: false, chosen: { harm: 0, cost: 0 }, done: { harm: 0, cost: 0 } }
      const { reward: _, ...fresh } = memoryAfter(0, { gate: none }).engines.qlearning
      yield* learn(learning.ref, target({ memory: { engines: { qlearning: fresh } } }))
      const { baselineReward, reward, shadowReward } = told.at(-1) ?? {}
      assert.deepStrictEqual([reward, shadowReward, baselineReward], [undefined, undefined, undefined])
      assert.isUndefined(yield* learn(learning.ref, target()))
    }).pipe(
      Effect.updateService(Metrics, (metrics) => ({ ...metrics, ...counting })),
      Effect.provide(Metrics.layerNone)
    )
  )

  it.effect("gives each step's spans its name, where something is learned", () =>
    Effect.gen(function* () {
      const spans: Array<Tracer.Span> = []
      const tracer = Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          spans.push(span)
          return span
        }
      })
      const work = Effect.void.pipe(Effect.withSpan("decide"))
      yield* Effect.andThen(work.pipe(asStep(learning, "Decision")), work.pipe(asStep(policyOf("b"), "Decision"))).pipe(
        Effect.provideService(Tracer.Tracer, tracer)
      )
      assert.deepStrictEqual(
        spans.map(({ attributes }) => attributes.get("step")),
        ["Decision", undefined]
      )
    })
  )
})

describe("a lost say", () => {
  it("is told as the Event ModelDemoted, with the decision in which it was lost and no other", () => {
    const reasons = (demotedAt: number) =>
      eventsOf({
        facts: facts({ targets: [target({ memory: memoryAfter(8, { demotedAt }) })] }),
        fresh: [],
        conditions: [],
        phase: "Active",
        before: { observedGeneration: 4 }
      }).map(({ reason }) => reason)
    assert.deepStrictEqual(reasons(AT), ["ModelDemoted"])
    assert.deepStrictEqual(reasons(AT - 15_000), [])
    assert.isFalse(demotionOf(target()))
  })
})

describe("what was learned", () => {
  it("is nothing where the memory cannot be read", () => {
    assert.isUndefined(learnedOf({ engines: {} }))
    assert.isUndefined(learnedOf({ engines: { qlearning: { transitions: "many" } } }))
  })
})
