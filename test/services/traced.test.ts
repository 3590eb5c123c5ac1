import { Context, Effect, References, Tracer } from "effect"
import { assert, describe, it } from "@effect/vitest"
import { annotated, traced, tracedAs } from "#services/traced"

const doubled = traced("doubled")(
  function* (this: unknown, value: number) {
    yield* Effect.annotateCurrentSpan({ value })
    if (value < 0) return yield* Effect.fail("negative" as const)
    return value * 2
  },
  Effect.map((value) => ({ value }))
)

const recording = (names: Array<string>) =>
  Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      names.push(span.name)
      return span
    }
  })

describe("traced", () => {
  it.effect("answers and fails the same with spans and without", () =>
    Effect.gen(function* () {
      for (const enabled of [true, false]) {
        const given = Effect.provideService(References.TracerEnabled, enabled)
        assert.deepStrictEqual(yield* given(doubled(2)), { value: 4 })
        assert.strictEqual(yield* Effect.flip(given(doubled(-1))), "negative")
      }
    })
  )

  it.effect("makes a span where spans are collected, and none where nobody collects them", () =>
    Effect.gen(function* () {
      const names: Array<string> = []
      const into = Effect.provideContext(Context.make(Tracer.Tracer, recording(names)))
      yield* into(Effect.provideService(doubled(1), References.TracerEnabled, false))
      assert.deepStrictEqual(names, [])
      yield* into(doubled(1))
      assert.deepStrictEqual(names, ["doubled"])
    })
  )

  it.effect("does the same for an effect that is there already", () =>
    Effect.gen(function* () {
      const names: Array<string> = []
      const into = Effect.provideContext(Context.make(Tracer.Tracer, recording(names)))
      const named = tracedAs("named", { root: true })(Effect.succeed(1))
      assert.strictEqual(yield* into(Effect.provideService(named, References.TracerEnabled, false)), 1)
      assert.deepStrictEqual(names, [])
      assert.strictEqual(yield* into(named), 1)
      assert.deepStrictEqual(names, ["named"])
    })
  )

  it.effect("finds out what is to be said of a span only where spans are collected", () =>
    Effect.gen(function* () {
      let asked = 0
      const told = Effect.andThen(
        annotated(() => ({ asked: ++asked })),
        Effect.currentSpan
      ).pipe(Effect.withSpan("told"))
      yield* Effect.ignore(Effect.provideService(told, References.TracerEnabled, false))
      assert.strictEqual(asked, 0)
      assert.strictEqual((yield* told).attributes.get("asked"), 1)
    })
  )
})
