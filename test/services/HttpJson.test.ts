import { assert, describe, it } from "@effect/vitest"
import { Effect, Ref } from "effect"
import { HttpJson } from "#services/HttpJson"
import type { JsonQuestion } from "#services/HttpJson"
import { inTime, ok, run } from "#test/sources/sourceWorld"

const ask = (question: Partial<JsonQuestion> = {}) =>
  Effect.flatMap(HttpJson, (http) => http.ask({ method: "GET", url: "https://a.example/stats", ...question }))

const many = Effect.forEach(Array.from({ length: 50 }), () => ask(), { concurrency: "unbounded" })

describe("an answer in JSON", () => {
  it.effect("is shared by all who ask the same at once, and asked anew for the next tick", () =>
    Effect.gen(function* () {
      const { layer, requests } = yield* run({ kubernetes: () => ({}), http: () => ok({ a: 1 }) })
      const count = Effect.map(Ref.get(requests), (all) => all.length)
      yield* Effect.gen(function* () {
        yield* inTime(many)
        assert.strictEqual(yield* count, 1)
        yield* inTime(many)
        assert.strictEqual(yield* count, 2)
        yield* inTime(Effect.all([ask({ headers: { a: "1", b: "2" } }), ask({ headers: { b: "2", a: "1" } })]))
        assert.strictEqual(yield* count, 3, "headers have no order")
        const others: ReadonlyArray<Partial<JsonQuestion>> = [
          { headers: { a: "2" } },
          { method: "POST" },
          { body: { contentType: "a", text: "b" } },
          { url: "https://a.example/other" },
          { tls: { ca: "pem" } }
        ]
        yield* inTime(Effect.forEach(others, ask, { concurrency: "unbounded" }))
        assert.strictEqual(yield* count, 8, "other questions are other questions")
      }).pipe(Effect.provide(layer))
    })
  )

  it.effect("that is large is shared on its way, and not kept", () =>
    Effect.gen(function* () {
      const { layer, requests } = yield* run({ kubernetes: () => ({}), http: () => ok({ a: "x".repeat(10_000) }) })
      yield* Effect.gen(function* () {
        yield* inTime(many)
        assert.strictEqual((yield* Ref.get(requests)).length, 1)
        yield* inTime(Effect.andThen(ask(), ask()))
        assert.strictEqual((yield* Ref.get(requests)).length, 3)
      }).pipe(Effect.provide(layer))
    })
  )

  it.effect("outside 2xx is none, whatever it says", () =>
    Effect.gen(function* () {
      for (const [status, why] of [
        [300, "HttpStatus"],
        [401, "Unauthorized"],
        [503, "HttpStatus"]
      ] as const) {
        const { layer } = yield* run({ kubernetes: () => ({}), http: () => ({ status, body: "42" }) })
        const error = yield* Effect.flip(inTime(ask().pipe(Effect.provide(layer))))
        assert.strictEqual(error.why, why)
      }
    })
  )
})
